/* One node: state, what it still has to send, its machine, its daemons; revoking and removing it. */
import { post, remove } from "../lib/api.js";
import { Confirm } from "../lib/dialog.js";
import { bytes, exact, known, longSpan, number, percent, percentOf, span, stamp, UNKNOWN } from "../lib/format.js";
import { html, useEffect, useRef, useState } from "../lib/html.js";
import { now, useNow } from "../lib/live.js";
import { Badge, InState, When } from "../lib/ui.js";
import { Only } from "../lib/session.js";

const TONES = { __proto__: null, alive: "good", suspect: "warn", dead: "bad", left: "off" };
const STREAMS = ["contributions", "miners", "status", "events", "fleet", "facts"];
const SKEW_WARN_S = 5;
const SKEW_BAD_S = 300; // beyond it times of this node say little beside those of others
const TITLES = {
  __proto__: null,
  alive: "It was in contact lately",
  suspect: "Its last contact is overdue",
  dead: "It has not been in contact for a long time",
  left: "It was stopped",
};

export function NodeCard({ node, chosen, say }) {
  const place = useRef(null);
  const master = node.role === "master";
  const revoked = node.status === "revoked";
  const collector = node.role === "collector"; // not a hived node: it reports no health
  useEffect(() => {
    if (chosen) place.current?.scrollIntoView({ block: "center" });
  }, [chosen]);
  return html`<article class="card node ${chosen ? "chosen" : ""} ${node.gone ? "gone" : ""}" ref=${place} data-node=${node.node_id} aria-label=${`Node ${node.name}`}>
    <header><h2>${node.name}${node.site && node.site !== node.name ? html` <small>${node.site}</small>` : ""}${master ? html` <span class="tag">master</span>` : ""}</h2>
      <span class="state">${revoked
        ? html`<${Badge} tone="bad" title="Its keys are refused">revoked<//>`
        : html`<${Badge} tone=${TONES[node.state] ?? "idle"} title=${TITLES[node.state]}>${collector ? "collector" : (node.state ?? "unknown")}<//>`}
        ${" "}<small><${InState} state=${node.state} ms=${stamp(node.since)} /></small></span></header>
    <p class="contact">${master ? "This machine" : html`${collector ? "Last sent" : "Last contact"} <b><${When} ms=${stamp(node.contact_at)} empty="never" /></b>${node.address ? ` from ${node.address}` : ""}`}${" · "}version ${node.version ?? UNKNOWN} <span class="nodeid">id ${node.node_id}</span></p>
    ${!master && !revoked && !node.secure && node.contact_at !== null && html`<p class="skew plain tone-warn"><span class="dot"></span>It sends without TLS: anyone on the path can read its key. ${collector ? html`Have it use <code>https://</code>, on the same port.` : html`On that box: <code>sudo hivectl secure</code>`}</p>`}
    ${collector
      ? html`<p class="small">An external collector: it sends contributions when it has some, and reports no health.</p>`
      : html`<${Skew} seconds=${node.skew_s} />
    ${node.gone && html`<p class="note tone-bad asof">It is not heard: what follows is as of <${When} ms=${stamp(node.contact_at)} empty="its last contact" />.</p>`}
    ${Object.keys(node.full ?? {}).length > 0 && html`<p class="note tone-warn full">It has sent as much as is kept per node: more ${Object.keys(node.full).join(", ")} are not taken.</p>`}
    <div class=${`told ${node.gone ? "lastknown" : ""}`}><${Numbers} node=${node} health=${node.health ?? {}} />
    ${!master && html`<${Lag} lag=${node.lag ?? {}} />`}
    <${Daemons} daemons=${node.health?.daemons} /></div>`}
    ${!master && html`<${Actions} node=${node} say=${say} />`}
  </article>`;
}

/* How far its clock is from ours; small differences are nobody's business. */
function Skew({ seconds }) {
  if (!known(seconds) || Math.abs(seconds) <= SKEW_WARN_S) return "";
  const bad = Math.abs(seconds) > SKEW_BAD_S;
  return html`<p class="skew ${bad ? "tone-bad" : "tone-warn"}"><span class="dot"></span>Its clock is ${longSpan(Math.abs(seconds))} ${seconds > 0 ? "ahead of" : "behind"} the master's${bad ? ": its times cannot be compared with others. Set its clock (timedatectl)." : "."}</p>`;
}

