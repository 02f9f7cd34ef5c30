/* Before an order is given: what it would do, who is left out and why, and how fast it goes. */
import { post } from "../lib/api.js";
import { Dialog, useAct } from "../lib/dialog.js";
import { count } from "../lib/format.js";
import { html, useMemo, useState } from "../lib/html.js";
import { live } from "../lib/live.js";
import { NumberField } from "../lib/number-field.js";
import { go } from "../lib/router.js";
import { may } from "../lib/session.js";
import { isReady, planCall, PlanFields } from "./plan-fields.js";
import { PasswordAgain, Preview, takenOf, usePreview } from "./preview.js";
import { capital, duration, durationWords, VERBS } from "./verbs.js";

/* A name for an order that is the same however often it is sent; of 16 random bytes, for a page without TLS has no UUIDs. */
function newKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/* `ids`: the miners. `there`: the pools of the one miner, for an order for pools. `why`: what brought the reader here. */
export function OrderDialog({ verb, ids, there, why, onClose, onGiven = () => {} }) {
  const { label, form, danger, args: first = {} } = VERBS[verb];
  const [args, setArgs] = useState(first);
  const [force, setForce] = useState(false);
  const [packet, setPacket] = useState(null); // as the reader wants it, else as the server says
  const [password, setPassword] = useState("");
  const [plan, setPlan] = useState(null);
  const key = useMemo(newKey, [args, force, packet]);
  const preview = usePreview("/api/v1/orders", args && { verb, miners: ids, args, force });
  const [state, act] = useAct();
  const rows = useMemo(() => ids.map((id) => live.rows.get(id)).filter(Boolean), [ids]);
  const { order } = preview;
  const taken = takenOf(order);
  const used = packet ?? order?.packet;
  const send = async (event) => {
    event.preventDefault();
    await act(async () => {
      if (plan) {
        const [path, body] = planCall(plan, { verb, miners: ids, args, ...(packet ? { packet } : {}) });
        const { id } = await post(path, body);
        onGiven();
        onClose();
        go(plan.kind === "now" ? `/orders/${id}` : "/orders");
        return;
      }
      const body = { verb, miners: ids, args, force, key, ...(packet ? { packet } : {}), ...(order.needs_password ? { password } : {}) };
      const { id } = await post("/api/v1/orders", body);
      onGiven();
      onClose();
      go(`/orders/${id}`);
    });
  };
  const ready = order && !preview.busy && (plan ? isReady(plan) : taken.length > 0) && (!packet || (packet.size >= 1 && packet.interval_seconds >= 0));
  return html`<${Dialog} title=${ids.length === 1 ? `${label} - ${rows[0]?.last_ip ?? ids[0]}` : label} wide onClose=${onClose}><form class="order" onSubmit=${send}>
    ${why && html`<p class="note tone-warn">${why}</p>`}
    ${form && html`<${form} rows=${rows} args=${args} there=${there} onChange=${setArgs} />`}
    <${Preview} preview=${preview}>${!args && ids.length > 1 && html`<p class="muted">${count(ids.length, "miner")} selected.</p>`}<//>
    ${order?.needs_password && html`<${PasswordAgain} onChange=${setPassword} />`}
    ${used && html`<${Pace} used=${used} taken=${taken} onChange=${setPacket} force=${force} onForce=${setForce} />`}
    ${order && !VERBS[verb].unplanned && html`<${PlanFields} plan=${plan} undo=${!VERBS[verb].final} onChange=${setPlan} />`}
    <div role="alert">${state.error && html`<p class="tone-bad">Not given: ${state.error}.</p>`}</div>
    <p class="buttons"><button type="button" autofocus=${danger && !form} onClick=${onClose}>Close</button>
      <button type="submit" class=${danger ? "danger" : "primary"} disabled=${!ready || state.busy}>${!order ? label : plan && plan.kind !== "now" ? "Make the plan" : taken.length ? capital(order.words) : "Nothing to do"}</button></p>
  </form><//>`;
}

function paceWords(used, groups) {
  const seconds = duration([...groups.values()], used);
  if (seconds === 0) return "All at once";
  return `${used.size} at a time${groups.size > 1 ? " in each group" : ""}, ${used.interval_seconds} s apart: ${durationWords(seconds) || "not possible"}`;
}

/* How many at a time, and what that means for how long it takes. */
function Pace({ used, taken, onChange, force, onForce }) {
  const groups = useMemo(() => {
    const sizes = new Map();
    for (const { id } of taken) {
      const group = live.rows.get(id)?.group ?? null;
      sizes.set(group, (sizes.get(group) ?? 0) + 1);
    }
    return sizes;
  }, [taken.map(({ id }) => id).join()]);
  const { size, interval_seconds: pause } = used;
  const change = (changes) => onChange({ ...used, ...changes });
  const several = taken.length > 1;
  if (!several && !may("admin")) return "";
  return html`<details class="advanced"><summary>${several ? paceWords(used, groups) : "More"}</summary>
    ${several && html`<div class="pace">
      <${NumberField} label="Miners at a time" name="size" low=${1} high=${1000} value=${size} onChange=${(found) => change({ size: found ?? NaN })} />
      <${NumberField} label="Seconds between" name="interval" low=${0} high=${3600} whole=${false} value=${pause} onChange=${(found) => change({ interval_seconds: found ?? NaN })} /></div>`}
    ${may("admin") && html`<label class="tick"><input type="checkbox" name="force" checked=${force} onChange=${(event) => onForce(event.target.checked)} /> Force: also while it settles or was rebooted often</label>`}
  </details>`;
}
