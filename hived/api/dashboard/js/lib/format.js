/* Numbers and times as people read them. Unknown is "-", never 0. */

export const UNKNOWN = "-";

const grouped = new Map();

function digits(places) {
  if (!grouped.has(places)) {
    grouped.set(places, new Intl.NumberFormat("en-GB", { minimumFractionDigits: places, maximumFractionDigits: places }));
  }
  return grouped.get(places);
}

export function known(value) {
  return typeof value === "number" && Number.isFinite(value);
}

/* What a table has for a word that was received, undefined when there is nothing: "constructor" is no entry of any. */
export function own(table, word) {
  return table && Object.hasOwn(table, word) ? table[word] : undefined;
}

export function number(value, places = 0) {
  return known(value) ? digits(places).format(value) : UNKNOWN;
}

/* A value with the unit that suits its size: [text, unit]. `steps` are [from, divisor, unit, places]. */
function scaled(value, steps) {
  if (!known(value)) return [UNKNOWN, steps.at(-1)[2]];
  const [, divisor, unit, places] = steps.find(([from]) => Math.abs(value) >= from) ?? steps.at(-1);
  return [digits(places).format(value / divisor), unit];
}

const HASHRATE = [
  [1e6, 1e6, "EH/s", 2],
  [1e4, 1e3, "PH/s", 2],
  [1e3, 1e3, "PH/s", 3],
  [100, 1, "TH/s", 1],
  [0, 1, "TH/s", 2],
];
const POWER = [
  [1e6, 1e6, "MW", 2],
  [1e5, 1e3, "kW", 0],
  [1e4, 1e3, "kW", 1],
  [1e3, 1e3, "kW", 2],
  [0, 1, "W", 0],
];
const BYTES = [
  [1e9, 1e9, "GB", 2],
  [1e6, 1e6, "MB", 1],
  [1e3, 1e3, "kB", 0],
  [0, 1, "B", 0],
];

/* TH/s in, [text, unit] out. */
export const hashrate = (ths) => scaled(ths, HASHRATE);
/* W in, [text, unit] out. */
export const power = (watts) => scaled(watts, POWER);
export const bytes = (count) => scaled(count, BYTES).join(" ");

/* A share of something as a number of percent, null when either is unknown or there is nothing to compare with. */
export function percentOf(now, whole) {
  return known(now) && known(whole) && whole > 0 ? (100 * now) / whole : null;
}

export function percent(value, places = 0) {
  return known(value) ? `${digits(places).format(value)} %` : UNKNOWN;
}

/* An RFC 3339 text (or epoch seconds) as epoch milliseconds; null when there is none. */
export function stamp(value) {
  if (known(value)) return value * 1000;
  const ms = typeof value === "string" ? Date.parse(value) : NaN;
  return Number.isNaN(ms) ? null : ms;
}

const SPANS = [
  [86400 * 2, 86400, "d"],
  [3600 * 2, 3600, "h"],
  [120, 60, "min"],
  [0, 1, "s"],
];

/* Seconds as a short span: "12 s", "5 min", "3 h", "4 d". */
export function span(seconds) {
  if (!known(seconds)) return UNKNOWN;
  const whole = Math.max(0, seconds);
  const [, unit, word] = SPANS.find(([from]) => whole >= from);
  return `${Math.floor(whole / unit)} ${word}`;
}

/* Seconds in full: "2 d 4 h 12 min". */
export function longSpan(seconds) {
  if (!known(seconds)) return UNKNOWN;
  const parts = [];
  let rest = Math.max(0, Math.floor(seconds));
  for (const [size, word] of [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]]) {
    const whole = Math.floor(rest / size);
    rest -= whole * size;
    if (whole || parts.length) parts.push(`${whole} ${word}`);
  }
  return parts.slice(0, 2).join(" ") || "0 s";
}

export function ago(ms, now) {
  if (ms === null || ms === undefined) return UNKNOWN;
  const seconds = (now - ms) / 1000;
  return seconds < 1 ? "just now" : `${span(seconds)} ago`;
}

const exactForm = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "medium" });

/* The exact local time, for a title. */
export function exact(ms) {
  return ms === null || ms === undefined ? "never" : exactForm.format(ms);
}

export function count(n, one, many = `${one}s`) {
  return `${digits(0).format(n)} ${n === 1 ? one : many}`;
}

/* The host of a pool's URL, without scheme: what fits a table. */
export function poolHost(url) {
  return typeof url === "string" ? url.replace(/^[a-z0-9+.-]+:\/\//i, "").replace(/\/.*$/, "") : "";
}

/* "192.168.1.20" as a number, so that .9 sorts before .10; null for anything else. */
export function addressNumber(ip) {
  const parts = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(ip ?? "");
  return parts ? parts.slice(1).reduce((sum, part) => sum * 256 + Number(part), 0) : null;
}

/* The miner's own page, when its address is really an IPv4 address. */
export function minerUrl(ip) {
  return addressNumber(ip) === null ? null : `http://${ip}/`;
}
