// SPDX-License-Identifier: MIT
// A message's life as a sequence diagram: a lifeline each, an arrow for each step, and the same in words below.

import { fill, h, s } from "./dom.js";
import { after, at, plural, told } from "./words.js";

const ENDS = { device: "Device", as: "Application Server" };
const SHORT = { "Application Server": "AS", "Gateway, server": "Gateway" };
const MIDDLE = { gateway: "Gateway", server: "Server" };
// Of what comes from a device or an Application Server, what is of the sender; of what goes to one, what is for the recipient.
const OF_SENDER = ["MSG", "MSGUPD"], FOR_RECIPIENT = ["MSG", "PUSH"];
const NARROW = 520; // px, without room for the times
const GUTTER = 68; // px for the times
const LETTER = 6.7; // px of one letter, about
const HEAD = 46, STEP = 34, MORE = 16, BAR = 12;

let own = null;

/** What the program behind this page is called, which may be both, and whom it sends as. */
export function nameGateway({ mode, sendsAs }) {
  MIDDLE.server = mode === "both" ? "Gateway, server" : "Server";
  own = sendsAs;
}

/** The lifelines of a step: [from, to], each "sender", "recipient", "gateway" or "server". */
export function ends(step) {
  const to = step.to ?? step.who;
  return [
    step.who in ENDS ? (OF_SENDER.includes(step.what) ? "sender" : "recipient") : step.who,
    to in ENDS ? (FOR_RECIPIENT.includes(step.what) ? "recipient" : "sender") : to,
  ];
}

function isBad(step) {
  return told(step.state)[1] === "bad";
}

function cut(text, room) {
  const letters = Math.max(4, Math.floor(room / LETTER));
  return text.length > letters ? text.slice(0, letters - 1) + "…" : text;
}

/** Whom a step is about, where that is neither the sender nor the recipient: one of many. */
function other(step, life) {
  return step.peer && ![life.from, life.to].includes(step.peer) ? step.peer : "";
}

/** What stands below an arrow. */
function remark(life, step) {
  const share = step.segments ? `${step.segments.done} of ${step.segments.of} segments` : "";
  const quiet = ["answered", "sent", "accepted", "arriving"];
  const end = step.state && !quiet.includes(step.state) ? told(step.state)[0] : "";
  return [other(step, life), share, step.detail || end].filter(Boolean).join(", ");
}

function title(step) {
  return step.count > 1 ? `${step.what} ×${step.count}` : step.what;
}

function kind(id, role) {
  if (role in MIDDLE) return MIDDLE[role];
  if (id && id === own) return "This page";
  return id?.startsWith("as:") ? "Application Server" : id?.startsWith("ue:") ? "Device" : "Recipients";
}

function id(life, lane) {
  return lane === "sender" ? life.from : lane === "recipient" ? life.to : "";
}

/** A text around `x` that stays within the picture. */
function label(text, x, y, name, left, width) {
  const shown = cut(text, width - left);
  const half = (shown.length * LETTER) / 2;
  return s("text", { class: name, x: Math.max(left + half, Math.min(width - half, x)), y }, shown);
}

function lanesOf(life) {
  const used = new Set(life.steps.flatMap(ends));
  const outward = life.steps.some((step) => step.who === "server" && step.to === "gateway");
  const middle = outward ? ["server", "gateway"] : ["gateway", "server"];
  return ["sender", ...middle, "recipient"].filter((lane) => used.has(lane));
}

