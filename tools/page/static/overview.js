// SPDX-License-Identifier: MIT
// The whole at a glance: how many, what to see to, what happened last.

import { fill, h, head, link, sheet } from "./dom.js";
import { get, paths } from "./server.js";
import { at, plural, setClock, since } from "./words.js";

const MODES = { both: "gateway with its server", server: "server", gateway: "gateway of another server" };
const WAITS = { queued: "to be sent", stored: "kept until it registers", held: "sent, and not confirmed yet", quarantined: "set aside" };
const LATEST = 15; // sentences that are kept on the page
// [name of the count, its words, the state of devices that it leads to, whether any of it is bad]
const TILES = [
  ["registered", "registered", "registered"],
  ["away", "away", "away"],
  ["never", "never registered", "never"],
  ["waiting", "wait for delivery"],
  ["accepted", "accepted"],
  ["delivered", "delivered"],
  ["failed", "failed", null, true],
  ["quarantine", "set aside", null, true],
];

function tile(counts, [name, words, state, bad]) {
  const count = counts[name];
  const text = count === null || count === undefined ? "–" : count.toLocaleString();
  const to = state ? `#/devices?state=${state}` : name === "quarantine" ? "#/quarantine" : null;
  return h("div", { class: bad && count > 0 ? "bad" : null, "data-count": name }, h("dt", {}, words), h("dd", {}, to ? h("a", { href: to }, text) : text));
}

function sentence(event) {
  if (typeof event === "string") return h("li", {}, h("span", {}, event));
  return h("li", {}, event.time !== undefined && [at(event.time), " "], h("span", {}, event.text ?? event.sentence ?? event.event ?? ""));
}

function node(each) {
  const state = [each.state === "up" ? "" : each.state, each.leads ? "leads" : "", each.here ? "this one" : ""].filter(Boolean).join(", ");
  return `${each.name}${state ? ` (${state})` : ""}: ${each.http ?? "no HTTP"}, ${plural(each.leases, "Application Server")} served, heard ${each.silent} s ago`;
}

function column(title, rows, none) {
  return h("div", {}, h("h3", {}, title), rows.length ? h("ul", { class: "lines" }, rows.map((row) => h("li", {}, h("span", {}, row)))) : h("p", { class: "empty" }, none));
}

/** Who else there is; asked for when it is opened, since it is all of it at once. */
function others() {
  const found = h("div", { class: "columns" });
  const element = h("details", { class: "sheet" }, h("summary", {}, "Application Servers, groups, topics, and for whom messages wait"), found);
  element.addEventListener("toggle", async () => {
    if (!element.open) return;
    try {
      const status = await get("/status.json");
      fill(
        found,
        (status.nodes ?? []).length > 0 && column("Nodes", status.nodes.map(node), ""),
        column("Application Servers", (status.applicationServers ?? []).map((each) => `${each.as}: ${each.targetUri ?? "no targetUri"}`), "None has registered: msgin5g as listen as:weather@example.org"),
        column("Groups", (status.groups ?? []).map((each) => `${each.group}${each.name ? ` (${each.name})` : ""}: ${each.takePart} of ${each.members} take part`), "There is none."),
        column("Topics", (status.subscriptions ?? []).map((each) => `${each.topic}: ${each.ue}`), "Nobody is subscribed to one."),
        column("Messages wait for", (status.pending ?? []).map((each) => `${each.to}: ${plural(each.messages, each.what === "messages" ? "message" : "report")}, ${WAITS[each.state] ?? each.state}`), "Nobody."),
      );
    } catch (error) {
      fill(found, h("p", {}, error.message));
    }
  });
  return element;
}

export function overview(page) {
  const tiles = h("dl", { class: "sheet tiles", "aria-label": "Counts" });
  const notes = h("ul", { class: "notes", "aria-label": "Warnings" });
  const events = h("ul", { class: "lines", id: "events" });
  const none = h("p", { class: "empty" }, "Nothing has happened since this page was opened. Switch a device on, or send a message: each step is told here.");
  const about = h("dl", { class: "facts" });
  const start = sheet(
    "No device yet",
    h("p", {}, "Give a board its configuration and its key, and this gateway the same key:"),
    h("p", {}, h("code", {}, "msgin5g provision --ue ue:sensor-1@example.org --peer coap://ADDRESS")),
    h("p", { class: "hint" }, "Without a board, ", h("code", {}, "make demo"), " plays one on this machine."),
  );
  start.hidden = true;
  const element = h("div", {}, head("Overview"), start, notes, tiles, h("div", { class: "two" }, sheet("Latest events", events, none), sheet("This gateway", about)), others());
  let counts = {};

  function count() {
    fill(tiles, TILES.map((each) => tile(counts, each)));
    const known = (counts.registered ?? 0) + (counts.away ?? 0) + (counts.never ?? 0);
    start.hidden = counts.registered === undefined || known > 0;
  }

  function facts(gateway) {
    const known = [
      ["version", "Version"],
      ["mode", "Runs as"],
      ["sendsAs", "Sends as"],
      ["coap", "CoAP"],
      ["http", "HTTP"],
      ["security", "Security"],
      ["store", "Store"],
    ];
    const rows = known.filter(([name]) => gateway[name]).map(([name, words]) => [words, name === "mode" ? (MODES[gateway.mode] ?? gateway.mode) : String(gateway[name])]);
    if (gateway.since) rows.push(["Started", since(gateway.since)]);
    fill(about, rows.map(([words, value]) => [h("dt", {}, words), h("dd", {}, value)]));
  }

  return {
    title: "Overview",
    element,
    take(data) {
      setClock(data.time);
      counts = { ...data.counts };
      count();
      facts(data.gateway ?? {});
      const warnings = [...(data.warnings ?? [])];
      fill(notes, warnings.map((text) => h("li", {}, text)));
      if (counts.quarantine > 0) {
        notes.append(h("li", {}, `${plural(counts.quarantine, "message")} set aside after an error of the gateway's own: `, h("a", { href: link("quarantine") }, "see why"), "."));
      }
      notes.hidden = !notes.children.length;
      if (data.events) {
        fill(events, data.events.slice(-LATEST).reverse().map(sentence));
        none.hidden = events.children.length > 0;
      }
    },
    async load() {
      this.take(await get(paths.overview()));
    },
    heard(kind, data) {
      if (kind === "count") {
        counts = { ...counts, ...data };
        count();
      } else if (kind === "event") {
        const line = sentence(data);
      if ([...events.children].some((each) => each.isEqualNode(line))) return; // it was loaded already
        line.classList.add("fresh");
        events.prepend(line);
        while (events.children.length > LATEST) events.lastChild.remove();
        none.hidden = true;
      } else if (kind === "quarantine") {
        page.reloadSoon();
      }
    },
  };
}
