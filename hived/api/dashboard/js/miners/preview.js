/* What an order would do, before it is given: its effect, whose miners it would ask, and who is left out and why. */
import { post } from "../lib/api.js";
import { count, known, number, own } from "../lib/format.js";
import { html, useEffect, useRef, useState } from "../lib/html.js";
import { may, session } from "../lib/session.js";
import { ManageThem } from "./bulk.js";
import { capital, effectWords, VERBS } from "./verbs.js";

const TYPED_MS = 400; // what is still being typed is not asked for
const NAMED = 100; // miners

/* What an order that is posted there would do, asked again whenever it changes, or by `again`: {order, error, busy, again}.
   Null asks nothing. */
export function usePreview(path, body) {
  const [state, setState] = useState({ order: null, error: null, busy: false });
  const [round, setRound] = useState(0);
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
        const order = await post(path, { ...JSON.parse(text), dry_run: true });
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
  }, [path, text, round]);
  return { ...state, again: () => setRound((n) => n + 1) };
}

/* Those that an order asks, without those that are left out. */
export const takenOf = (order) => order?.targets.filter((target) => target.state !== "skipped") ?? [];

/* `children`: what is said while there is nothing to ask about. */
export function Preview({ preview, children }) {
  const { order, error, busy } = preview;
  return html`<div class="preview" role="status" aria-busy=${busy}>
    ${error && html`<${Impossible} error=${error} />`}
    ${children}
    ${busy && !order && !error && html`<p class="muted">Asking what it would do…</p>`}
    ${order && html`<${Effect} order=${order} again=${preview.again} />`}
  </div>`;
}

function Effect({ order, again }) {
  const taken = takenOf(order);
  const left = order.targets.length - taken.length;
  const words = [taken.length > 0 && expectedWords(order), left > 0 && `${number(left)} left out`].filter(Boolean).join(", ");
  return html`<p class="effect">${taken.length ? capital(order.words) : "Nothing to do"}${words ? html`: <b>${words}</b>` : ""}</p>
    ${taken.length > 1 && html`<details class="asked"><summary>Which: <b>${count(taken.length, "miner")}</b></summary><${Names} targets=${taken} /></details>`}
    ${order.warnings.map((line) => html`<p class="tone-warn" key=${line}>${capital(line)}.</p>`)}
    ${(order.warnings ?? []).map((words) => html`<p key=${words} class="tone-warn warning">${capital(words)}.</p>`)}
    <${LeftOut} targets=${order.targets} again=${again} />`;
}

/* The change of power; of what stops miners for a while, that it comes back. */
export function expectedWords({ verb, effect }) {
  if (own(VERBS, verb)?.pauses) return "power drops while they restart, and comes back";
  return effectWords(effect) || (known(effect.power_w) ? "no change of power expected" : "nobody can tell how much power that changes");
}

/* Why the server would not take it, with the way on where that is a page of this one. */
function Impossible({ error }) {
  const toPools = html`<a href="/site">Site, Pools</a>`;
  if (error.code === "confirm_password") {
    return html`<p class="tone-bad">Not possible: no pool is allowed yet. ${may("admin") ? html`First allow those of this site: ${toPools}.` : html`An admin allows those of this site: ${toPools}.`}${
      session.local ? " Or log in as a user who is an admin: without a list it takes a password, and the login by link has none." : ""}</p>`;
  }
  return html`<p class="tone-bad">Not possible: ${error.message}.${error.code === "pool_not_allowed" ? html` ${toPools}.` : ""}</p>`;
}

/* Who is left out, by reason: the words are the server's. */
function LeftOut({ targets, again }) {
  const reasons = new Map();
  for (const target of targets) {
    if (target.state !== "skipped") continue;
    const words = target.reason_words ?? target.reason;
    reasons.set(words, [...(reasons.get(words) ?? []), target]);
  }
  if (reasons.size === 0) return "";
  const sorted = [...reasons].sort(([, a], [, b]) => b.length - a.length);
  return html`<div class="leftout"><h3 id="leftout">Left out</h3><ul aria-labelledby="leftout">${sorted.map(([words, found]) => html`<li key=${words}><details><summary>${capital(words)}: <b>${count(found.length, "miner")}</b></summary>
    <${Names} targets=${found} /></details>${found[0].reason === "not_managed" && may("operator") && html`<${ManageThem} ids=${found.map(({ id }) => id)} onDone=${again} />`}</li>`)}</ul></div>`;
}

function Names({ targets }) {
  return html`<p class="small">${targets.slice(0, NAMED).map((target) => target.name ?? target.id).join(", ")}${targets.length > NAMED ? ` and ${number(targets.length - NAMED)} more` : ""}</p>`;
}

/* For an order that is only given to somebody who shows the own password: the server says when. */
export function PasswordAgain({ onChange }) {
  return html`<label>Your password again, for no pool is allowed yet <input type="password" name="again" required autocomplete="current-password" onInput=${(event) => onChange(event.target.value)} /></label>`;
}
