/* Orders by the clock: what comes next, switched on and off; and the fields that make a plan of an order. */
import { patch, remove } from "../lib/api.js";
import { Confirm, useOutcome } from "../lib/dialog.js";
import { exact, stamp } from "../lib/format.js";
import { html, useState } from "../lib/html.js";
import { Only } from "../lib/session.js";
import { ACTIONS, Badge, Pending, Table, useRead } from "../lib/ui.js";
import { orderPath } from "./order.js";
import { VERBS } from "./verbs.js";

const DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const NEXT = { __proto__: null, do: "begins", back: "is brought back" };

export function Plans() {
  const read = useRead("/api/v1/plans", { everyMs: 30000 });
  const [outcome, say, attempt] = useOutcome();
  const [leaving, setLeaving] = useState(null);
  if (!read.data) return html`<section><h2>Plans</h2><${Pending} read=${read} what="Plans" /></section>`;
  const change = async (plan) => {
    if (await attempt(() => patch(`/api/v1/plans/${plan.id}`, { enabled: !plan.enabled }), "Not done")) say(`${plan.name} is ${plan.enabled ? "off" : "on"}.`);
    read.again();
  };
  return html`<section aria-labelledby="plans"><h2 id="plans">Plans</h2>
    ${read.data.length === 0
      ? html`<p class="note muted">No order is given by the clock. "By the clock" in the dialog of an order makes a plan of it.</p>`
      : html`<${Table} of="plans" head=${["Plan", "What", "When", "Next", "By", "Last order", ACTIONS]}><tbody>${read.data.map((plan) => html`<tr key=${plan.id}>
        <th scope="row">${plan.name}</th><td>${VERBS[plan.order.verb]?.label ?? plan.order.verb}</td><td>${whenWords(plan.when)}</td>
        <td class="nowrap">${plan.next ? html`${NEXT[plan.next]} ${exact(stamp(plan.next_at))}` : html`<${Badge} tone="off">${plan.enabled ? "over" : "off"}<//>`}</td>
        <td>${plan.by}</td><td>${plan.last_order ? html`<a href=${orderPath(plan.last_order)}>${plan.last_order}</a>` : ""}</td>
        <td class="actions"><${Only} role="operator"><button type="button" onClick=${() => change(plan)}>${plan.enabled ? "Switch off" : "Switch on"}</button>
          <button type="button" onClick=${() => setLeaving(plan)}>Remove…</button><//></td></tr>`)}</tbody><//>`}
    ${outcome}
    ${leaving && html`<${Confirm} title=${`Remove ${leaving.name}`} verb="Remove the plan" act=${() => remove(`/api/v1/plans/${leaving.id}`).then(() => read.again())} onClose=${() => setLeaving(null)}>
      <p>What it has ordered goes on, and is not brought back.</p><//>`}
  </section>`;
}

/* A schedule as the server has it, in words; a time in full is the reader's own. */
function whenWords(when) {
  if (when.from) return `${when.days.length === DAYS.length ? "every day" : when.days.join(", ")} ${when.from}${when.to ? ` to ${when.to}` : ""}`;
  return `${exact(stamp(when.at))}${when.until ? ` until ${exact(stamp(when.until))}` : ""}`;
}

/* What a plan needs beside its order: {name, days, from, to}. Null: the order is given now. */
export function PlanFields({ plan, onChange }) {
  const change = (changes) => onChange({ name: "", days: DAYS, from: "", to: "", ...plan, ...changes });
  return html`<details class="advanced" onToggle=${(event) => (event.target.open ? change({}) : onChange(null))}><summary>By the clock</summary>
    ${plan && html`<label>Name <input name="plan" required maxlength="100" value=${plan.name} onInput=${(event) => change({ name: event.target.value })} /></label>
    <div class="pace"><label>From <input type="time" name="from" required value=${plan.from} onInput=${(event) => change({ from: event.target.value })} /></label>
      <label>Brought back at <input type="time" name="to" value=${plan.to} onInput=${(event) => change({ to: event.target.value })} /></label></div>
    <p class="days">${DAYS.map((day) => html`<label key=${day} class="tick"><input type="checkbox" name=${day} checked=${plan.days.includes(day)}
      onChange=${(event) => change({ days: DAYS.filter((one) => (one === day ? event.target.checked : plan.days.includes(one))) })} /> ${day}</label> `)}</p>
    <p class="small muted">By the clock of the box that hived runs on.</p>`}
  </details>`;
}

/* The body of POST /api/v1/plans. */
export function planBody({ name, days, from, to }, order) {
  return { name, when: { days, from, ...(to ? { to } : {}) }, order };
}