function Numbers({ node, health }) {
  const free = percentOf(health.disk_free_bytes, health.disk_total_bytes);
  const used = percentOf(health.memory_used_bytes, health.memory_total_bytes);
  const load = known(health.load_1m) && health.cpus > 0 ? health.load_1m / health.cpus : null;
  const miners = node.miners ?? { total: 0, online: 0 };
  const values = [
    ["Miners", html`<a href=${`/?node=${encodeURIComponent(node.node_id)}`}>${number(miners.online)} <span class="of">/ ${number(miners.total)}</span></a>`, known(miners.online) ? "online / all" : "unknown now / all", miners.total > 0 && miners.online < miners.total ? "warn" : ""],
    ["Disk free", percent(free), known(health.disk_free_bytes) ? `${bytes(health.disk_free_bytes)} of ${bytes(health.disk_total_bytes)}` : "", low(free, 15, 5)],
    ["Load per core", number(load, 2), known(health.cpus) ? `${number(health.load_1m, 2)} on ${number(health.cpus)} cores` : "", high(load, 1, 2)],
    ["Temperature", known(health.temperature_c) ? `${number(health.temperature_c)} °C` : UNKNOWN, known(health.temperature_c) ? "of the machine" : "not reported", high(health.temperature_c, 75, 85)],
    ["Memory used", percent(used), known(health.memory_used_bytes) ? `${bytes(health.memory_used_bytes)} of ${bytes(health.memory_total_bytes)}` : "", high(used, 85, 95)],
    ["Database", known(health.database_bytes) ? bytes(health.database_bytes) : UNKNOWN, known(health.uptime_s) ? `up ${span(health.uptime_s)}` : "", ""],
  ];
  return html`<dl class="health">${values.map(([name, value, more, tone]) => html`<div key=${name}>
    <dt>${name}${tone ? html`<span class="hidden"> (${tone === "bad" ? "bad" : "look at it"})</span>` : ""}</dt><dd><b class=${tone ? `tone-${tone}` : ""}>${tone ? html`<span class="dot"></span>` : ""}${value}</b> <small>${more}</small></dd></div>`)}</dl>`;
}

const low = (value, warn, bad) => (!known(value) ? "" : value < bad ? "bad" : value < warn ? "warn" : "");
const high = (value, warn, bad) => (!known(value) ? "" : value > bad ? "bad" : value > warn ? "warn" : "");

/* What each stream still has to bring. */
function Lag({ lag }) {
  const nowMs = useNow();
  const names = [...STREAMS, ...Object.keys(lag).filter((name) => !STREAMS.includes(name))];
  return html`<table class="plain-table lag"><caption class="hidden">What it still has to send</caption>
    <thead><tr><th scope="col">Stream</th><th scope="col" class="num">Rows behind</th><th scope="col" class="num">Oldest</th></tr></thead>
    <tbody>${names.map((name) => {
      const { behind = null, oldest_at: oldest = null } = lag[name] ?? {};
      const since = stamp(oldest);
      const late = behind > 0 && since !== null ? (nowMs - since) / 1000 : null;
      const more = name === "status" && behind > 0 ? " × 5 min" : "";
      return html`<tr key=${name}><th scope="row">${name}</th><td class="num">${behind === 0 ? html`<span class="muted">0</span>` : number(behind)}${more}</td>
        <td class="num ${late > 3600 ? "tone-warn" : ""}" title=${since === null ? undefined : exact(since)}>${late === null ? UNKNOWN : span(late)}</td></tr>`;
    })}</tbody></table>`;
}

function Daemons({ daemons }) {
  const all = Object.entries(daemons ?? {});
  if (all.length === 0) return html`<p class="small">Its daemons: not reported yet.</p>`;
  return html`<ul class="nodedaemons" aria-label="Daemons">${all.map(([name, { alive, status }]) => html`<li key=${name}>
    <${Badge} tone=${alive === null ? "idle" : alive ? "good" : "bad"}>${name}<span class="hidden">${alive === null ? " unknown" : alive ? " runs" : " is not running"}</span><//> <span class="small">${alive === null ? "unknown" : alive ? (status ?? "") : "is not running"}</span></li>`)}</ul>`;
}

function Actions({ node, say }) {
  const [asked, setAsked] = useState(null);
  const path = `/api/v1/nodes/${encodeURIComponent(node.node_id)}`;
  const close = () => setAsked(null);
  const used = (node.keys ?? []).map((key) => stamp(key.used_at)).filter((ms) => ms !== null);
  return html`<footer class="small">${keyWords(node.keys ?? [])}${used.length > 0 ? html`, used <${When} ms=${Math.min(now(), Math.max(...used))} />` : ""}
    <${Only} role="admin"><span class="actions">
      ${node.status !== "revoked" && html`<button type="button" aria-label=${`Revoke ${node.name}`} onClick=${() => setAsked("revoke")}>Revoke…</button>`}
      <button type="button" aria-label=${`Remove ${node.name}`} onClick=${() => setAsked("remove")}>Remove…</button></span><//>
    ${asked === "revoke" && html`<${Confirm} title=${`Revoke ${node.name}?`} verb="Revoke" onClose=${close}
      act=${async () => {
        await post(`${path}/revoke`, {});
        say(`${node.name} is revoked: nothing it sends is taken any more.`);
      }}><p>All its keys are refused at once. What it sent so far stays. It can ask to join again, with a new key.</p><//>`}
    ${asked === "remove" && html`<${Confirm} title=${`Remove ${node.name}?`} verb="Remove" onClose=${close}
      act=${async () => {
        await remove(path);
        say(`${node.name} is removed.`);
      }}><p>Its keys are refused at once, and the miners that it brought leave the list. What it said of artifacts, and its events, stay. To come back it must join again.</p><//>`}
  </footer>`;
}

function keyWords(keys) {
  const active = keys.filter((key) => key.status === "active");
  if (active.length === 0) return "no active key";
  const scope = active.every((key) => key.scope === "ingest") ? " for contributions only" : "";
  return `${active.length === 1 ? "one active key" : `${active.length} active keys`}${scope}`;
}
