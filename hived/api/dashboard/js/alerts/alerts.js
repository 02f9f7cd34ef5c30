/* Alerts: what is open with what it explains, what is over; and behind tabs what decides who is told of what. */
import { number, span, stamp } from "../lib/format.js";
import { html, useEffect } from "../lib/html.js";
import { useLive, useNow } from "../lib/live.js";
import { Paged, usePaged } from "../lib/paged.js";
import { may, useSession } from "../lib/session.js";
import { Pending, Table, useRead, When } from "../lib/ui.js";
import { Channels } from "./channels.js";
import { Hand, InHand } from "./hand.js";
import { Rules } from "./rules.js";
import { Windows } from "./windows.js";
import { alertPath, lostWords, Severity, Who } from "./words.js";

const REREAD_MS = 10000;
const PAGE = 25;

const VIEWS = [
  { name: "", words: "Alerts", shows: Now },
  { name: "rules", words: "Rules", shows: Rules },
  { name: "windows", words: "Maintenance", shows: Windows },
  { name: "channels", words: "Channels", shows: Channels, role: "admin" },
];

export function AlertsPage({ query }) {
  useSession();
  const views = VIEWS.filter(({ role }) => !role || may(role));
  const view = views.find(({ name }) => name === (query.get("view") ?? "")) ?? views[0];
  return html`<div class="pagehead"><h1 tabindex="-1">Alerts</h1>
      <nav class="tabs" aria-label="Of alerts">${views.map((one) => html`<a key=${one.name} href=${one.name ? `/alerts?view=${one.name}` : "/alerts"} aria-current=${one === view ? "page" : undefined}>${one.words}</a>`)}</nav></div>
    <${Alertd} /><${view.shows} />`;
}

/* Nobody is told anything while the daemon does not run. */
function Alertd() {
  const read = useRead("/api/v1/daemons", { everyMs: 30000 });
  const alertd = read.data?.find((one) => one.name === "hive-alertd");
  if (!read.data || alertd?.alive) return "";
  return html`<p class="note tone-bad" role="alert">hive-alertd ${alertd ? "is not running" : "has never run"}: nobody is told anything, and what is here may be old. <span class="muted">Next: systemctl start hive-alertd</span></p>`;
}

function Now() {
  const { bad, warn } = useLive().alerts;
  const read = useRead("/api/v1/alerts?state=open", { everyMs: REREAD_MS, mark: `${bad} ${warn}` });
  return html`<section aria-labelledby="open"><h2 id="open">Open <small>${read.data?.length ? number(read.data.length) : ""}</small></h2>
      ${!read.data
        ? html`<${Pending} read=${read} what="Alerts" />`
        : read.data.length === 0
          ? html`<p class="note tone-good" role="status">Nothing is wrong that a rule would tell of.</p>`
          : html`<div class="alerts">${read.data.map((alert) => html`<${Card} key=${alert.id} alert=${alert} again=${read.again} />`)}</div>`}
    </section><${Past} mark=${`${bad} ${warn}`} />`;
}

function Card({ alert, again }) {
  const lost = lostWords(alert);
  return html`<article class="card alert tone-row-${alert.severity} ${alert.quiet ? "inhand" : ""}" data-alert=${alert.id}>
    <div class="alerthead"><${Severity} value=${alert.severity} /><h3><a href=${alertPath(alert.id)}>${alert.what}</a></h3><${Hand} alert=${alert} again=${again} /></div>
    <p class="where">${alert.where}</p>
    <p class="figures"><span>since <b><${Since} ms=${stamp(alert.since)} /></b></span>${lost && html`<span>lost: <b>${lost}</b></span>`}<${InHand} alert=${alert} /></p>
    ${alert.next_step && html`<p class="next"><span class="muted">Next:</span> ${alert.next_step}</p>`}
    <${Explained} alert=${alert} />
  </article>`;
}

function Since({ ms }) {
  const nowMs = useNow();
  return html`<time title=${new Date(ms).toLocaleString()} datetime=${new Date(ms).toISOString()}>${span((nowMs - ms) / 1000)}</time>`;
}

/* What is wrong because of an alert, and is told of nowhere else. */
export function Explained({ alert }) {
  if (!alert.explains_count) return "";
  const more = alert.explains_count - alert.explains.length;
  return html`<details class="explains"><summary>It explains <b>${number(alert.explains_count)}</b> more</summary>
    <ul>${alert.explains.map((one) => html`<li key=${`${one.rule} ${one.name}`}><${Who} member=${one} />: ${one.what} <span class="muted">${one.title.toLowerCase()}</span></li>`)}</ul>
    ${more > 0 && html`<p class="small"><a href=${alertPath(alert.id)}>${number(more)} more</a></p>`}</details>`;
}

function Past({ mark }) {
  const read = usePaged("/api/v1/alerts", { state: "over" }, PAGE);
  useEffect(() => {
    if (read.items) read.refresh();
  }, [mark]);
  return html`<section aria-labelledby="over"><h2 id="over">Over</h2>
    <${Paged} read=${read} what="Past alerts" none="No alert was over so far." older="Older alerts">
      ${read.items?.length > 0 && html`<${Table} of="over" kind="stacked past" head=${["Ended", "Severity", "What", "Lost", "Told"]}><tbody>${read.items.map((alert) => html`<tr key=${alert.id}>
        <td data-label="Ended" class="nowrap"><${When} ms=${stamp(alert.ended_at)} /></td><td data-label="Severity"><${Severity} value=${alert.severity} /></td>
        <th scope="row"><a href=${alertPath(alert.id)}>${alert.what}</a>${alert.under ? html` <span class="muted">explained by <a href=${alertPath(alert.under)}>alert ${alert.under}</a></span>` : ""}</th>
        <td data-label="Lost" class="nowrap">${lostWords(alert)}</td><td data-label="Told">${alert.notices ? `${number(alert.notices)} ×` : "never"}</td></tr>`)}</tbody><//>`}<//>
  </section>`;
}
