// SPDX-License-Identifier: MIT
// One message: where it is, and how it came there.

import { fill, h, head, link, say, state } from "./dom.js";
import { lifePicture } from "./life.js";
import { payload } from "./payload.js";
import { get, paths } from "./server.js";
import { at, ended, octets, toldOf } from "./words.js";

/** Who it is, with a link where that is a device. */
function party(id) {
  return id?.startsWith("ue:") ? h("a", { href: link("device", id) }, id) : id;
}

export function message(page, from, id) {
  const how = h("p", { role: "status", id: "message-state" });
  const why = h("p", { class: "hint", id: "message-why" });
  const list = h("dl", { class: "across" });
  const picture = lifePicture();
  const carried = payload(from, id);
  const top = head("Message", null, from.startsWith("ue:") ? h("a", { href: link("device", from) }, from) : h("a", { href: "#/devices" }, "Devices"));
  const element = h("div", {}, top, h("section", { class: "sheet", "aria-label": "How it is" }, how, why, list), h("section", { class: "sheet" }, h("h2", {}, "Its life"), picture.element), carried.element);
  return {
    title: `Message of ${from}`,
    element,
    async load() {
      const life = await get(paths.message(from, id));
      const [words, tone] = toldOf(life);
      const [cause, advice] = ended(life);
      const said = cause ? `${words}: ${cause}` : words;
      if (how.textContent !== said) fill(how, state(said, tone));
      say(why, advice);
      why.hidden = !advice;
      const facts = [
        ["From", party(life.from ?? from)],
        ["To", party(life.to)],
        ["Size", octets(life.size)],
        ["Begun", life.steps.length ? at(life.steps[0].time) : null],
        ["msgId", h("span", { class: "mono" }, life.msgId ?? id)],
      ];
      fill(list, facts.filter(([, value]) => value).map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))));
      picture.show(life);
      carried.kept(life.payload !== false);
    },
    heard(kind, data) {
      if (kind === "message" && data.from === from && data.msgId === id) page.reloadSoon();
    },
    close: picture.close,
  };
}
