// SPDX-License-Identifier: MIT
// Elements, made of names and texts alone. What a device wrote is a text node or the value of an attribute that holds
// no script; nothing on this page is ever parsed as HTML.

const SVG = "http://www.w3.org/2000/svg";

function build(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "on") {
      for (const [event, heard] of Object.entries(value)) element.addEventListener(event, heard);
    } else {
      element.setAttribute(name, value === true ? "" : String(value));
    }
  }
  element.append(...children.flat(3).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** An HTML element. `on`: {event: function}; a child that is no element is its text. */
export function h(tag, attributes = {}, ...children) {
  return build(document.createElement(tag), attributes, children);
}

/** The same in SVG. */
export function s(tag, attributes = {}, ...children) {
  return build(document.createElementNS(SVG, tag), attributes, children);
}

/** Has these children in it, and no others. */
export function fill(element, ...children) {
  element.replaceChildren(...children.flat(3).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** Sets a text where it differs, so that nothing is told twice to who listens. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** The address of a view on this page. */
export function link(view, ...parts) {
  return "#/" + [view, ...parts.map(encodeURIComponent)].filter(Boolean).join("/");
}

/** The head of a view: what it is, where it belongs, a sentence. */
export function head(title, sentence = null, crumb = null) {
  return h(
    "header",
    { class: "head" },
    crumb && h("p", { class: "crumb" }, crumb),
    h("h1", { tabindex: "-1" }, title),
    sentence && h("p", {}, sentence),
  );
}

/** A sheet with a title of its own, and what it holds. */
export function sheet(title, ...children) {
  return h("section", { class: "sheet" }, title && h("h2", {}, title), ...children);
}

/** A state: a mark whose form says it too, and its word. `tone`: good, wait, bad or none. */
export function state(words, tone = "", name = "") {
  return h("span", { class: "state", "data-tone": tone, "data-state": name }, h("span", { class: "dot", "aria-hidden": "true" }), words);
}

/** A table that becomes a list of sheets on a phone. `titles`: of the columns, with `num` for figures. */
export function table(caption, titles, body) {
  return h(
    "div",
    { class: "wide" },
    h(
      "table",
      { "aria-label": caption },
      h("thead", {}, h("tr", {}, titles.map((title) => h("th", { scope: "col", class: title.num && "num" }, title.name ?? title)))),
      body,
    ),
  );
}

/** What could not be had, and why. */
export function fault(sentence) {
  return h("p", { class: "fault", role: "alert" }, sentence);
}