function drawing(life, width, said) {
  const lanes = lanesOf(life);
  const left = width >= NARROW ? GUTTER : 0;
  const apart = (width - left) / lanes.length;
  const x = (lane) => left + apart * (lanes.indexOf(lane) + 0.5);
  const begin = life.steps[0].time;
  let y = HEAD + 8;
  const rows = life.steps.map((step) => {
    const [from, to] = ends(step).map(x);
    const middle = (from + to) / 2;
    const parts = [];
    if (left) parts.push(s("text", { class: "when", x: 0, y: y + 25 }, after(step.time - begin)));
    if (from === to) {
      parts.push(s("circle", { class: "spot", cx: from, cy: y + 21, r: 5 }));
      const wide = title(step).length * LETTER;
      const side = from + 14 + wide <= width ? 14 + wide / 2 : -14 - wide / 2;
      parts.push(label(title(step), from + side, y + 25, "what", left, width));
    } else {
      const way = to > from ? 1 : -1;
      parts.push(label(title(step), middle, y + 14, "what", left, width));
      parts.push(s("path", { class: "arrow", d: `M${from} ${y + 22}H${to - 6 * way}` }));
      parts.push(s("path", { class: "tip", d: `M${to} ${y + 22}l${-9 * way} -4.5v9z` }));
    }
    y += STEP;
    if (step.segments) {
      const length = Math.min(140, Math.max(60, Math.abs(to - from) - 30));
      const share = Math.min(1, step.segments.done / Math.max(1, step.segments.of));
      parts.push(s("rect", { class: "trough", x: middle - length / 2, y: y - 4, width: length, height: 6, rx: 3 }));
      parts.push(s("rect", { class: "part", x: middle - length / 2, y: y - 4, width: length * share, height: 6, rx: 3 }));
      y += BAR;
    }
    const more = remark(life, step);
    if (more) {
      parts.push(label(more, middle, y + 6, "more", left, width));
      y += MORE;
    }
    return s("g", { class: [step.count > 1 && "again", isBad(step) && "bad"].filter(Boolean).join(" ") || null, "data-what": step.what }, parts);
  });
  const height = y + 10;
  const name = (lane) => kind(id(life, lane), lane);
  return s(
    "svg",
    { class: "life", viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": said },
    lanes.map((lane) => [
      s("text", { class: "who", x: x(lane), y: 16 }, cut(apart < 130 ? (SHORT[name(lane)] ?? name(lane)) : name(lane), apart)),
      s("text", { class: "more", x: x(lane), y: 32 }, cut((id(life, lane) ?? "").replace(/^(ue|as):/, "").split("@")[0], apart - 8)),
      s("line", { class: "rail", x1: x(lane), x2: x(lane), y1: HEAD - 6, y2: height }),
    ]),
    rows,
  );
}

function sentence(life, step) {
  const [from, to] = ends(step).map((lane) => id(life, lane) || MIDDLE[lane] || lane);
  const times = step.count > 1 ? `, sent ${step.count} times` : "";
  const more = [other(step, life) && `for ${step.peer}`, step.segments && `${step.segments.done} of ${step.segments.of} segments`, step.detail].filter(Boolean).join(", ");
  const state = step.state ? `: ${told(step.state)[0]}` : "";
  return h("li", {}, h("span", { class: "quiet" }, after(step.time - life.steps[0].time), " "), `${from === to ? from : `${from} to ${to}`}, ${step.what}${times}${state}${more && ` (${more})`}`);
}

/** The picture and the list of a life; `show(life)` draws it, anew whenever its width changes. */
export function lifePicture() {
  const picture = h("div");
  const list = h("ol", { class: "steps" });
  const when = h("p", { class: "hint" });
  const element = h("div", { class: "whole" }, picture, h("details", {}, h("summary", {}, "The same in words"), when, list));
  let life = null;
  let drawn = 0;

  function draw() {
    const width = Math.floor(picture.clientWidth);
    if (!life?.steps.length || width < 100) return;
    drawn = width;
    fill(picture, drawing(life, width, `The message's life in ${plural(life.steps.length, "step")}; the same in words follows`));
  }
  const watch = new ResizeObserver(() => {
    if (Math.floor(picture.clientWidth) !== drawn) draw();
  });
  watch.observe(picture);
  return {
    element,
    show(now) {
      life = now;
      fill(list, life.steps.map((step) => sentence(life, step)));
      fill(when, life.steps.length ? ["It began at ", at(life.steps[0].time), "."] : "No step of it is kept.", life.dropped > 0 && ` Not kept, in the middle: ${plural(life.dropped, "step")}.`);
      draw();
    },
    close: () => watch.disconnect(),
  };
}
