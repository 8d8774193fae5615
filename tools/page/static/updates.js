// SPDX-License-Identifier: MIT
// Updates of devices: all jobs, and one with its devices, by state, a page at a time.

import { fill, h, head, link, state, table } from "./dom.js";
import { get, paths } from "./server.js";
import { at, plural, since } from "./words.js";

const SIZE = 50;
const KINDS = { app: "application", config: "configuration", image: "MicroPython" };
// [words, tone]
const JOB = { running: ["running", "wait"], paused: ["paused", "bad"], stopped: ["stopped", ""], done: ["done", "good"] };
const DEVICE = {
  waiting: ["waiting", "wait"],
  offered: ["offered", "wait"],
  loading: ["loading", "wait"],
  verified: ["verified", "wait"],
  trying: ["on trial", "wait"],
  confirmed: ["confirmed", "good"],
  refused: ["refused", "bad"],
  "rolled-back": ["rolled back", "bad"],
  stopped: ["stopped", ""],
};

const called = (job) => `${job.name} ${job.version}`;

/** One that is over is a good end where all have it. */
function jobState(job) {
  const [words, tone] = JOB[job.state] ?? [job.state, ""];
  return state(words, job.state === "done" && job.counts.confirmed !== job.devices ? "" : tone, job.state);
}

/** "3 confirmed, 1 rolled back, of 50 devices": what waits is what is left. */
function progress(job) {
  const said = Object.entries(job.counts).filter(([name]) => name !== "waiting").map(([name, count]) => `${count.toLocaleString()} ${DEVICE[name]?.[0] ?? name}`);
  const of = plural(job.devices, "device");
  return said.length ? `${said.join(", ")}, of ${of}` : `none of ${of} yet`;
}

function jobRow(job) {
  return h(
    "tr",
    { "data-job": job.job },
    h("td", { class: "num", "data-label": "number" }, job.job),
    h("td", { class: "id" }, h("a", { href: link("update", String(job.job)) }, called(job))),
    h("td", {}, jobState(job)),
    h("td", { class: "all" }, job.why ? `${progress(job)}: ${job.why}` : progress(job)),
    h("td", { class: "keep", "data-label": "begun" }, since(job.created)),
  );
}

export function updates(page) {
  const body = h("tbody");
  const list = h("section", { class: "sheet", hidden: true }, table("Updates", [{ name: "No.", num: true }, "Update", "State", "Devices", "Begun"], body));
  const none = h("div", { class: "sheet empty", hidden: true }, h("p", {}, "No update was sent yet. Make one, and send it to devices:"), h("p", {}, h("code", {}, "msgin5g bundle app.py --board rp2040 --version 1.4")), h("p", {}, h("code", {}, "msgin5g update send app-1.4.bundle --all")));
  return {
    title: "Updates",
    element: h("div", {}, head("Updates"), list, none),
    async load() {
      const { items } = await get(paths.updates());
      fill(body, items.map(jobRow));
      list.hidden = !items.length;
      none.hidden = items.length > 0;
    },
    heard(kind, data) {
      if (kind !== "update") return;
      const shown = body.querySelector(`[data-job="${Number(data.job)}"]`);
      if (!shown) return page.reloadSoon();
      replaced(shown, jobRow(data));
    },
  };
}

/** Puts a row in the place of another, with the focus where it had that. */
function replaced(shown, fresh) {
  const focused = shown.contains(document.activeElement);
  fresh.classList.add("fresh");
  shown.replaceWith(fresh);
  if (focused) fresh.querySelector("a")?.focus();
  return fresh;
}

function deviceRow(device) {
  const [words, tone] = DEVICE[device.state] ?? [device.state];
  const part = device.state === "loading" && device.of > 0 ? ` ${Math.floor((100 * device.have) / device.of)} %` : "";
  return h(
    "tr",
    { "data-ue": device.ue },
    h("td", { class: "id" }, h("a", { href: link("device", device.ue) }, device.ue)),
    h("td", {}, state(words + part, tone, device.state)),
    h("td", { class: "all" }, device.cause),
    h("td", { class: "keep", "data-label": "changed" }, since(device.changed)),
  );
}

