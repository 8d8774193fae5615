// SPDX-License-Identifier: MIT
// One device: how it is, in words; its messages; what it counts, and what is counted of it; what it was refused.

import { fill, h, head, link, say, sheet, state, table } from "./dom.js";
import { deviceState, isSilent, place } from "./devices.js";
import { numberOf } from "./payload.js";
import { plot } from "./plot.js";
import { sendBox } from "./send.js";
import { get, getOctets, paths } from "./server.js";
import { at, counter, plural, since, toldOf } from "./words.js";

const SHOWN = 50; // messages, as the gateway gives them
const FIRST = 10; // of them, until somebody wants all
const LONGEST = 200; // octets of what may be a number
const AT_ONCE = 4; // payloads that are asked for at a time

const KEYS = {
  waiting: "wait for it",
  brought: "were brought, and are not used yet",
  refused: "are refused, so the old ones stay",
};

/** How it is, a sentence each. */
function condition(device) {
  const said = [];
  if (device.state === "never") {
    said.push("It has never registered. Switch it on; if it stays so, its console says why.");
  } else if (device.state === "away") {
    said.push("Its registration is over, and nothing was heard of it since. What is sent to it waits, where the sender allows that.");
  }
  if (isSilent(device)) said.push(["It does not answer, and is ", since(device.silentSince, "silent for"), "."]);
  if (device.asleep && device.asleepUntil === null) said.push("It sleeps until it asks for its messages.");
  else if (device.asleepUntil) said.push(["It sleeps, and listens again ", since(device.asleepUntil), "."]);
  return said.map((each) => h("p", {}, each));
}

function facts(device) {
  const rows = [
    ["State", deviceState(device)],
    ["Last heard", since(device.lastHeard) ?? "never"],
    ["Silent since", isSilent(device) && at(device.silentSince)],
    ["Registration ends", device.state === "registered" ? since(device.expires) : null],
    ["Asleep until", device.asleepUntil && at(device.asleepUntil)],
    ["New keys", device.keys && KEYS[device.keys.state] + (device.keys.cause ? `: ${device.keys.cause}` : "")],
    ["Waits for it", device.waits > 0 ? plural(device.waits, "message") : "nothing"],
    ["Where", place(device)],
  ];
  return rows.filter(([, value]) => value).map(([words, value]) => [h("dt", {}, words), h("dd", {}, value)]);
}

function messageRow(message) {
  const [words, tone] = toldOf(message);
  const other = message.direction === "in" ? message.from : message.to;
  return h(
    "tr",
    { "data-message": message.msgId, "data-from": message.from },
    h("td", { class: "keep" }, h("a", { href: link("message", message.from, message.msgId) }, at(message.time) ?? "message")),
    h("td", {}, h("span", { class: "quiet" }, message.direction === "in" ? "from " : "to "), other),
    h("td", {}, state(words, tone)),
  );
}

/** The numbers among the payloads that it sent, asked for by hand: payloads stay hidden until then. */
function numbers(messages) {
  const box = h("div");
  const words = h("p", { class: "hint", role: "status" }, "Payloads stay hidden until they are asked for.");
  const button = h("button", { type: "button", id: "numbers" }, "Read the payloads of its messages");
  const points = [];
  let shown = false;
  let drawn = 0;
  let read = 0;

  function draw() {
    drawn = Math.floor(box.clientWidth);
    words.textContent = points.length ? `${plural(points.length, "number")} in ${plural(read, "message")}.` : `No number in ${plural(read, "message")}.`;
    if (points.length && drawn > 0) fill(box, plot(points, drawn));
  }
  const watch = new ResizeObserver(() => {
    if (shown && Math.floor(box.clientWidth) !== drawn) draw();
  });
  watch.observe(box);

  async function value(message) {
    try {
      const number = numberOf(await getOctets(paths.payload(message.from, message.msgId)));
      if (number !== null) points.push({ time: message.time, value: number });
    } catch (error) {
      if (error.status !== 404) throw error; // no longer kept
    }
  }

  button.addEventListener("click", async () => {
    button.disabled = true;
    const sent = messages().filter((each) => each.direction === "out" && !(each.size > LONGEST));
    try {
      for (let first = 0; first < sent.length; first += AT_ONCE) await Promise.all(sent.slice(first, first + AT_ONCE).map(value));
      read = sent.length;
      points.sort((one, other) => one.time - other.time);
      shown = true;
      button.hidden = true;
      draw();
    } catch (error) {
      words.textContent = error.message;
      button.disabled = false;
    }
  });
  const element = sheet("Numbers over time", box, words, button);
  return {
    element,
    /** One more message of it. */
    async more(message) {
      if (!shown || message.direction !== "out" || message.size > LONGEST) return;
      await value(message);
      points.sort((one, other) => one.time - other.time);
      while (points.length > SHOWN) points.shift();
      read += 1;
      draw();
    },
    close: () => watch.disconnect(),
  };
}

