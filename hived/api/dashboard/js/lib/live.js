/* What the site looks like now: all rows and the totals, kept up to date over one stream of server-sent events.

Components read `live` and call useLive() to be drawn again when it changes. The link is honest: "live" only while
messages arrive; when it breaks it is opened again after growing pauses, and the rows are read again first, so that nothing
that happened meanwhile is missed. */
import { get } from "./api.js";
import { enrich } from "../miners/rows.js";
import { stamp } from "./format.js";
import { watched } from "./watched.js";

const SILENCE_MS = 25000; // the stream tells the totals at least every 10 s
const RETRY_MS = [500, 1000, 2000, 4000, 8000, 15000];
const LOST_MS = 5000; // a restart of hive-apid is not worth blanking the page
const DRAW_MS = 200; // a burst of messages is drawn once

export const live = {
  link: "connecting", // connecting | live | lost
  retryAt: null, // ms of this browser's clock
  heardAt: null, // ms of this browser's clock
  reason: null,
  rows: new Map(), // id -> row
  loaded: false,
  rev: 0,
  changes: 0, // grows with every change of rows
  fleet: null,
  collecting: null, // what the auto-miner does, and how much it has collected
  alerts: { bad: 0, warn: 0 }, // that are open, and that nobody has in hand
  node: null,
  version: null,
  updated: false, // the server runs another version than the one this page came from
  skew: 0, // server clock minus this browser's, ms
};

const [useChanges, redraw] = watched();
const [useSeconds, tick] = watched();
const listeners = new Set();
let drawTimer = null;
let source = null;
let attempts = 0;
let retryTimer = null;
let generation = 0;

function draw() {
  drawTimer ??= setTimeout(() => {
    drawTimer = null;
    redraw();
  }, DRAW_MS);
}

/* Now, in the server's time: ages stay right on a phone whose clock is wrong. */
export function now() {
  return Date.now() + live.skew;
}

/* Since when nothing is known, in the server's time in ms: the connection is lost, and not for a moment. Null while it is there. */
export function useUnknownSince() {
  useChanges();
  useSeconds();
  return live.link === "lost" && live.heardAt !== null && Date.now() - live.heardAt > LOST_MS ? live.heardAt + live.skew : null;
}

export function useLive() {
  useChanges();
  return live;
}

setInterval(() => {
  watch();
  tick();
}, 1000);

/* Draw again every second and return the server's time in ms. */
export function useNow() {
  useSeconds();
  return now();
}

/* Call `tell(event)` for everything that happens from now on; returns the way to stop it. */
export function onHappened(tell) {
  listeners.add(tell);
  return () => listeners.delete(tell);
}

function heard() {
  live.heardAt = Date.now();
  if (live.link !== "live") {
    live.link = "live";
    live.reason = null;
    live.retryAt = null;
    attempts = 0;
  }
  draw();
}

function take(rows) {
  for (const row of rows) live.rows.set(row.id, enrich(row, live.rows.get(row.id)));
  live.changes += 1;
}

function takeFleet(fleet) {
  const at = stamp(fleet.at);
  if (at !== null) {
    const skew = at - Date.now();
    // Small differences are travel time and would make every age flicker.
    if (Math.abs(skew - live.skew) > 2000) live.skew = Math.abs(skew) > 2000 ? skew : 0;
  }
  live.fleet = fleet;
}

/* Take over what is known of the auto-miner; a part of it will do. */
export function takeCollecting(told) {
  live.collecting = { ...live.collecting, ...told };
  draw();
}

function readMessage(event) {
  try {
    return JSON.parse(event.data);
  } catch (broken) {
    return null;
  }
}

async function reload() {
  const [rows, fleet] = await Promise.all([get("/api/v1/rows"), get("/api/v1/fleet")]);
  const present = new Set(rows.rows.map((row) => row.id));
  for (const id of live.rows.keys()) if (!present.has(id)) live.rows.delete(id);
  take(rows.rows);
  takeFleet(fleet);
  live.rev = rows.rev;
  live.loaded = true;
  live.heardAt = Date.now();
}

async function connect() {
  generation += 1;
  const mine = generation;
  clearTimeout(retryTimer);
  source?.close();
  try {
    await reload();
  } catch (err) {
    if (mine === generation) lost(err.message, err.status);
    return;
  }
  if (mine !== generation) return;
  draw();
  listen(mine);
}

function listen(mine) {
  const stream = new EventSource(`/api/v1/stream?since=${live.rev}`);
  source = stream;
  const on = (name, handle) =>
    stream.addEventListener(name, (event) => {
      if (mine !== generation) return;
      const message = readMessage(event);
      if (message === null) return;
      handle(message);
      heard();
    });
  on("hello", (hello) => {
    live.node = hello.node ?? null;
    if (live.version !== null && hello.version !== live.version) live.updated = true;
    live.version ??= hello.version;
    if (hello.reload || hello.rev < live.rev) refetch(mine); // rows may have left unnoticed
  });
  on("miners", (message) => {
    take(message.rows);
    for (const id of message.gone) live.rows.delete(id);
    live.rev = Math.max(live.rev, message.rev);
  });
  on("fleet", takeFleet);
  on("collecting", takeCollecting);
  on("alerts", (counts) => {
    live.alerts = counts;
  });
  on("happened", (message) => {
    for (const event of message.events) for (const tell of listeners) tell(event);
  });
  stream.onerror = () => {
    if (mine === generation) lost("the stream broke");
  };
}

/* Read all rows again while the stream goes on; what is no longer among them leaves the page. */
async function refetch(mine) {
  try {
    if (mine === generation) await reload();
    draw();
  } catch (err) {
    if (mine === generation) lost(err.message, err.status);
  }
}

function lost(reason, status = null) {
  generation += 1; // whatever the old connection still says is not heard
  source?.close();
  source = null;
  const pause = RETRY_MS[Math.min(attempts, RETRY_MS.length - 1)] * (0.8 + 0.4 * Math.random());
  attempts += 1;
  live.link = "lost";
  live.reason = reason;
  clearTimeout(retryTimer);
  // Nobody is logged in any more: no use to ask again before somebody is.
  live.retryAt = status === 401 ? null : Date.now() + pause;
  retryTimer = status === 401 ? null : setTimeout(connect, pause);
  draw();
}

/* A connection that says nothing any more is a lost one, whatever TCP believes. */
function watch() {
  if (live.link === "live" && Date.now() - live.heardAt > SILENCE_MS) lost("nothing was heard");
}

export function retryNow() {
  if (live.link === "lost") connect();
}

/* A page that is left may be kept for Back, its stream with it: six of those, and the browser opens no connection more. */
function rest() {
  generation += 1;
  clearTimeout(retryTimer);
  source?.close();
  source = null;
}

export function startLive() {
  connect();
  window.addEventListener("pagehide", rest);
  window.addEventListener("pageshow", (event) => event.persisted && connect());
  window.addEventListener("online", retryNow);
  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && retryNow());
}
