/* One alert: all that is in it, what it explains, and what was told of it to whom. */
import { count, exact, number, stamp } from "../lib/format.js";
import { html } from "../lib/html.js";
import { useLive } from "../lib/live.js";
import { Badge, Pending, Table, useRead, useTitle, When } from "../lib/ui.js";
import { Hand, InHand } from "./hand.js";
import { alertPath, lostWords, Severity, Who } from "./words.js";

const REREAD_MS = 10000;
const TOLD = { __proto__: null, opened: "opened", changed: "changed", repeated: "still", ended: "over" };

export function AlertPage({ arg }) {
  const { bad, warn } = useLive().alerts;
  const read = useRead(`/api/v1${alertPath(encodeURIComponent(arg))}`, { everyMs: REREAD_MS, mark: `${bad} ${warn}` });
  const alert = read.data;
  useTitle(alert ? alert.what : `Alert ${arg}`);
  if (!alert) {
    return html`<section class="plain"><p class="crumbs"><a href="/alerts">Alerts</a> ›</p><h1 tabindex="-1">Alert ${arg}</h1>
      ${read.error?.status === 404 ? html`<p>There is no such alert. Those that were over 90 days ago are not kept.</p>` : html`<${Pending} read=${read} what="The alert" />`}</section>`;
  }
  return html`<section class="head"><p class="crumbs"><a href="/alerts">Alerts</a> ›</p>
      <div class="pagehead"><h1 tabindex="-1">${alert.what}</h1>${alert.open ? html`<${Severity} value=${alert.severity} />` : html`<${Badge} tone="off">over<//>`}
        <${Hand} alert=${alert} again=${read.again} /></div>
      ${alert.next_step && html`<p class="note tone-${alert.severity}">Next: ${alert.next_step}</p>`}
      <dl class="facts">${facts(alert).map(([name, value]) => html`<div key=${name}><dt>${name}</dt><dd>${value}</dd></div>`)}</dl></section>
    <${Members} title=${alert.title} id="members" all=${alert.members} total=${alert.count} />
    ${alert.explains_count > 0 && html`<${Members} title="Explained by it" id="explains" all=${alert.explains} total=${alert.explains_count} named />`}
    <${Told} told=${alert.told} />`;
}

function facts(alert) {
  const lost = lostWords(alert);
  const hand = InHand({ alert });
  return [
    ["Where", alert.where],
    ["Since", html`<${When} ms=${stamp(alert.since)} />`],
    ...(alert.open ? [["Wrong", `${number(alert.wrong)} of ${number(alert.count)}`]] : [["Ended", html`<${When} ms=${stamp(alert.ended_at)} />`]]),
    ...(lost ? [["Lost", lost]] : []),
    ["Rule", html`<a href="/alerts?view=rules">${alert.rule}</a>`],
    ...(hand ? [["In hand", hand]] : []),
    ...(alert.under ? [["Explained by", html`<a href=${alertPath(alert.under)}>alert ${alert.under}</a>`]] : []),
  ];
}

function Members({ title, id, all, total, named = false }) {
  return html`<section aria-labelledby=${id}><h2 id=${id}>${title} <small>${number(total)}</small></h2>
    <${Table} of=${id} kind="stacked alertmembers" head=${["Who", "What", named && "Rule", "Since", "State"]}><tbody>${all.map((one) => html`<tr key=${`${one.rule} ${one.name}`}>
      <th scope="row"><${Who} member=${one} />${one.node && one.node !== one.name ? html` <span class="muted">${one.node}</span>` : ""}</th><td data-label="What" class="reason">${one.what}</td>
      ${named && html`<td data-label="Rule">${one.title}</td>`}<td data-label="Since" class="nowrap"><${When} ms=${stamp(one.since)} /></td>
      <td data-label="State">${one.back_at ? html`<${Badge} tone="good">back<//> <${When} ms=${stamp(one.back_at)} />` : html`<${Badge} tone="bad">wrong<//>`}</td></tr>`)}</tbody><//>
    ${total > all.length && html`<p class="small">and ${number(total - all.length)} more</p>`}</section>`;
}

function Told({ told }) {
  return html`<section aria-labelledby="told"><h2 id="told">Told <small>${told.length ? count(told.length, "notice") : ""}</small></h2>
    ${told.length === 0
      ? html`<p class="note muted">Nobody was told of it so far.</p>`
      : html`<div class="notices">${told.map((one) => html`<article class="card" key=${one.id}><h3><span class="muted">${TOLD[one.told] ?? one.told}</span> ${one.title} <small><${When} ms=${stamp(one.at)} /></small></h3>
          <details><summary>The whole notice</summary><pre class="notice">${one.body}</pre></details>
          <p class="deliveries">${one.deliveries.length ? one.deliveries.map((each) => html`<${Delivery} key=${each.channel} one=${each} />`) : html`<span class="muted">no channel takes it</span>`}</p></article>`)}</div>`}
  </section>`;
}

function Delivery({ one }) {
  if (one.sent_at) return html`<${Badge} tone="good" title=${exact(stamp(one.sent_at))}>${one.channel}<//> `;
  if (one.given_up) return html`<${Badge} tone="bad" title=${`given up after ${count(one.attempts, "attempt")}`}>${one.channel}: given up<//> `;
  const words = one.attempts ? `not arrived, ${count(one.attempts, "attempt")}; again ${exact(stamp(one.next_try_at))}` : "on its way";
  return html`<${Badge} tone=${one.attempts ? "warn" : "idle"} title=${words}>${one.channel}: ${one.attempts ? "not arrived" : "on its way"}<//> `;
}
