/* When nobody is told: maintenance, once or every week, of a part of the site; and quiet hours by severity. */
import { post, remove } from "../lib/api.js";
import { FormDialog, useOutcome } from "../lib/dialog.js";
import { exact, stamp } from "../lib/format.js";
import { html, useState } from "../lib/html.js";
import { now } from "../lib/live.js";
import { Only } from "../lib/session.js";
import { BoxClock, DAYS, Days, localField, wallOf, WallTime } from "../lib/times.js";
import { ACTIONS, Badge, Pending, Table, useRead } from "../lib/ui.js";
import { ScopeFields } from "./scope.js";
import { scopeWords, SEVERITIES, whenWords } from "./words.js";

const WINDOWS = "/api/v1/alerts/windows";
const KINDS = { __proto__: null, maintenance: "Maintenance", quiet: "Quiet hours" };

export function Windows() {
  const read = useRead(WINDOWS, { everyMs: 30000 });
  const [adding, setAdding] = useState(null);
  const [outcome, say, attempt] = useOutcome();
  if (!read.data) return html`<section><h2>Maintenance and quiet hours</h2><${Pending} read=${read} what="Maintenance" /></section>`;
  const take = async (one) => {
    if (await attempt(() => remove(`${WINDOWS}/${one.id}`), "Not removed")) say(`${one.name} is removed.`);
    read.again();
  };
  return html`<section aria-labelledby="windows"><div class="sectionhead"><h2 id="windows">Maintenance and quiet hours</h2>
      <${Only} role="operator"><button type="button" class="addwindow" onClick=${() => setAdding("maintenance")}>Maintenance…</button>
        <button type="button" class="addquiet" onClick=${() => setAdding("quiet")}>Quiet hours…</button><//></div>
    <p class="muted">Under maintenance nothing new of that part is told. In quiet hours what is no worse than they say waits, and is told afterwards.</p>
    ${read.data.length === 0
      ? html`<p class="note muted">None. People are told at any hour.</p>`
      : html`<${Table} of="windows" kind="stacked windows" head=${["Name", "Kind", "When", "For", "State", "By", ACTIONS]}><tbody>${read.data.map((one) => html`<tr key=${one.id} data-window=${one.name}>
        <th scope="row">${one.name}</th><td data-label="Kind">${KINDS[one.kind] ?? one.kind}</td><td data-label="When">${whenWords(one.when)}</td>
        <td data-label="For">${one.kind === "quiet" ? `up to ${one.severity}` : scopeWords(one.scope)}</td><td data-label="State">${stateOf(one)}</td><td data-label="By">${one.by}</td>
        <td class="actions"><${Only} role="operator"><button type="button" onClick=${() => take(one)}>Remove</button><//></td></tr>`)}</tbody><//>`}
    ${outcome}
    ${adding && html`<${AddWindow} kind=${adding} again=${read.again} onClose=${() => setAdding(null)} />`}
  </section>`;
}

function stateOf(one) {
  if (one.open) return html`<${Badge} tone="tune">now<//> <span class="muted">until ${exact(stamp(one.next_at))}</span>`;
  if (!one.next) return html`<${Badge} tone="off">over<//>`;
  return html`<span class="muted">next ${exact(stamp(one.next_at))}</span>`;
}

function AddWindow({ kind, again, onClose }) {
  const isQuiet = kind === "quiet";
  const [wish, setWish] = useState({ name: "", weekly: isQuiet, at: localField(now()), until: localField(now() + 2 * 3600000), days: DAYS, from: "22:00", to: "06:00", scope: {}, severity: "warn" });
  const set = (changes) => setWish({ ...wish, ...changes });
  const act = async () => {
    const at = Math.max(new Date(wish.at).getTime(), now());
    const when = wish.weekly ? { days: wish.days, from: wallOf(wish.from), to: wallOf(wish.to) } : { at: new Date(at).toISOString(), until: new Date(wish.until).toISOString() };
    await post(WINDOWS, { name: wish.name, kind, when, ...(isQuiet ? { severity: wish.severity } : { scope: wish.scope }) });
    await again();
  };
  return html`<${FormDialog} title=${KINDS[kind]} verb="Add" failed="Not added" act=${act} onClose=${onClose}>
    <label>Name <input name="name" required maxlength="100" autocomplete="off" autofocus value=${wish.name} onInput=${(event) => set({ name: event.target.value })} /></label>
    <div class="ways" role="group" aria-label="How often">${[[false, "Once"], [true, "Every week"]].map(([weekly, words]) => html`<label key=${words} class="tick"><input type="radio" name="weekly" checked=${wish.weekly === weekly} onChange=${() => set({ weekly })} /> ${words}</label>`)}</div>
    ${wish.weekly
      ? html`<div class="pace"><${WallTime} label="From" name="from" required value=${wish.from} onChange=${(from) => set({ from })} />
          <${WallTime} label="To" name="to" required value=${wish.to} onChange=${(to) => set({ to })} /></div>
        <${Days} days=${wish.days} onChange=${(days) => set({ days })} /><${BoxClock} />`
      : html`<div class="pace dates"><label>From <input type="datetime-local" name="at" required value=${wish.at} onInput=${(event) => set({ at: event.target.value })} /></label>
          <label>Until <input type="datetime-local" name="until" required value=${wish.until} onInput=${(event) => set({ until: event.target.value })} /></label></div>`}
    ${isQuiet
      ? html`<label>Up to severity <select name="severity" onChange=${(event) => set({ severity: event.target.value })}>${SEVERITIES.map((word) => html`<option key=${word} value=${word} selected=${word === wish.severity}>${word === "bad" ? "bad: nothing is told" : "warn: what is bad is told all the same"}</option>`)}</select></label>`
      : html`<${ScopeFields} scope=${wish.scope} onChange=${(scope) => set({ scope })} />`}<//>`;
}
