/* What can be done to miners, in the order of the buttons, and what has to be said with it. Whether a miner can do a verb
is said by its row; what an order may do is judged by the server. */
import { CoolingForm, DimmerForm, LocateForm, PowerForm, PresetForm, RestoreForm } from "./verb-forms.js";
import { PoolsForm } from "./pools-form.js";
import { count, hashrate, known, number, own, power, span, UNKNOWN } from "../lib/format.js";

/* `form` edits the arguments, beginning with `args`; null: they are not complete yet. `single`: of one miner only.
`pauses`: the miner stops hashing for it, and goes on by itself. `final`: nothing brings it back. `unplanned`: no plan may order it. */
export const VERBS = {
  __proto__: null,
  pause: { label: "Pause", seen: ["state", "hashrate_ths", "power_w"] },
  resume: { label: "Resume", seen: ["state", "hashrate_ths", "power_w"] },
  preset: { label: "Preset", form: PresetForm, args: null, seen: ["preset", "power_w"] },
  power: { label: "Power", form: PowerForm, args: null, seen: ["preset", "power_w"] },
  dimmer: { label: "Dim", form: DimmerForm, args: null, seen: ["throttle_percent", "power_w"] },
  cooling: { label: "Cooling", form: CoolingForm, args: { mode: "auto" }, seen: ["cooling"] },
  locate: { label: "Locate", final: true, form: LocateForm, args: { on: true, seconds: 120 }, seen: ["finding"] },
  restart: { label: "Restart mining", final: true, pauses: true, seen: ["state", "hashrate_ths"] },
  pools: { label: "Pools", unplanned: true, form: PoolsForm, args: null, danger: true, pauses: true, seen: ["pools"] },
  restore: { label: "Restore settings", unplanned: true, form: RestoreForm, args: null, danger: true, single: true, seen: ["preset", "cooling", "pools"] },
  reboot: { label: "Reboot", final: true, danger: true, pauses: true, seen: ["state", "uptime_s"] },
};

/* What at least one of these rows can do. */
export function verbsOf(rows) {
  const able = new Set();
  for (const row of rows) for (const verb of row.verbs ?? []) able.add(verb);
  return Object.keys(VERBS).filter((verb) => able.has(verb) && (rows.length === 1 || !VERBS[verb].single));
}

const poolWords = ({ slot, url, user }) => `${known(slot) ? `${slot + 1}: ` : ""}${url || "empty"}${user ? ` as ${user}` : ""}`;

export const capital = (words) => words.charAt(0).toUpperCase() + words.slice(1);

/* Pools, slot by slot. */
export function poolsWords(pools) {
  return (pools ?? []).filter((pool) => pool.url).map(poolWords).join(", ") || "no pool";
}

/* A value with its unit, which stays on its line. */
const whole = (scaled) => scaled.join("\u00a0");

/* A change with its sign; nothing where there is none. */
function change(value, scale, least) {
  return known(value) && Math.abs(value) >= least ? `${value > 0 ? "+" : ""}${whole(scale(value))}` : "";
}

/* What an order changes: "-168 kW, -5.20 PH/s". */
export function effectWords(effect) {
  return [change(effect?.power_w, power, 0.5), change(effect?.hashrate_ths, hashrate, 0.005)].filter(Boolean).join(", ");
}

const SEEN = {
  __proto__: null,
  state: String,
  preset: (name) => `preset ${name}`,
  hashrate_ths: (ths) => whole(hashrate(ths)),
  power_w: (watts) => whole(power(watts)),
  throttle_percent: (percent) => `${number(percent)} %`,
  cooling: ({ mode, percent }) => `${mode}${known(percent) ? ` ${number(percent)} %` : ""}`,
  pools: poolsWords,
  finding: (on) => (on ? "lights flash" : "lights do not flash"),
  uptime_s: (seconds) => `up ${span(seconds)}`,
};

/* How a miner was or is, as far as the verb is about it. */
export function seenWords(verb, seen) {
  if (!seen) return "";
  const words = (own(VERBS, verb)?.seen ?? ["state"]).filter((key) => seen[key] !== null && seen[key] !== undefined).map((key) => SEEN[key](seen[key]));
  return words.join(", ") || UNKNOWN;
}

/* How long packets take: they are counted in each group, and the pause is between two. */
export function duration(groups, { size, interval_seconds: pause }) {
  if (!(size >= 1) || !(pause >= 0)) return null;
  return (Math.ceil(Math.max(0, ...groups) / size) - 1) * pause;
}

export function durationWords(seconds) {
  if (!known(seconds)) return "";
  if (seconds <= 0) return "all at once";
  return seconds < 90 ? `takes about ${count(Math.round(seconds), "second")}` : seconds < 5400 ? `takes about ${count(Math.round(seconds / 60), "minute")}` : `takes about ${number(seconds / 3600, 1)} hours`;
}