/** What it counts itself, as it told it last, and what is new since the time before. */
function counters(reported) {
  const { time, counters: told, earlier } = reported;
  const before = earlier?.counters ?? {};
  const anew = earlier !== null && (told.boots ?? 0) !== (before.boots ?? 0);
  const names = [...new Set([...Object.keys(told), ...(anew ? [] : Object.keys(before))])].sort((one, other) => counter(one)[0] - counter(other)[0] || 0);
  const row = (name) => {
    const value = told[name] ?? 0;
    const more = value - (before[name] ?? 0);
    const change = earlier === null || (anew && name !== "boots") || more === 0 ? "" : (more > 0 ? "+" : "−") + Math.abs(more).toLocaleString();
    return h("tr", { "data-counter": name }, h("td", {}, counter(name)[1]), h("td", { class: "num keep" }, value.toLocaleString()), h("td", { class: "num keep", "data-label": change && "change:" }, change));
  };
  return sheet(
    "Counted by the device",
    h("p", { class: "hint" }, "Told ", since(time), earlier && [", and before that ", since(earlier.time)], anew && ": it has started anew in between, and most counters began at 0", "."),
    names.length > 0 ? table("Counted by the device", ["What", { name: "How many", num: true }, { name: "Change", num: true }], h("tbody", {}, names.map(row))) : h("p", { class: "empty" }, "All of its counters are 0."),
  );
}

export function device(page, ue) {
  const said = h("div");
  const list = h("dl", { class: "facts" });
  const body = h("tbody");
  const messagesSheet = h("section", { class: "sheet" }, h("h2", {}, "Messages"), table("Messages", ["When", "With", "State"], body));
  const none = h("p", { class: "empty" }, "No message of it is kept. Send it one, below; or call ", h("code", {}, "client.send()"), " on the device.");
  const rest = h("button", { type: "button", id: "all-messages", hidden: true, on: { click: () => { all = true; showMessages(); } } });
  messagesSheet.append(none, rest);
  let all = false;
  const more = h("div");
  const top = head(ue, null, h("a", { href: "#/devices" }, "Devices"));
  let messages = [];
  let reportedAt = null;
  const plotted = numbers(() => messages);
  const box = sendBox(page, { to: ue, toType: "UE" });
  const element = h("div", {}, top, h("div", { class: "two beside" }, h("section", { class: "sheet" }, h("h2", {}, "How it is"), said, list), h("div", {}, messagesSheet, plotted.element, box.element), more));

  function show(data) {
    fill(said, condition(data));
    fill(list, facts(data));
  }

  function showMessages() {
    fill(body, messages.slice(0, all ? SHOWN : FIRST).map(messageRow));
    rest.hidden = all || messages.length <= FIRST;
    say(rest, `Show all ${messages.length}`);
    none.hidden = messages.length > 0;
    body.parentElement.hidden = messages.length === 0;
    plotted.element.hidden = !messages.some((each) => each.direction === "out");
  }

  function showMore(data) {
    const stats = Object.entries(data.stats ?? {});
    const refusals = data.refusals ?? [];
    const group = (each) => (typeof each === "string" ? each : (each.name ?? each.group ?? ""));
    fill(
      more,
      refusals.length > 0 && sheet("Last refusals", h("ul", { class: "lines", id: "refusals" }, refusals.map((each) => h("li", {}, at(each.time), " ", h("span", {}, each.text))))),
      data.reported && counters(data.reported),
      stats.length > 0 && sheet("Counted by the gateway", h("dl", { class: "facts" }, stats.map(([name, value]) => [h("dt", {}, name), h("dd", {}, String(value))]))),
      (data.topics ?? []).length > 0 && sheet("Topics", h("ul", { class: "lines" }, data.topics.map((each) => h("li", {}, each.topic ?? each)))),
      (data.groups ?? []).length > 0 && sheet("Groups", h("ul", { class: "lines" }, data.groups.map((each) => h("li", {}, group(each))))),
    );
  }

  return {
    title: ue,
    element,
    async load() {
      const data = await get(paths.device(ue));
      messages = data.messages ?? [];
      reportedAt = data.reportedAt;
      show(data);
      showMessages();
      showMore(data);
    },
    heard(kind, data) {
      box.heard(kind, data);
      if (kind === "device" && data.ue === ue) {
        if (data.state === null || data.reportedAt !== reportedAt) page.reloadSoon();
        else show(data);
      } else if (kind === "message" && (data.from === ue || data.to === ue)) {
        const seen = messages.find((each) => each.from === data.from && each.msgId === data.msgId && each.to === data.to);
        const item = { ...data, direction: data.direction ?? (data.from === ue ? "out" : "in") };
        if (seen) Object.assign(seen, item, { time: seen.time, direction: seen.direction });
        else {
          messages = [item, ...messages].slice(0, SHOWN);
          plotted.more(item).catch(() => {});
        }
        showMessages();
      }
    },
    close() {
      box.close();
      plotted.close();
    },
  };
}
