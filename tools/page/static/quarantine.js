// SPDX-License-Identifier: MIT
// What was set aside after an error of the gateway's own: what it is, why it is there, what to do.

import { fill, h, head, table } from "./dom.js";
import { get, paths } from "./server.js";
import { at } from "./words.js";

function row(each) {
  const when = at(each.at ?? each.time);
  const from = each.from ?? each.ue ?? "";
  return h(
    "tr",
    {},
    h("td", { class: "num", "data-label": "ID" }, each.id ?? ""),
    h("td", {}, each.kind ?? ""),
    h("td", { class: "end", "data-label": from && "from" }, from),
    h("td", { class: "end", "data-label": each.to && "to" }, each.to ?? ""),
    h("td", { class: "all" }, each.reason ?? ""),
    h("td", { class: "keep", "data-label": when && "at" }, when),
  );
}

export function quarantine(page) {
  const body = h("tbody");
  const list = h("section", { class: "sheet", hidden: true }, table("Set aside", [{ name: "ID", num: true }, "What", "From", "To", "Why", "When"], body));
  const advice = h(
    "p",
    { class: "hint" },
    "To try one again: ",
    h("code", {}, "msgin5g gateway quarantine retry ID"),
    "; to give it up: ",
    h("code", {}, "msgin5g gateway quarantine drop ID"),
    ".",
  );
  list.append(advice);
  const none = h("p", { class: "sheet empty" }, "Nothing is set aside. A message comes here where an error of the gateway’s own keeps it from going on, so that all others do.");
  none.hidden = true;
  return {
    title: "Set aside",
    element: h("div", {}, head("Set aside"), list, none),
    async load() {
      const all = (await get(paths.overview())).quarantine ?? [];
      fill(body, all.map(row));
      list.hidden = !all.length;
      none.hidden = all.length > 0;
    },
    heard(kind) {
      if (kind === "quarantine") page.reloadSoon();
    },
  };
}
