/* One order: how far it is, and what became of each miner. */
import { post } from "../lib/api.js";
import { Dialog, useAct } from "../lib/dialog.js";
import { count, number, own, percentOf, stamp, UNKNOWN } from "../lib/format.js";
import { html, useState } from "../lib/html.js";
import { live } from "../lib/live.js";
import { go, minerPath } from "../lib/router.js";
import { Only } from "../lib/session.js";
import { Badge, Pending, Table, useRead, useTitle, When } from "../lib/ui.js";
import { expectedWords, PasswordAgain, Preview, takenOf, usePreview } from "./preview.js";
import { capital, durationWords, poolsWords, seenWords } from "./verbs.js";

const EVERY_MS = 2000;
const MANY = 500; // miners: their lines take long to read, and so does the whole order
const MANY_MS = 10000;
const LINES = 200;

const ORDER_TONES = { __proto__: null, running: "tune", done: "good", cancelled: "off", stopped: "bad", expired: "warn" };
const TONES = { __proto__: null, running: "tune", pending: "idle", refused: "bad", unconfirmed: "warn", confirmed: "good", skipped: "off", cancelled: "off", expired: "warn" };

export const orderPath = (id) => `/orders/${id}`;

/* What is done is well only where every miner followed. */
export function orderTone({ state, counts }) {
  const missed = state === "done" && (counts.unconfirmed > 0 || counts.refused > 0);
  return missed ? "warn" : (own(ORDER_TONES, state) ?? "idle");
}

const inOrder = (counts) => Object.keys(TONES).filter((state) => counts?.[state] > 0);

export function countWords(counts) {
  return inOrder(counts).map((state) => `${number(counts[state])} ${state}`).join(", ") || UNKNOWN;
}

export function OrderPage({ arg }) {
  const [pause, setPause] = useState(EVERY_MS);
  const read = useRead(`/api/v1/orders/${arg}`, { everyMs: pause });
  const order = read.data;
  const wanted = order && order.state !== "running" ? null : order?.targets.length > MANY ? MANY_MS : EVERY_MS;
  if (wanted !== pause) setPause(wanted);
  useTitle(order ? capital(order.words) : `Order ${arg}`);
  if (!order) {
    return html`<section class="plain"><p class="crumbs"><a href="/orders">Orders</a> ›</p><h1 tabindex="-1">Order ${arg}</h1>
      ${read.error?.status === 404 ? html`<p>There is no such order. The oldest ones are not kept.</p>` : html`<${Pending} read=${read} what="The order" />`}</section>`;
  }
  return html`<${Head} order=${order} again=${read.again} />
    ${read.error && html`<p class="note tone-warn" role="alert">This page could not be read again: ${read.error.message}. It shows what was known before.</p>`}
    <${Progress} key=${order.id} order=${order} />`;
}

