// SPDX-License-Identifier: MIT
// The gateway's HTTP interface: what is asked for, and the stream of what changes.
//
// The stream is read by fetch and not by EventSource, which cannot send a token. It comes back by itself: with the
// number of the last event that was heard, so that nothing is missed.

const KEY = "msgin5g-token";
const SILENCE = 40000; // ms without an octet: the gateway sends a heartbeat each 15 s
const FIRST = 500; // ms until it is tried again, and
const LONGEST = 8000; // after more and more tries
const LINE = 1 << 20; // characters of one event that are kept

export class RefusedError extends Error {
  constructor(status, words) {
    super(words);
    this.status = status;
  }
}

let token = null;
let asking = null;
/** Set by the page: asks the user for a token; gives it by a promise. */
export const ask = { token: async () => "" };

function stored() {
  if (token !== null) return token;
  try {
    token = sessionStorage.getItem(KEY) ?? "";
  } catch {
    token = "";
  }
  return token;
}

function keep(text) {
  token = text;
  try {
    sessionStorage.setItem(KEY, text);
  } catch {
    // it is kept as long as the page is
  }
}

/** One request. With a token where there is one; asks for one where it is needed, all requests together. */
async function request(path, options = {}) {
  for (;;) {
    const used = stored();
    const headers = { ...options.headers, ...(used && { Authorization: `Bearer ${used}` }) };
    const response = await fetch(path, { ...options, headers, cache: "no-store", credentials: "omit", redirect: "error" });
    if (response.status !== 401) return response;
    await response.body?.cancel();
    if (used !== stored()) continue; // another request was told one meanwhile
    asking ??= ask.token(used ? "The gateway does not know this token." : "Who reads this page from another machine shows a token.").finally(() => (asking = null));
    keep(await asking);
  }
}

async function words(response) {
  try {
    const problem = await response.json();
    return problem.detail ?? problem.title ?? `${response.status}`;
  } catch {
    return `The gateway answered ${response.status} ${response.statusText}`.trim();
  }
}

async function taken(response) {
  if (!response.ok) throw new RefusedError(response.status, await words(response));
  return response;
}

export async function get(path) {
  return (await taken(await request(path))).json();
}

export async function getOctets(path) {
  return new Uint8Array(await (await taken(await request(path))).arrayBuffer());
}

export async function post(path, body) {
  const options = { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
  return (await taken(await request(path, options))).json();
}

/** The paths of the interface; what a device is called may hold any character. */
const part = encodeURIComponent;
export const paths = {
  overview: () => "/api/overview",
  devices: (query) => `/api/devices?${new URLSearchParams(query)}`,
  device: (ue) => `/api/devices/${part(ue)}`,
  message: (from, id) => `/api/messages/${part(from)}/${part(id)}`,
  payload: (from, id) => `/api/messages/${part(from)}/${part(id)}/payload`,
  updates: () => "/api/updates",
  update: (job, query) => `/api/updates/${part(job)}?${new URLSearchParams(query)}`,
  send: () => "/api/send",
};

/** Events of a text/event-stream, of pieces of text. */
export function reader(heard) {
  let rest = "", kind = "", data = [], id = null;
  const line = (text) => {
    if (text === "") {
      if (data.length) heard({ kind: kind || "message", data: data.join("\n"), id });
      kind = "";
      data = [];
      return;
    }
    const colon = text.indexOf(":");
    const field = colon < 0 ? text : text.slice(0, colon);
    const value = colon < 0 ? "" : text.slice(colon + 1).replace(/^ /, "");
    if (field === "event") kind = value;
    else if (field === "data") data.push(value);
    else if (field === "id") id = value;
  };
  return (piece) => {
    const lines = (rest + piece).split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop();
    lines.forEach(line);
    if (rest.length > LINE) throw new Error("an event that is too long");
  };
}

/** What changes, from one moment on. `heard(kind, data)`; `link(state, seconds)` says how the stream is: live, lost. */
export class Live {
  constructor(heard, link) {
    this.heard = heard;
    this.link = link;
    this.last = null;
    this.tries = 0;
    this.abort = null;
    this.timer = 0;
    this.wanted = false;
  }

  /** From event number `after` on. */
  start(after) {
    this.stop();
    this.last = after;
    this.wanted = true;
    this.open();
  }

  stop() {
    this.wanted = false;
    clearTimeout(this.timer);
    this.abort?.abort();
  }

  /** Not to wait for the next try. */
  now() {
    if (!this.wanted || this.abort) return;
    clearTimeout(this.timer);
    this.open();
  }

  async open() {
    const abort = (this.abort = new AbortController());
    let watch = 0;
    const alive = () => {
      clearTimeout(watch);
      watch = setTimeout(() => abort.abort(), SILENCE);
    };
    try {
      alive();
      const headers = { Accept: "text/event-stream", "Last-Event-ID": String(this.last) };
      const response = await taken(await request(`/live?after=${this.last}`, { headers, signal: abort.signal }));
      this.tries = 0;
      this.link("live", 0);
      const decoder = new TextDecoder();
      const feed = reader((event) => this.event(event, abort));
      const pieces = response.body.getReader();
      for (;;) {
        const { done, value } = await pieces.read();
        if (done || abort.signal.aborted) break;
        alive();
        feed(decoder.decode(value, { stream: true }));
      }
    } catch (error) {
      if (abort === this.abort && this.wanted) this.reason = error;
    } finally {
      clearTimeout(watch);
      abort.abort();
    }
    if (abort !== this.abort) return;
    this.abort = null;
    if (this.wanted) this.wait();
  }

  wait() {
    const pause = Math.min(FIRST * 2 ** this.tries, LONGEST);
    this.tries += 1;
    this.link("lost", pause / 1000, this.reason?.status === 503 ? this.reason.message : null);
    this.reason = null;
    this.timer = setTimeout(() => this.open(), pause);
  }

  event({ kind, data, id }, abort) {
    if (abort.signal.aborted) return;
    if (id !== null && id !== "") this.last = id;
    let parsed = null;
    try {
      parsed = JSON.parse(data);
    } catch {
      parsed = data;
    }
    this.heard(kind, parsed);
  }
}
