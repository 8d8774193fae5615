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
