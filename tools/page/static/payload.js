// SPDX-License-Identifier: MIT
// What a message carries: hidden until it is asked for, then as text or as hex.

import { h, sheet } from "./dom.js";
import { getOctets, paths } from "./server.js";
import { octets } from "./words.js";

const LINE = 16, SHORT = 8; // octets of a line of hex, where there is room for it and where there is not
const NARROW = 600; // px

/** The text of octets that are UTF-8, null of others. */
export function textOf(bytes) {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}

/** The number that the octets say, as text or as the value of a JSON object's only number; null where they say none. */
export function numberOf(bytes) {
  const text = textOf(bytes)?.trim();
  if (!text || text.length > 200) return null;
  let found = [];
  try {
    found = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text) ? [Number(text)] : Object.values(JSON.parse(text));
  } catch {
    return null;
  }
  found = found.filter((each) => typeof each === "number");
  return found.length === 1 && Number.isFinite(found[0]) ? found[0] : null; // 1e999 is none that could be drawn
}

/** Lines of an offset, the octets, and what of them is printable ASCII. */
export function hexOf(bytes, line = LINE) {
  const lines = [];
  for (let first = 0; first < bytes.length; first += line) {
    const part = [...bytes.subarray(first, first + line)];
    const hex = part.map((each) => each.toString(16).padStart(2, "0")).join(" ");
    const printable = part.map((each) => (each > 31 && each < 127 ? String.fromCharCode(each) : ".")).join("");
    lines.push(`${first.toString(16).padStart(4, "0")}  ${hex.padEnd(line * 3 - 1)} ${printable}`);
  }
  return lines.join("\n");
}

/** The sheet of one message's payload. */
export function payload(from, id) {
  const button = h("button", { type: "button", id: "show-payload" }, "Show the payload");
  const words = h("p", { class: "hint", role: "status" }, "Hidden until it is asked for.");
  const shown = h("pre", { class: "octets", id: "payload", tabindex: "0", "aria-label": "Payload", hidden: true });
  const asText = h("button", { type: "button", "aria-pressed": "true" }, "Text");
  const asHex = h("button", { type: "button", id: "as-hex", "aria-pressed": "false" }, "Hex");
  const form = h("div", { class: "picks", role: "group", "aria-label": "Show as", hidden: true }, asText, asHex);
  let bytes = null;

  function show(hex) {
    asText.setAttribute("aria-pressed", String(!hex));
    asHex.setAttribute("aria-pressed", String(hex));
    shown.textContent = hex ? hexOf(bytes, shown.clientWidth < NARROW ? SHORT : LINE) : textOf(bytes);
    shown.classList.toggle("hex", hex);
  }
  asText.addEventListener("click", () => show(false));
  asHex.addEventListener("click", () => show(true));

  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      bytes = await getOctets(paths.payload(from, id));
      const text = textOf(bytes);
      words.textContent = bytes.length === 0 ? "It is empty." : octets(bytes.length) + (text === null ? ", no text." : ".");
      button.hidden = true;
      shown.hidden = form.hidden = bytes.length === 0;
      asText.disabled = text === null;
      if (bytes.length) show(text === null);
    } catch (error) {
      button.disabled = error.status === 404;
      words.textContent = error.status === 404 ? "It is no longer kept." : error.message;
    }
  });
  return {
    element: sheet("Payload", words, h("div", { class: "row" }, button, form), shown),
    /** Whether the gateway still has it. */
    kept(there) {
      if (bytes) return;
      button.hidden = !there;
      words.textContent = there ? "Hidden until it is asked for." : "It is not kept here: it was too long, or made room for newer ones.";
    },
  };
}
