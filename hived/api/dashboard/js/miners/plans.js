/* Orders by the clock: what comes next, switched on and off. */
import { patch, remove } from "../lib/api.js";
import { Confirm, useOutcome } from "../lib/dialog.js";
import { count, exact, stamp } from "../lib/format.js";
import { html, useState } from "../lib/html.js";
import { Only } from "../lib/session.js";
import { DAYS } from "../lib/times.js";
import { ACTIONS, Badge, Pending, Table, useRead } from "../lib/ui.js";
import { orderPath } from "./order.js";
import { capital, VERBS } from "./verbs.js";

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
        <th scope="row">${plan.name}</th><td>${whatWords(plan.order)}</td><td>${whenWords(plan.when)}</td>
        <td class="nowrap">${plan.next ? html`${NEXT[plan.next]} ${exact(stamp(plan.next_at))}` : html`<${Badge} tone="off">${plan.enabled ? "over" : "off"}<//>`}</td>
        <td>${plan.by}</td><td>${plan.last_order ? html`<a href=${orderPath(plan.last_order)}>${plan.last_order}</a>` : ""}</td>
        <td class="actions"><${Only} role="operator">${(plan.next || !plan.enabled) && html`<button type="button" onClick=${() => change(plan)}>${plan.enabled ? "Switch off" : "Switch on"}</button>`}
          <button type="button" onClick=${() => setLeaving(plan)}>Remove…</button><//></td></tr>`)}</tbody><//>`}
    ${outcome}
    ${leaving && html`<${Confirm} title=${`Remove ${leaving.name}`} verb="Remove the plan" act=${() => remove(`/api/v1/plans/${leaving.id}`).then(() => read.again())} onClose=${() => setLeaving(null)}>
      <p>What it has ordered goes on, and is not brought back.</p><//>`}
  </section>`;
}

/* "Pause 5 miners", "Pause all of group row 3". */
function whatWords({ verb, miners, where }) {
  const label = VERBS[verb]?.label ?? capital(verb);
  if (miners) return `${label} ${count(miners.length, "miner")}`;
  const parts = Object.entries(where ?? {}).map(([name, value]) => `${name} ${value}`);
  return `${label} ${parts.length ? `all of ${parts.join(", ")}` : "all miners"}`;
}

/* A schedule as the server has it, in words; a time in full is the reader's own. */
function whenWords(when) {
  if (when.from) return `${when.days.length === DAYS.length ? "every day" : when.days.join(", ")} ${when.from}${when.to ? ` to ${when.to}` : ""}`;
  return `${exact(stamp(when.at))}${when.until ? ` until ${exact(stamp(when.until))}` : ""}`;
}