function facts(job) {
  const rows = [
    ["State", h("span", {}, jobState(job), job.why && ` ${job.why}`)],
    ["Brings", `${KINDS[job.kind] ?? job.kind}, number ${job.number}`],
    ["Bundle", job.bundle],
    ["Devices", progress(job)],
    ["Stage", job.stage ? String(job.stage) : "not begun"],
    ["Begun", at(job.created)],
  ];
  return rows.map(([words, value]) => [h("dt", {}, words), h("dd", {}, value)]);
}

export function update(page, number = "", query = new URLSearchParams()) {
  const wanted = { state: query.get("state") ?? "", page: Math.max(1, Number(query.get("page")) || 1) };
  const top = head(`Update ${number}`, null, h("a", { href: link("updates") }, "Updates"));
  const about = h("dl", { class: "facts" });
  const picks = h("div", { class: "picks", role: "group", "aria-label": "State" });
  const body = h("tbody");
  const list = h("section", { class: "sheet", "aria-label": "Devices" }, table("Devices", ["Device", "State", "Why", "Changed"], body));
  const none = h("p", { class: "sheet empty", hidden: true }, "No device is in this state.");
  const back = h("button", { type: "button", on: { click: () => go({ page: wanted.page - 1 }) } }, "Previous");
  const next = h("button", { type: "button", on: { click: () => go({ page: wanted.page + 1 }) } }, "Next");
  const where = h("span", { class: "quiet" });
  const pages = h("nav", { class: "pages", "aria-label": "Pages", hidden: true }, back, where, next);
  let rows = new Map();
  let asked = 0;

  function go(change) {
    Object.assign(wanted, change);
    const kept = Object.entries(wanted).filter(([name, value]) => value && !(name === "page" && value === 1));
    page.replace(link("update", number) + (kept.length ? `?${new URLSearchParams(kept)}` : ""));
    page.reload();
  }

  /** What is said of the job, and the states that its devices are in. */
  function tell(job) {
    top.querySelector("h1").textContent = called(job);
    fill(about, facts(job));
    const focused = document.activeElement?.dataset?.statePick;
    const counted = [["", ["all", job.devices]], ...Object.entries(job.counts).map(([name, count]) => [name, [DEVICE[name]?.[0] ?? name, count]])];
    if (wanted.state && !Object.hasOwn(job.counts, wanted.state)) counted.push([wanted.state, [DEVICE[wanted.state]?.[0] ?? wanted.state, 0]]);
    fill(picks, counted.map(([name, [words, count]]) =>
      h("button", { type: "button", "data-state-pick": name, "aria-pressed": String(name === wanted.state), on: { click: () => go({ state: name, page: 1 }) } }, `${words} ${count.toLocaleString()}`),
    ));
    if (focused !== undefined) picks.querySelector(`[data-state-pick="${focused}"]`)?.focus();
  }

  return {
    title: `Update ${number}`,
    element: h("div", {}, top, h("section", { class: "sheet", "aria-label": "This update" }, about), h("div", { class: "find" }, picks), list, none, pages),
    async load() {
      const mine = ++asked;
      const data = await get(paths.update(number, { ...(wanted.state && { state: wanted.state }), page: wanted.page, size: SIZE }));
      if (mine !== asked) return; // a later question was asked meanwhile
      const last = Math.max(1, Math.ceil(data.total / data.size));
      if (wanted.page > last) return go({ page: last });
      tell(data);
      rows = new Map(data.items.map((device) => [device.ue, deviceRow(device)]));
      fill(body, [...rows.values()]);
      list.hidden = !data.items.length;
      none.hidden = data.items.length > 0;
      where.textContent = `Page ${wanted.page} of ${last.toLocaleString()}`;
      back.disabled = wanted.page <= 1;
      next.disabled = wanted.page >= last;
      pages.hidden = last === 1;
    },
    heard(kind, data) {
      if (kind !== "update" || String(data.job) !== number) return;
      tell(data);
      // One that left the state which was asked for, or came into it, moves others: all is asked for again, once.
      if (wanted.state) return page.reloadSoon();
      for (const device of data.items) {
        const shown = rows.get(device.ue);
        if (shown) rows.set(device.ue, replaced(shown, deviceRow(device)));
      }
    },
    close() {
      asked += 1;
    },
  };
}
