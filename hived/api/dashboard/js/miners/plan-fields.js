/* The fields that make a plan of an order: now until a time, once, or every week. */
import { html } from "../lib/html.js";
import { now } from "../lib/live.js";
import { BoxClock, DAYS, Days, localField, momentOf, wallOf, WallTime } from "../lib/times.js";

const KINDS = { __proto__: null, weekly: "Every week", once: "Once", now: "Now, until" };
const HOUR_MS = 3600000;

const first = () => ({ kind: "weekly", name: "", days: DAYS, from: "", to: "", at: localField(now() + HOUR_MS), until: "" });

/* `undo`: whether what is ordered can be brought back. Null: the order is given now, for good. */
export function PlanFields({ plan, undo, onChange }) {
  const change = (changes) => onChange({ ...first(), ...plan, ...changes });
  const kinds = Object.entries(KINDS).filter(([kind]) => undo || kind !== "now");
  return html`<details class="advanced" onToggle=${(event) => (event.target.open ? change({}) : onChange(null))}><summary>By the clock</summary>
    ${plan && html`<label>Name <input name="plan" required maxlength="100" autocomplete="off" value=${plan.name} onInput=${(event) => change({ name: event.target.value })} /></label>
    <div class="ways" role="group" aria-label="When">${kinds.map(([kind, words]) => html`<label key=${kind} class="tick"><input type="radio" name="kind" value=${kind} checked=${plan.kind === kind} onChange=${() => change({ kind })} /> ${words}</label>`)}</div>
    ${plan.kind === "weekly" ? html`<${Weekly} plan=${plan} undo=${undo} change=${change} />` : html`<${Moments} plan=${plan} undo=${undo} change=${change} />`}
    ${undo && plan.kind !== "now" && !endOf(plan) && html`<p class="small tone-warn noway">Without an end nothing brings it back: it stays so until somebody gives another order.</p>`}`}
  </details>`;
}

const endOf = ({ kind, to, until }) => (kind === "weekly" ? to : until);

function Weekly({ plan, undo, change }) {
  return html`<div class="pace"><${WallTime} label="From" name="from" required value=${plan.from} onChange=${(from) => change({ from })} />
      ${undo && html`<${WallTime} label="Brought back at" name="to" value=${plan.to} onChange=${(to) => change({ to })} />`}</div>
    <${Days} days=${plan.days} onChange=${(days) => change({ days })} /><${BoxClock} />`;
}

function Moments({ plan, undo, change }) {
  const isNow = plan.kind === "now";
  return html`<div class="pace dates">${!isNow && html`<label>At <input type="datetime-local" name="at" required value=${plan.at} onInput=${(event) => change({ at: event.target.value })} /></label>`}
    ${undo && html`<label>Brought back at <input type="datetime-local" name="until" required=${isNow} value=${plan.until} onInput=${(event) => change({ until: event.target.value })} /></label>`}</div>
    <p class="small muted">In your own time.</p>`;
}

export function isReady({ kind, days, until }) {
  return kind === "weekly" ? days.length > 0 : kind === "once" || until !== "";
}

/* Where a plan is sent, and its body. */
export function planCall({ kind, name, days, from, to, at, until }, order) {
  const end = until ? { until: momentOf(until) } : {};
  if (kind === "now") return ["/api/v1/plans/storm", { name, ...end, order }];
  const when = kind === "once" ? { at: momentOf(at), ...end } : { days, from: wallOf(from), ...(to ? { to: wallOf(to) } : {}) };
  return ["/api/v1/plans", { name, when, order }];
}
