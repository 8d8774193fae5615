// SPDX-License-Identifier: MIT
// A box to send a message with, in the name of the gateway's own service, and to see what becomes of it.

import { fill, h, head, link, state } from "./dom.js";
import { lifePicture } from "./life.js";
import { get, paths, post } from "./server.js";
import { toldOf } from "./words.js";

const TYPES = { UE: "a device", AS: "an Application Server", GROUP: "a group", TOPIC: "a topic" };
const EXAMPLES = { UE: "ue:sensor-1@example.org", AS: "as:weather@example.org", GROUP: "grp:house@example.org", TOPIC: "house/temperature" };
const OFFERED = 8; // devices that fit what is typed
const PAUSE = 200; // ms

let number = 0;

/** A control with its label. */
function field(words, control, all = false) {
  control.id ||= `field-${(number += 1)}`;
  return h("p", { class: all ? "all" : null }, h("label", { for: control.id }, words), control);
}

function isHex(text) {
  const bare = text.replace(/\s+/g, "");
  return bare.length % 2 === 0 && /^[0-9a-fA-F]*$/.test(bare);
}

/** `fixed`: {to, toType}, where who it is for is known already. */
export function sendBox(page, fixed = null) {
  const offers = h("datalist", { id: `offers-${(number += 1)}` });
  const to = h("input", { id: fixed ? null : "to", list: offers.id, value: fixed?.to ?? "", required: true, maxlength: 512, spellcheck: "false", autocomplete: "off" });
  const type = h("select", { id: fixed ? null : "to-type" }, Object.entries(TYPES).map(([value, words]) => h("option", { value }, words)));
  const text = h("textarea", { id: "text", rows: 3, spellcheck: "false" });
  const encoding = h("select", { id: "encoding" }, h("option", { value: "text" }, "text"), h("option", { value: "hex" }, "hex"));
  const report = h("input", { type: "checkbox", id: "report", checked: true });
  const button = h("button", { class: "first", id: "send" }, "Send");
  const words = h("p", { role: "status", id: "sent" });
  const picture = lifePicture();
  picture.element.hidden = true;
  const form = h(
    "form",
    { class: "fields" },
    fixed ? null : [field("To", to), field("which is", type), offers],
    field("Payload", text, true),
    h("div", { class: "all row" }, button, h("label", { class: "check" }, report, "Ask for a report"), h("span", { class: "row" }, h("label", { for: "encoding" }, "Payload as"), encoding)),
  );
  const element = h("section", { class: "sheet" }, h("h2", {}, fixed ? "Send it a message" : "Message"), form, words, picture.element);
  let sent = null;
  let timer = 0;
  let soon = 0;

  type.addEventListener("change", () => to.setAttribute("placeholder", EXAMPLES[type.value]));
  to.setAttribute("placeholder", EXAMPLES.UE);
  to.addEventListener("input", () => {
    clearTimeout(timer);
    if (type.value === "UE") timer = setTimeout(offer, PAUSE);
  });

  async function offer() {
    try {
      const found = await get(paths.devices({ q: to.value.trim(), page: 1, size: OFFERED }));
      fill(offers, found.items.map((each) => h("option", { value: each.ue })));
    } catch {
      fill(offers); // an offer, and nothing more
    }
  }

  async function follow() {
    const mine = sent;
    try {
      const life = await get(paths.message(mine.from, mine.msgId));
      if (mine !== sent) return;
      const [how, tone] = toldOf(life);
      fill(words, state(how, tone), " · ", h("a", { href: link("message", mine.from, mine.msgId) }, "its whole life"));
      picture.element.hidden = false;
      picture.show(life);
    } catch (error) {
      if (mine === sent && error.status !== 404) words.textContent = error.message;
    }
  }

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const hex = encoding.value === "hex";
    if (hex && !isHex(text.value)) {
      words.textContent = "Hex is pairs of the digits 0 to 9 and a to f.";
      text.focus();
      return;
    }
    button.disabled = true;
    words.textContent = "sending";
    picture.element.hidden = true;
    try {
      const body = {
        to: fixed?.to ?? to.value.trim(),
        toType: fixed?.toType ?? type.value,
        payload: hex ? text.value.replace(/\s+/g, "") : text.value,
        encoding: encoding.value,
        report: report.checked,
      };
      sent = await post(paths.send(), body);
      fill(words, "accepted");
      await follow();
    } catch (error) {
      sent = null;
      words.textContent = `Not sent: ${error.message}`;
    } finally {
      button.disabled = false;
    }
  });

  return {
    element,
    to,
    heard(kind, data) {
      if (kind === "message" && sent && data.from === sent.from && data.msgId === sent.msgId) {
        clearTimeout(soon);
        soon = setTimeout(follow, 50);
      }
    },
    /** After a time without the stream. */
    again: () => sent && follow(),
    close() {
      clearTimeout(timer);
      clearTimeout(soon);
      picture.close();
    },
  };
}

export function send(page, query) {
  const box = sendBox(page);
  const cannot = h("p", { class: "sheet empty", hidden: true }, "This program is a gateway of another server, and sends nothing of its own: send from the page of its server, or with msgin5g as send.");
  box.to.value = query.get("to") ?? "";
  return {
    title: "Send",
    element: h("div", {}, head("Send", "In the name of a service of the gateway’s own; what becomes of it is drawn below as it happens."), box.element, cannot),
    async load() {
      const { gateway } = await get(paths.overview());
      cannot.hidden = gateway.sendsAs !== null;
      box.element.hidden = gateway.sendsAs === null;
      await box.again();
    },
    heard: box.heard,
    close: box.close,
  };
}