function Head({ order, again }) {
  const [undoing, setUndoing] = useState(false);
  const [state, act] = useAct();
  const cancel = () => act(async () => {
    await post(`/api/v1/orders/${order.id}/cancel`, {});
    await again();
  });
  const { size, interval_seconds: pause } = order.packet;
  const stopped = order.state === "stopped" ? order.targets.find((target) => target.reason === "stopped")?.reason_words : null;
  const facts = [
    ["Order", number(order.id)],
    ["By", html`${order.by}${order.via ? html` <span class="muted">${order.via}</span>` : ""}`],
    ["Given", html`<${When} ms=${stamp(order.created_at)} />`],
    ["Expected", expectedWords(order)],
    ["Pace", `${number(size)} at a time, ${number(pause)} s apart`],
    ...(order.finished_at ? [["Ended", html`<${When} ms=${stamp(order.finished_at)} />`]] : [["Expires", untilWords(stamp(order.expires_at))]]),
    ...(order.cancelled_by ? [["Cancelled by", order.cancelled_by]] : []),
    ...(order.undo_of ? [["Undoes", html`<a href=${orderPath(order.undo_of)}>order ${number(order.undo_of)}</a>`]] : []),
    ...(order.force ? [["Forced", "yes"]] : []),
  ];
  return html`<section class="head"><p class="crumbs"><a href="/orders">Orders</a> ›</p>
    <div class="pagehead"><h1 tabindex="-1">${capital(order.words)}</h1>
      <${Badge} tone=${orderTone(order)}>${order.state}<//>
      <${Only} role="operator"><span class="pageactions">
        ${order.state === "running" && html`<button type="button" class="cancel" disabled=${state.busy} onClick=${cancel}>Cancel</button>`}
        ${order.can_undo && html`<button type="button" class="undo" onClick=${() => setUndoing(true)}>Undo…</button>`}</span><//>
    </div>
    ${stopped && html`<p class="note tone-bad">${capital(stopped)}.</p>`}
    ${state.error && html`<p class="tone-bad" role="alert">Not cancelled: ${state.error}.</p>`}
    <dl class="facts">${facts.map(([name, value]) => html`<div key=${name}><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>
    ${order.args.pools && html`<p class="small quote">${poolsWords(order.args.pools)}</p>`}
    ${undoing && html`<${Undo} order=${order} onClose=${() => setUndoing(false)} />`}
  </section>`;
}

/* Before an order is undone: what that would do, as of any other order. */
function Undo({ order, onClose }) {
  const path = `/api/v1/orders/${order.id}/undo`;
  const preview = usePreview(path, {});
  const [password, setPassword] = useState("");
  const [state, act] = useAct();
  const back = preview.order;
  const taken = takenOf(back);
  const send = async (event) => {
    event.preventDefault();
    await act(async () => go(orderPath((await post(path, back.needs_password ? { password } : {})).id)));
  };
  return html`<${Dialog} title=${`Undo order ${order.id}`} wide onClose=${onClose}><form class="order" onSubmit=${send}>
    <p class="muted">What it changed is brought back, miner by miner, to how it was before${order.state === "running" ? "; what it has not begun is cancelled" : ""}. That is an order of its own.</p>
    <${Preview} preview=${preview} />
    ${back?.needs_password && html`<${PasswordAgain} onChange=${setPassword} />`}
    <div role="alert">${state.error && html`<p class="tone-bad">Not given: ${state.error}.</p>`}</div>
    <p class="buttons"><button type="button" autofocus onClick=${onClose}>Close</button>
      <button type="submit" class="danger" disabled=${!taken.length || state.busy}>${!back ? "Undo" : taken.length ? capital(back.words) : "Nothing to do"}</button></p>
  </form><//>`;
}

function untilWords(ms) {
  const seconds = ms === null ? null : (ms - Date.now() - live.skew) / 1000;
  return seconds === null ? UNKNOWN : seconds <= 0 ? "now" : durationWords(seconds).replace("takes about", "in");
}

/* A bar for each state, which shows its miners alone when it is pressed; and a line for each miner. */
function Progress({ order }) {
  const [state, setState] = useState(null);
  const [lines, setLines] = useState(LINES);
  const total = order.targets.length;
  const found = state && order.counts[state] ? order.targets.filter((target) => target.state === state) : order.targets;
  return html`<section aria-labelledby="miners"><h2 id="miners">Miners</h2><p class="hidden" role="status">${countWords(order.counts)}</p>
    <div class="progress" role="group" aria-label="Filter by state">${inOrder(order.counts).map((one) => html`<button type="button" key=${one} data-state=${one} class="tone-${TONES[one]}" aria-pressed=${one === state ? "true" : "false"} onClick=${() => setState(one === state ? null : one)}>
      <span><b>${number(order.counts[one])}</b> ${one}</span><span class="bar"><span style=${{ width: `${percentOf(order.counts[one], total) ?? 0}%` }}></span></span></button>`)}</div>
    <${Table} of="miners" kind="stacked targets" head=${["Miner", "State", "Why", "Before", "After", "Since"]}><tbody>${found.slice(0, lines).map((target) => html`<${Line} key=${target.id} verb=${order.verb} target=${target} />`)}</tbody><//>
    ${found.length > lines && html`<p class="center"><button type="button" onClick=${() => setLines(lines + LINES)}>${count(found.length - lines, "more miner")}</button></p>`}
  </section>`;
}

function Line({ verb, target }) {
  return html`<tr data-mac=${target.id}><th scope="row"><a href=${minerPath(target.id)} title=${target.id}>${target.name ?? target.id}</a></th>
    <td class="state"><${Badge} tone=${own(TONES, target.state) ?? "idle"}>${target.state}<//></td>
    <td class="reason ${target.reason_words || target.said ? "" : "none"}">${target.reason_words}${target.said && html` <span class="muted quote" title="The miner's own words">“${target.said}”</span>`}</td>
    <td data-label="Before">${seenWords(verb, target.before)}</td><td data-label="After">${seenWords(verb, target.after)}</td>
    <td class="nowrap since"><${When} ms=${stamp(target.at)} /></td></tr>`;
}
