/* Alerts, rules and windows in words. */
import { exact, hashrate, known, number, own, span, stamp } from "../lib/format.js";
import { html } from "../lib/html.js";
import { live } from "../lib/live.js";
import { minerPath } from "../lib/router.js";
import { Badge } from "../lib/ui.js";

export const TONES = { __proto__: null, bad: "bad", warn: "warn" };
export const SEVERITIES = ["warn", "bad"];
export const alertPath = (id) => `/alerts/${id}`;

export function Severity({ value }) {
  return html`<${Badge} tone=${own(TONES, value) ?? "idle"}>${value}<//>`;
}

/* What an alert lost: "12 PH/s now, 3.6 PH·h so far"; empty when it is nothing. */
export function lostWords(alert) {
  const parts = [];
  if (alert.open && alert.lost_ths > 0) parts.push(`${hashrate(alert.lost_ths).join(" ")} now`);
  if (alert.lost_th_hours > 0) parts.push(`${amount(alert.lost_th_hours)}${alert.open ? " so far" : ""}`);
  return parts.join(", ");
}

function amount(thHours) {
  const [value, unit] = hashrate(thHours);
  return `${value} ${unit.replace("/s", "·h")}`;
}

/* What a rule is for: "group row A, model s19"; {}: everything. */
export function scopeWords(scope) {
  const parts = [];
  if (scope.node) parts.push(`node ${nodeWord(scope.node)}`);
  if (scope.model) parts.push(`model ${scope.model}`);
  if (scope.group) parts.push(`group ${scope.group}`);
  if (scope.tag) parts.push(`tag ${scope.tag}`);
  return parts.join(", ") || "everywhere";
}

function nodeWord(id) {
  for (const row of live.rows.values()) if (row.node_id === id && row.node_name) return row.node_name;
  return id;
}

/* When a rule speaks: "over 95 °C, well again at 90 °C", "3 miners or more". */
export function limitWords(rule) {
  const parts = [];
  if (known(rule.threshold)) {
    const unit = rule.unit ? ` ${rule.unit}` : "";
    parts.push(`${rule.over} ${number(rule.threshold, places(rule.threshold))}${unit}`);
    if (known(rule.clear) && rule.clear !== rule.threshold) parts.push(`well again at ${number(rule.clear, places(rule.clear))}${unit}`);
  }
  if (rule.miners > 1) parts.push(`${number(rule.miners)} miners or more`);
  return parts.join(", ");
}

const places = (value) => (Number.isInteger(value) ? 0 : 1);

export const lastingWords = (seconds) => (seconds ? span(seconds) : "at once");

const DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/* When a window is open, by the clock of the box or, for one that is once, by the reader's own. */
export function whenWords(when) {
  if (when.from) return `${when.days.length === DAYS.length ? "every day" : when.days.join(", ")} ${when.from} to ${when.to}`;
  return `${exact(stamp(when.at))} until ${exact(stamp(when.until))}`;
}

/* A thing that is wrong: a miner leads to its page. */
export function Who({ member }) {
  return member.mac ? html`<a href=${minerPath(member.mac)} title=${member.mac}>${member.name}</a>` : member.name;
}
