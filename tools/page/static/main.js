// SPDX-License-Identifier: MIT
// The page: which view is shown, the stream of what changes, the keys.

import { device } from "./device.js";
import { devices } from "./devices.js";
import { fault, fill, h, say } from "./dom.js";
import { nameGateway } from "./life.js";
import { message } from "./message.js";
import { overview } from "./overview.js";
import { quarantine } from "./quarantine.js";
import { send } from "./send.js";
import { ask, get, Live, paths } from "./server.js";
import * as theme from "./theme.js";
import { update, updates } from "./updates.js";
import { setClock, tick } from "./words.js";

const SHORTCUTS = "msgin5g-shortcuts";
const SOON = 250; // ms: what changes often is asked for once
const TICK = 1000;
const VIEWS = { overview, devices, device, message, updates, update, send, quarantine };

const main = document.getElementById("main");
const lost = document.getElementById("lost");
let view = null;
let since = null; // when the gateway that was heard last began
let soon = 0;

let shown = location.hash;
let loads = 0; // under way
const later = []; // what was heard meanwhile: it may be newer than what is being loaded, so it goes on top of that

const page = {
  /** Asks for the data of this view anew. */
  async reload() {
    const mine = view;
    clearTimeout(soon);
    soon = 0;
    loads += 1;
    try {
      await mine.load();
      if (mine === view) clearFault();
    } catch (error) {
      if (mine === view) showFault(mine, error);
    } finally {
      loads -= 1;
      if (!loads) later.splice(0).forEach(([kind, data]) => view.heard?.(kind, data));
      if (mine === view) main.setAttribute("aria-busy", "false");
    }
  },
  reloadSoon() {
    soon ||= setTimeout(() => page.reload(), SOON);
  },
  /** Another address of the view on show. */
  replace(hash) {
    history.replaceState(null, "", hash);
    shown = location.hash;
  },
};

function showFault(mine, error) {
  clearFault();
  const words = error.status === undefined ? "The gateway does not answer." : error.status === 404 ? "There is nothing of this here: it is not known, or no longer kept." : error.message;
  mine.element.children[0].after(fault(words));
  if (error.status === 404) mine.element.dataset.nothing = "";
}

function clearFault() {
  view.element.querySelector(":scope > .fault")?.remove();
  delete view.element.dataset.nothing;
}

/** [name of a view, what it is about, its query] of the address. */
function where() {
  const [path, query = ""] = location.hash.replace(/^#\/?/, "").split("?", 2);
  let parts = [];
  try {
    parts = path.split("/").filter(Boolean).map(decodeURIComponent);
  } catch {
    // no address of ours
  }
  const [name = "overview", ...about] = parts;
  return [Object.hasOwn(VIEWS, name) ? name : "overview", about, new URLSearchParams(query)];
}

function open(focus = true, load = true) {
  view?.close?.();
  const [name, about, query] = where();
  if (name === "device" || name === "message") view = VIEWS[name](page, ...about.slice(0, 2).map(String));
  else view = name === "update" ? update(page, String(about[0] ?? ""), query) : VIEWS[name](page, query);
  document.title = `${view.title} · MSGin5G`;
  const group = { device: "devices", message: "devices", update: "updates" }[name] ?? name;
  for (const each of document.querySelectorAll("#views a")) {
    if (each.dataset.view === group) each.setAttribute("aria-current", "page");
    else each.removeAttribute("aria-current");
  }
  main.setAttribute("aria-busy", "true");
  fill(main, view.element);
  if (focus) {
    window.scrollTo(0, 0);
    main.querySelector("h1")?.focus({ preventScroll: true });
  }
  if (load) page.reload();
}

// ---- what changes

const words = document.getElementById("link-words");

function link(state, seconds, reason) {
  document.getElementById("link").dataset.state = state;
  say(words, state === "live" ? "live" : "not connected");
  lost.hidden = state === "live";
  if (state === "live" || lost.children.length) {
    if (state === "live") fill(lost);
    return;
  }
  fill(lost, reason ?? "The gateway does not answer. What you see may be old; it is tried again until it does.", h("button", { type: "button", on: { click: () => live.now() } }, "Try now"));
}

const live = new Live((kind, data) => {
  if (kind === "reload") begin();
  else if (loads) later.push([kind, data]);
  else view.heard?.(kind, data);
}, heard);

let wasLost = false;

/** The stream is there or is not. One that is back may be of a gateway that has begun anew: then all is asked for again. */
async function heard(state, seconds, reason) {
  link(state, seconds, reason);
  if (state === "lost") {
    wasLost = true;
  } else if (wasLost) {
    wasLost = false;
    try {
      const data = await get(paths.overview());
      setClock(data.time);
      if (data.gateway?.since !== since) {
        since = data.gateway?.since;
        live.start(data.at);
        page.reload();
      } else if (view.element.querySelector(":scope > .fault")) {
        page.reload();
      }
    } catch {
      // the stream ends as well, then
    }
  }
}

/** From the beginning: the data of the view, and the stream from there on. */
async function begin() {
  try {
    const data = await get(paths.overview());
    setClock(data.time);
    nameGateway(data.gateway ?? {});
    since = data.gateway?.since;
    live.start(data.at);
    page.reload();
  } catch (error) {
    link("lost", 0, error.status ? error.message : null);
    setTimeout(begin, 2000);
  }
}

// A page that nobody looks at follows nothing: a browser has few connections to one host, a gateway few streams.
document.addEventListener("visibilitychange", () => {
  if (document.hidden) live.stop();
  else if (live.last !== null) live.start(live.last);
});
window.addEventListener("pagehide", () => live.stop());
window.addEventListener("pageshow", (event) => event.persisted && live.last !== null && live.start(live.last));
window.addEventListener("online", () => live.now());

// ---- keys, colours, the token

const keys = document.getElementById("keys");
const keysOn = document.getElementById("keys-on");
const themeButton = document.getElementById("theme");

function go(hash) {
  location.hash = shown = hash;
  open();
}

const KEYS = {
  o: () => go("#/"),
  d: () => go("#/devices"),
  u: () => go("#/updates"),
  s: () => go("#/send"),
  t: () => theme.turn(themeButton),
  "?": () => keys.showModal(),
  "/": () => {
    if (!view.search) go("#/devices");
    view.search.focus();
  },
};

document.addEventListener("keydown", (event) => {
  const busy = event.target.closest?.("input, textarea, select, dialog");
  if (!keysOn.checked || busy || event.ctrlKey || event.metaKey || event.altKey || !Object.hasOwn(KEYS, event.key)) return;
  event.preventDefault();
  KEYS[event.key]();
});
keysOn.checked = theme.remembered(SHORTCUTS) !== "off";
keysOn.addEventListener("change", () => theme.remember(SHORTCUTS, keysOn.checked ? "on" : "off"));
document.getElementById("help").addEventListener("click", () => keys.showModal());
theme.begin(themeButton);

const tokenDialog = document.getElementById("token");
tokenDialog.addEventListener("cancel", (event) => event.preventDefault()); // without one there is nothing to see
ask.token = (reason) =>
  new Promise((done) => {
    const text = document.getElementById("token-text");
    document.getElementById("token-words").textContent = reason;
    text.value = "";
    tokenDialog.addEventListener("close", () => done(text.value.trim()), { once: true });
    tokenDialog.showModal();
  });

window.addEventListener("hashchange", () => {
  if (location.hash !== shown) {
    shown = location.hash;
    open();
  }
});
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault(); // the address says which view it is
  main.focus();
});
setInterval(tick, TICK);
open(false, false); // what it shows is loaded once it is known from where on changes are told
begin();
