/* To take an alert in hand, or to hear no more of it for a while. */
import { post } from "../lib/api.js";
import { FormDialog, useAct } from "../lib/dialog.js";
import { exact, stamp } from "../lib/format.js";
import { html, useState } from "../lib/html.js";
import { now } from "../lib/live.js";
import { Only } from "../lib/session.js";
import { When } from "../lib/ui.js";
import { alertPath } from "./words.js";

const SPANS = [[3600, "an hour"], [4 * 3600, "four hours"], [12 * 3600, "twelve hours"], [86400, "a day"], [7 * 86400, "a week"]];

/* Buttons of an open alert. `again` reads anew what shows it. */
export function Hand({ alert, again }) {
  const [state, act] = useAct();
  const [asked, setAsked] = useState(false);
  if (!alert.open) return "";
  const take = () => act(async () => {
    await post(`/api/v1${alertPath(alert.id)}/acknowledge`, {});
    await again();
  });
  return html`<${Only} role="operator"><span class="pageactions">
      ${!alert.acknowledged_at && html`<button type="button" class="acknowledge" disabled=${state.busy} title="From now on only its end is told" onClick=${take}>Acknowledge</button>`}
      ${!alert.acknowledged_at && html`<button type="button" class="snooze" onClick=${() => setAsked(true)}>Snooze…</button>`}</span>
    ${state.error && html`<p class="tone-bad" role="alert">Not done: ${state.error}.</p>`}
    ${asked && html`<${Snooze} alert=${alert} again=${again} onClose=${() => setAsked(false)} />`}<//>`;
}

function Snooze({ alert, again, onClose }) {
  const [seconds, setSeconds] = useState(SPANS[0][0]);
  const act = async () => {
    await post(`/api/v1${alertPath(alert.id)}/snooze`, { seconds });
    await again();
  };
  return html`<${FormDialog} title="Snooze this alert" verb="Snooze" act=${act} onClose=${onClose}>
    <p class="words">${alert.what}</p>
    <label>For <select name="seconds" onChange=${(event) => setSeconds(Number(event.target.value))}>
      ${SPANS.map(([value, words]) => html`<option key=${value} value=${value} selected=${value === seconds}>${words}</option>`)}</select></label>
    <p class="small">Nothing of it is told until then, but its end.</p><//>`;
}

/* Who has an alert in hand, and until when it sleeps; empty when nobody. */
export function InHand({ alert }) {
  if (alert.acknowledged_at) return html`<span class="muted">in the hands of <b>${alert.acknowledged_by}</b> since <${When} ms=${stamp(alert.acknowledged_at)} /></span>`;
  const until = stamp(alert.snoozed_until);
  return alert.open && until !== null && until > now() ? html`<span class="muted">snoozed by <b>${alert.snoozed_by}</b> until ${exact(until)}</span>` : "";
}
