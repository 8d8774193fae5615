// SPDX-License-Identifier: MIT
// All devices: searched and filtered by the gateway, a page at a time; what changes of a row on show changes in place.

import { fill, h, head, link, state, table } from "./dom.js";
import { get, paths } from "./server.js";
import { DEVICE, plural, since } from "./words.js";

const SIZE = 50;
const PAUSE = 200; // ms after the last key of a search
const LINKS = { udp: "UDP", serial: "serial line" };
const STATES = [["", "All"], ["registered", "Registered"], ["away", "Away"], ["never", "Never registered"]];

export function deviceState(device) {
  return state(DEVICE[device.state] ?? device.state, "", device.state);
}

/** Of one that is away it is no news. */
export function isSilent(device) {
  return device.silentSince !== null && device.state === "registered";
}

function heard(device) {
  if (isSilent(device)) return since(device.silentSince, "silent for");
  return since(device.lastHeard);
}

function row(device) {
  const waits = device.waits > 0 ? device.waits.toLocaleString() : "";
  return h(
    "tr",
    { "data-ue": device.ue },
    h("td", { class: "id" }, h("a", { href: link("device", device.ue) }, device.ue)),
    h("td", {}, deviceState(device)),
    h("td", { class: "keep", "data-label": device.lastHeard && !isSilent(device) && "heard" }, heard(device)),
    h("td", { class: "keep", "data-label": device.expires && device.state === "registered" ? "expires" : null }, device.state === "registered" ? since(device.expires) : null),
    h("td", { class: "num", "data-label": waits && "waiting:" }, waits),
    h("td", { class: "where", "data-label": (device.peer || device.via || device.link) && "at" }, place(device)),
  );
}

/** Where it is: its gateway, its address, its link. */
export function place(device) {
  return [LINKS[device.link], device.via && `through ${device.via}`, device.peer].filter(Boolean).join(", ");
}

export function devices(page, query) {
  const wanted = { q: query.get("q") ?? "", state: query.get("state") ?? "", page: Math.max(1, Number(query.get("page")) || 1) };
  const search = h("input", { type: "search", id: "search", placeholder: "Search for a UE Service ID", "aria-label": "Search for a UE Service ID", value: wanted.q, autocomplete: "off", spellcheck: "false", maxlength: 255 });
  const picks = STATES.map(([name, words]) =>
    h("button", { type: "button", "data-state-pick": name, "aria-pressed": String(name === wanted.state), on: { click: () => go({ state: name, page: 1 }) } }, words),
  );
  const body = h("tbody");
  const list = h("section", { class: "sheet", "aria-label": "Devices" }, table("Devices", ["Device", "State", "Last heard", "Registration ends", { name: "Waiting", num: true }, "Where"], body));
  const none = h("div", { class: "sheet", hidden: true });
  const found = h("p", { role: "status" });
  const back = h("button", { type: "button", on: { click: () => go({ page: wanted.page - 1 }) } }, "Previous");
  const next = h("button", { type: "button", on: { click: () => go({ page: wanted.page + 1 }) } }, "Next");
  const where = h("span", { class: "quiet" });
  const pages = h("nav", { class: "pages", "aria-label": "Pages" }, back, where, next);
  const top = head("Devices");
  top.append(found);
  const element = h("div", {}, top, h("search", { class: "find" }, search, h("div", { class: "picks", role: "group", "aria-label": "State" }, picks)), list, none, pages);
  let rows = new Map();
  let timer = 0;
  let asked = 0;

  function go(change) {
    Object.assign(wanted, change);
    const kept = Object.entries(wanted).filter(([name, value]) => value && !(name === "page" && value === 1));
    page.replace("#/devices" + (kept.length ? `?${new URLSearchParams(kept)}` : ""));
    for (const each of picks) each.setAttribute("aria-pressed", String(each.dataset.statePick === wanted.state));
    page.reload();
  }

  function find() {
    clearTimeout(timer);
    if (search.value.trim() !== wanted.q) go({ q: search.value.trim(), page: 1 });
  }
  search.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(find, PAUSE);
  });
  search.addEventListener("change", find);

  function empty(total) {
    none.hidden = total > 0;
    list.hidden = total === 0;
    if (total > 0) return;
    const filtered = wanted.q || wanted.state;
    const all = h("button", { type: "button", on: { click: () => { search.value = ""; go({ q: "", state: "", page: 1 }); search.focus(); } } }, "Show all devices");
    if (filtered) fill(none, h("p", {}, wanted.q ? `No device is called “${wanted.q}”` : "No device is in this state", wanted.q && wanted.state ? ` and ${DEVICE[wanted.state]}.` : "."), h("p", {}, all));
    else fill(none, h("p", {}, "No device is known here yet. Add one, and give a board its key:"), h("p", {}, h("code", {}, "msgin5g provision --ue ue:sensor-1@example.org --peer coap://ADDRESS")));
  }

  return {
    title: "Devices",
    element,
    search,
    async load() {
      const mine = ++asked;
      const data = await get(paths.devices({ ...(wanted.q && { q: wanted.q }), ...(wanted.state && { state: wanted.state }), page: wanted.page, size: SIZE }));
      if (mine !== asked) return; // a later question was asked meanwhile
      const last = Math.max(1, Math.ceil(data.total / data.size));
      if (wanted.page > last) return go({ page: last });
      rows = new Map(data.items.map((device) => [device.ue, row(device)]));
      fill(body, [...rows.values()]);
      found.textContent = plural(data.total, "device") + (wanted.q ? ` with “${wanted.q}”` : "");
      where.textContent = `Page ${wanted.page} of ${last.toLocaleString()}`;
      back.disabled = wanted.page <= 1;
      next.disabled = wanted.page >= last;
      pages.hidden = last === 1;
      empty(data.total);
    },
    heard(kind, data) {
      if (kind !== "device") return;
      const shown = rows.get(data.ue);
      if (!shown || data.state === null) {
        // It may belong on this page: of few that is seen at once, of many when somebody asks.
        if (shown || rows.size < SIZE) page.reloadSoon();
        return;
      }
      const fresh = row(data);
      fresh.classList.add("fresh");
      const focused = shown.contains(document.activeElement);
      shown.replaceWith(fresh);
      rows.set(data.ue, fresh);
      if (focused) fresh.querySelector("a").focus();
    },
    close() {
      clearTimeout(timer);
      asked += 1;
    },
  };
}
