// SPDX-License-Identifier: MIT
// What is said of times, sizes and states.

import { h } from "./dom.js";

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
const day = new Intl.DateTimeFormat(undefined, { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });

/** The gateway's clock less this one's, in seconds. */
let ahead = 0;
export function setClock(seconds) {
  if (Number.isFinite(seconds)) ahead = seconds - Date.now() / 1000;
}
export const now = () => Date.now() / 1000 + ahead;

export function plural(count, one, many = one + "s") {
  return `${count.toLocaleString()} ${count === 1 ? one : many}`;
}

/** Seconds as people say them. */
export function span(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 90) return `${whole} s`;
  if (whole < 5400) return `${Math.round(whole / 60)} min`;
  if (whole < 129600) return `${Math.round(whole / 3600)} h`;
  return plural(Math.round(whole / 86400), "day");
}

export function moment(seconds) {
  const date = new Date(seconds * 1000);
  return (Math.abs(now() - seconds) < 64800 ? clock : day).format(date);
}

/** Seconds of a step after another one. */
export function after(seconds) {
  return seconds < 0.0995 ? `+${Math.round(seconds * 1000)} ms` : `+${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`;
}

function relative(seconds, lasts) {
  const away = now() - seconds;
  if (lasts) return `${lasts} ${span(away)}`;
  if (away < -1) return `in ${span(-away)}`;
  return away < 2 ? "just now" : `${span(away)} ago`;
}

/** A moment that is told by how far away it is, and goes on being true; with `lasts` ("silent for"), how long ago it began. */
export function since(seconds, lasts = "") {
  if (seconds === null || seconds === undefined) return null;
  const stamp = new Date(seconds * 1000).toISOString();
  return h("time", { datetime: stamp, title: stamp.replace("T", " ").slice(0, 19) + " UTC", "data-at": seconds, "data-lasts": lasts }, relative(seconds, lasts));
}

/** A moment by the clock. */
export function at(seconds) {
  if (seconds === null || seconds === undefined) return null;
  const stamp = new Date(seconds * 1000).toISOString();
  return h("time", { datetime: stamp, title: stamp.replace("T", " ").slice(0, 19) + " UTC" }, moment(seconds));
}

/** Brings all that `since` made up to now. */
export function tick() {
  for (const each of document.querySelectorAll("time[data-at]")) {
    const text = relative(Number(each.dataset.at), each.dataset.lasts);
    if (each.textContent !== text) each.textContent = text;
  }
}

export const DEVICE = { registered: "registered", away: "away", never: "never registered" };

/** [words, tone] of a state of a message, or of a step of its life. */
const MESSAGE = {
  accepted: ["accepted", "wait"],
  stored: ["waits for the recipient", "wait"],
  arriving: ["arriving in segments", "wait"],
  sent: ["sent", "wait"],
  answered: ["answered", "good"],
  "not taken": ["not taken", "bad"],
  "passed on": ["passed on", "good"],
  delivered: ["delivered", "good"],
  failed: ["failed", "bad"],
  refused: ["refused", "bad"],
  discarded: ["discarded", "bad"],
  quarantined: ["set aside", "bad"],
};
export function told(name) {
  return MESSAGE[name] ?? [name ?? "", ""];
}

/** The same of a whole message: with what its report says, where there is one. */
export function toldOf(message) {
  const [words, tone] = told(message.state);
  return [message.report ? `${words}, report: ${message.report}` : words, message.report && message.report !== "success" ? "bad" : tone];
}

// What to do about an end that the one who sees it can change.
const ADVICE = {
  "unknown recipient": "Nobody was ever registered under this name: msgin5g as listen registers an Application Server, msgin5g provision makes a device known.",
  "the recipient is not registered": "It was away, and the sender had not asked that its message waits.",
};

/** [why a message ended without being delivered, what to do], each empty where there is nothing to say. */
export function ended(message) {
  const end = message.steps.findLast((step) => step.what === "end");
  const why = end && told(message.state)[1] === "bad" ? end.detail : "";
  return [why, ADVICE[why] ?? ""];
}

export function octets(count) {
  if (count === null || count === undefined) return "";
  return count < 10000 ? plural(count, "octet") : `${(count / 1024).toFixed(1)} KiB`;
}

/** What a device counts itself, by the name that it has there; docs/application.md has a sentence for each. */
const COUNTERS = {
  accepted: "Messages accepted by the gateway",
  delivered: "Messages delivered, by their reports",
  failed: "Messages that failed",
  expired: "Messages whose time was over first",
  received: "Messages received",
  repeated: "Messages that came once more",
  reported: "Reports sent and accepted",
  reports_refused: "Reports refused by the gateway",
  refused: "Messages refused for want of room",
  vanished: "Messages lost by the storage",
  malformed: "Messages that broke the standard",
  unexpected: "Reports about messages that it does not hold",
  starved: "Times that something was put off for want of memory",
  recoveries: "Times that missing segments were asked for",
  given_up: "Messages whose segments never came",
  strangers: "Answers of no gateway for it",
  triggered: "Triggers obeyed",
  triggers_ignored: "Triggers ignored",
  update_pieces: "Pieces of updates taken",
  update_ignored: "Messages of updates ignored",
  update_refused: "Updates refused",
  outbox: "Messages that wait to be accepted, now",
  inbox: "Messages that wait for the application, now",
  boots: "Starts of the board",
  heap_free: "Octets of the heap that are free, now",
  journal_failed: "Writes to flash that failed",
  journal_torn: "Files whose last record was cut off",
  journal_damaged: "Files of the journal that are damaged",
  journal_unknown: "Records of a kind that it does not know",
  journal_newer: "Files of a newer version",
  journal_unread: "Storages that cannot be listed",
  link_dropped: "Datagrams dropped for want of memory",
  link_frames: "Frames of the serial line taken",
  link_damaged: "Frames that were damaged",
  link_long: "Frames that were too long",
  link_aborted: "Frames given up by the gateway",
  link_unknown: "Frames of an unknown kind",
  link_lost: "Datagrams with no network to go to",
  link_outages: "Times that the network was gone",
  link_unanswered: "Tries to join that came to no end",
  link_refusals: "Times that the radio's driver refused",
  link_silences: "Times that it joined again, as nothing came",
  link_resets: "Times that the radio was switched off and on",
  link_reopened: "Times that the radio was opened again",
  link_addresses: "Times that its own address became another",
  coap_received: "Datagrams received",
  coap_sent: "Datagrams sent",
  coap_retransmitted: "Datagrams sent again",
  coap_timeouts: "Requests that nobody answered",
  coap_duplicates: "Datagrams that came again",
  coap_malformed: "Datagrams that were no CoAP",
  coap_unmatched: "Datagrams that belonged to nothing",
  coap_refused: "Requests not let in",
  coap_dropped: "Datagrams that the link did not take",
  coap_abandoned: "Requests never answered",
  coap_failed: "Datagrams that could not be handled",
  oscore_unprotected: "Messages that were not protected",
  oscore_unknown: "Requests of a key that it does not have",
  oscore_unverified: "Messages that did not verify",
  oscore_replayed: "Requests that were replayed",
  oscore_challenged: "Requests asked for anew after a restart",
  oscore_limited: "Messages not looked at: too many were wrong",
  counters_skipped: "Times that its counters found no moment",
  counters_unanswered: "Times that its counters had no answer",
  left_out: "Counters that had no room",
};

/** [place in a list, words] of a counter of a device; the last one and its name where it is not known here. */
export function counter(name) {
  const place = Object.keys(COUNTERS).indexOf(name);
  return place < 0 ? [Infinity, name] : [place, COUNTERS[name]];
}
