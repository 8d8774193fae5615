// SPDX-License-Identifier: MIT
// A small plot of numbers over time.

import { s } from "./dom.js";
import { moment, plural } from "./words.js";

const HEIGHT = 160, GAP = 8, RIGHT = 12, TOP = 12, BOTTOM = 30;
const LETTER = 8; // px of one letter, at most
const LONGEST = 12; // letters of a number at an axis

/** A number as it is said; one that would take too much room, by a power of ten. */
function short(value) {
  const whole = Number(value.toPrecision(7)).toLocaleString(undefined, { maximumFractionDigits: 6 });
  const lost = whole.length > LONGEST || (value !== 0 && Math.abs(value) < 1e-4);
  return lost ? value.toPrecision(4).replace(/\.?0*(e|$)/, "$1") : whole;
}

/** `points`: [{time, value}] in the order of time, at least one; `width`: px of the picture. */
export function plot(points, width) {
  const times = points.map((each) => each.time), values = points.map((each) => each.value);
  const begin = Math.min(...times), end = Math.max(...times), low = Math.min(...values), high = Math.max(...values);
  const left = GAP + LETTER * Math.max(short(low).length, short(high).length);
  const x = (time) => left + (end > begin ? (time - begin) / (end - begin) : 0.5) * (width - left - RIGHT);
  const y = (value) => HEIGHT - BOTTOM - (high > low ? (value - low) / (high - low) : 0.5) * (HEIGHT - TOP - BOTTOM);
  const last = values[values.length - 1];
  const said = `${plural(points.length, "number")} from ${moment(begin)} to ${moment(end)}: lowest ${short(low)}, highest ${short(high)}, last ${short(last)}`;
  const level = (value) => [
    s("line", { class: "axis", x1: left, x2: width - RIGHT, y1: y(value), y2: y(value) }),
    s("text", { x: left - GAP, y: y(value) + 4, "text-anchor": "end" }, short(value)),
  ];
  return s(
    "svg",
    { class: "plot", viewBox: `0 0 ${width} ${HEIGHT}`, width, height: HEIGHT, role: "img", "aria-label": said },
    level(high),
    high > low && level(low),
    s("polyline", { class: "course", points: points.map((each) => `${x(each.time).toFixed(1)},${y(each.value).toFixed(1)}`).join(" ") }),
    points.map((each) => s("circle", { class: "point", cx: x(each.time).toFixed(1), cy: y(each.value).toFixed(1), r: 3 }, s("title", {}, `${moment(each.time)}: ${short(each.value)}`))),
    s("text", { x: left, y: HEIGHT - 4 }, moment(begin)),
    end > begin && s("text", { x: width - RIGHT, y: HEIGHT - 4, "text-anchor": "end" }, moment(end)),
  );
}
