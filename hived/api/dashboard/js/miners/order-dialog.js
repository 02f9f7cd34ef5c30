/* Before an order is given: what it would do, who is left out and why, and how fast it goes. */
import { post } from "../lib/api.js";
import { Dialog, useAct } from "../lib/dialog.js";
import { count, number } from "../lib/format.js";
import { html, useEffect, useMemo, useRef, useState } from "../lib/html.js";
import { live } from "../lib/live.js";
import { go } from "../lib/router.js";
import { may } from "../lib/session.js";
import { PlanFields, planBody } from "./plans.js";
import { capital, duration, durationWords, effectWords, VERBS } from "./verbs.js";

const TYPED_MS = 400; // what is still being typed is not asked for

/* A name for an order that is the same however often it is sent; of 16 random bytes, for a page without TLS has no UUIDs. */
function newKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/* For an order that is only given to somebody who shows the own password: the server says when. */
export function PasswordAgain({ onChange }) {
  return html`<label>Your password again, for no pool is allowed yet <input type="password" name="again" required autocomplete="current-password" onInput=${(event) => onChange(event.target.value)} /></label>`;
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
  const preview = usePreview(args && { verb, miners: ids, args, force });
  const [state, act] = useAct();
  const rows = useMemo(() => ids.map((id) => live.rows.get(id)).filter(Boolean), [ids]);
  const { order } = preview;
  const taken = order?.targets.filter((target) => target.state !== "skipped") ?? [];
  const used = packet ?? order?.packet;
  const send = async (event) => {
    event.preventDefault();
    await act(async () => {
      if (plan) {
        await post("/api/v1/plans", planBody(plan, { verb, miners: ids, args, ...(packet ? { packet } : {}) }));
        onGiven();
        onClose();
        go("/orders");
        return;
      }
      const body = { verb, miners: ids, args, force, key, ...(packet ? { packet } : {}), ...(order.needs_password ? { password } : {}) };
      const { id } = await post("/api/v1/orders", body);
      onGiven();
      onClose();
      go(`/orders/${id}`);
    });
  };
  const ready = order && !preview.busy && (plan ? plan.days.length > 0 : taken.length > 0) && (!packet || (packet.size >= 1 && packet.interval_seconds >= 0));
  return html`<${Dialog} title=${ids.length === 1 ? `${label} - ${rows[0]?.last_ip ?? ids[0]}` : label} wide onClose=${onClose}><form class="order" onSubmit=${send}>
    ${why && html`<p class="note tone-warn">${why}</p>`}
    ${form && html`<${form} rows=${rows} args=${args} there=${there} onChange=${setArgs} />`}
    <div class="preview" role="status" aria-busy=${preview.busy}>
      ${preview.error && html`<p class="tone-bad">Not possible: ${preview.error.message}.</p>`}
      ${!args && ids.length > 1 && html`<p class="muted">${count(ids.length, "miner")} selected.</p>`}
      ${args && !order && !preview.error && html`<p class="muted">Asking what it would do…</p>`}
      ${order && html`<p class="effect">${taken.length ? capital(order.words) : "Nothing to do"}: <b>${
        [effectWords(order.effect), order.targets.length > taken.length && `${number(order.targets.length - taken.length)} left out`].filter(Boolean).join(", ") || "no change of power expected"}</b></p>
        <${LeftOut} targets=${order.targets} />`}
    </div>
    ${order?.needs_password && html`<${PasswordAgain} onChange=${setPassword} />`}
    ${used && html`<${Pace} used=${used} taken=${taken} onChange=${setPacket} force=${force} onForce=${setForce} />`}
    ${order && !order.needs_password && html`<${PlanFields} plan=${plan} onChange=${setPlan} />`}
    <div role="alert">${state.error && html`<p class="tone-bad">Not given: ${state.error}.</p>`}</div>
    <p class="buttons"><button type="button" autofocus=${danger && !form} onClick=${onClose}>Close</button>
      <button type="submit" class=${danger ? "danger" : "primary"} disabled=${!ready || state.busy}>${!order ? `${label}…` : plan ? "Make the plan" : taken.length ? capital(order.words) : "Nothing to do"}</button></p>
  </form><//>`;
}

/* What an order would do, asked again whenever it changes: {order, error, busy}. Null asks nothing. */
function usePreview(body) {
  const [state, setState] = useState({ order: null, error: null, busy: false });
  const text = body && JSON.stringify(body);
  const begun = useRef(false);
  useEffect(() => {
    if (!text) {
      setState({ order: null, error: null, busy: false });
      return undefined;
    }
    let wanted = true;
    setState((old) => ({ ...old, busy: true }));
    const ask = async () => {
      try {
        const order = await post("/api/v1/orders", { ...JSON.parse(text), dry_run: true });
        if (wanted) setState({ order, error: null, busy: false });
      } catch (error) {
        if (wanted) setState({ order: null, error, busy: false });
      }
    };
    const timer = setTimeout(ask, begun.current ? TYPED_MS : 0);
    begun.current = true;
    return () => {
      wanted = false;
      clearTimeout(timer);
    };
  }, [text]);
  return state;
}

/* Who is left out, by reason: the words are the server's. */
function LeftOut({ targets }) {
  const reasons = new Map();
  for (const target of targets) {
    if (target.state !== "skipped") continue;
    const words = target.reason_words ?? target.reason;
    reasons.set(words, [...(reasons.get(words) ?? []), target]);
  }
  if (reasons.size === 0) return "";
  const sorted = [...reasons].sort(([, a], [, b]) => b.length - a.length);
  return html`<div class="leftout"><h3 id="leftout">Left out</h3><ul aria-labelledby="leftout">${sorted.map(([words, found]) => html`<li key=${words}><details><summary>${capital(words)}: <b>${count(found.length, "miner")}</b></summary>
    <p class="small">${found.slice(0, 100).map((target) => target.name ?? target.id).join(", ")}${found.length > 100 ? ` and ${number(found.length - 100)} more` : ""}</p></details></li>`)}</ul></div>`;
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
  const whole = (event) => (event.target.value === "" ? NaN : Number(event.target.value));
  const several = taken.length > 1;
  if (!several && !may("admin")) return "";
  return html`<details class="advanced"><summary>${several
      ? `${size} at a time${groups.size > 1 ? " in each group" : ""}, ${pause} s apart: ${durationWords(duration([...groups.values()], used)) || "not possible"}`
      : "More"}</summary>
    ${several && html`<div class="pace">
      <label>Miners at a time <input type="number" name="size" min="1" max="1000" step="1" required value=${size} onInput=${(event) => change({ size: whole(event) })} /></label>
      <label>Seconds between <input type="number" name="interval" min="0" max="3600" step="any" required value=${pause} onInput=${(event) => change({ interval_seconds: whole(event) })} /></label></div>`}
    ${may("admin") && html`<label class="tick"><input type="checkbox" name="force" checked=${force} onChange=${(event) => onForce(event.target.checked)} /> Force: also while it settles or was rebooted often</label>`}
  </details>`;
}
