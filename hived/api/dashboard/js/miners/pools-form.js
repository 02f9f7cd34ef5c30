/* The editor of an order for pools: what is filled in is set, slot by slot; every other slot stays as it is. */
import { html, useState } from "../lib/html.js";
import { useRead } from "../lib/ui.js";

const SLOTS = [0, 1, 2];
const EMPTY = { url: "", user: "", password: "" };

/* `there`: the pools that the one miner has now, [{slot, url, user}]. */
export function PoolsForm({ there = [], onChange }) {
  const allowed = useRead("/api/v1/pools/allowed").data ?? [];
  const was = (slot) => ({ ...EMPTY, ...there.find((pool) => pool.slot === slot) });
  const [slots, setSlots] = useState(() => SLOTS.map(was));
  const change = (slot, changes) => {
    const next = slots.map((pool, i) => (i === slot ? { ...pool, ...changes } : pool));
    setSlots(next);
    onChange(argsOf(next, was));
  };
  // A pattern is no pool: only what names one can be taken as it is.
  const ready = allowed.filter((entry) => !entry.url.includes("*"));
  return html`${SLOTS.map((slot) => html`<fieldset key=${slot}><legend>Slot ${slot + 1}</legend><div class="slot">
      <label class="wide">Pool <input name=${`url${slot}`} value=${slots[slot].url} maxlength="256" spellcheck="false" placeholder=${there.length ? "empty" : "stays as it is"} onInput=${(event) => change(slot, { url: event.target.value })} /></label>
      <label>Worker <input name=${`user${slot}`} value=${slots[slot].user} maxlength="256" spellcheck="false" onInput=${(event) => change(slot, { user: event.target.value })} /></label>
      <label>Password <input name=${`password${slot}`} value=${slots[slot].password} maxlength="256" autocomplete="off" spellcheck="false" placeholder="stays as it is" onInput=${(event) => change(slot, { password: event.target.value })} /></label>
      ${ready.length > 0 && html`<p class="wide small">Allowed: ${ready.map((entry) => html`<button type="button" key=${entry.id} class="take" onClick=${() => change(slot, { url: entry.url, ...(entry.worker && !entry.worker.includes("*") ? { user: entry.worker } : {}) })}>${entry.url}${entry.worker ? ` as ${entry.worker}` : ""}</button> `)}</p>`}
    </div></fieldset>`)}
    ${allowed.length > ready.length && html`<p class="small">Allowed as well: ${allowed.filter((entry) => entry.url.includes("*")).map((entry) => `${entry.url}${entry.worker ? ` as ${entry.worker}` : ""}`).join(", ")}</p>`}`;
}

/* What is to be set; null when that is nothing. A password that was not typed is not sent. */
function argsOf(slots, was) {
  const pools = slots.flatMap(({ url, user, password }, slot) => {
    const before = was(slot);
    if (!url.trim() || (url === before.url && user === before.user && !password)) return [];
    return [{ slot, url: url.trim(), user: user.trim(), ...(password ? { password } : {}) }];
  });
  return pools.length ? { pools } : null;
}
