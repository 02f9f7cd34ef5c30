/* The site: what answers but is no miner, the sweeps, the daemons. */
import { bytes, count, number, span, stamp, UNKNOWN } from "../lib/format.js";
import { html } from "../lib/html.js";
import { useNow } from "../lib/live.js";
import { Badge, Pending, Table, useRead, When } from "../lib/ui.js";
import { Pools } from "../miners/pools.js";
import { ScanNow } from "../miners/scan.js";

const KIND_WORDS = {
  __proto__: null,
  unreadable: "miner that cannot be read",
  "antminer-stock": "Antminer with the maker's firmware",
  html: "web page",
  "generic-json": "other JSON server",
  login: "asks for a login",
  redirect: "redirects elsewhere",
  unknown: "unknown",
};

export const kindWords = (kind) => KIND_WORDS[kind] ?? String(kind).replaceAll(/[_-]/g, " ");

export function SitePage() {
  return html`<div class="pagehead"><h1 tabindex="-1">Site</h1><${ScanNow} /></div>
    <div class="site"><${Daemons} /><${Pools} /><${OtherDevices} /><${Sweeps} /></div>`;
}

function Daemons() {
  const read = useRead("/api/v1/health", { everyMs: 10000 });
  const nowMs = useNow();
  if (!read.data) return html`<section><h2>Daemons</h2><${Pending} read=${read} what="Daemons" /></section>`;
  const { daemons, database } = read.data;
  return html`<section aria-labelledby="daemons"><h2 id="daemons">Daemons <small>database ${bytes(database.bytes + database.wal_bytes)}</small></h2>
    <ul class="daemons">
      ${daemons.map((daemon) => {
        const beat = stamp(daemon.beat_at);
        const { alive } = daemon;
        const started = stamp(daemon.started_at);
        return html`<li key=${daemon.name} class="card" title=${daemon.pid ? `pid ${daemon.pid}` : undefined}>
          <h3>${daemon.name} <${Badge} tone=${alive ? "good" : "bad"}>${alive ? "alive" : beat === null ? "never seen" : "silent"}<//></h3>
          <p>${daemon.status || html`<span class="muted">no status reported</span>`}</p>
          ${daemon.next_step && html`<p class="muted">Next: ${daemon.next_step}</p>`}
          ${beat !== null && html`<p class="small">last beat <${When} ms=${beat} /> · up ${started === null || !alive ? UNKNOWN : span((nowMs - started) / 1000)} · version ${daemon.version ?? UNKNOWN}</p>`}
        </li>`;
      })}
    </ul>
  </section>`;
}

function OtherDevices() {
  const read = useRead("/api/v1/strangers", { everyMs: 15000 });
  if (!read.data) return html`<section><h2>Other devices</h2><${Pending} read=${read} what="Other devices" /></section>`;
  const devices = read.data;
  return html`<section aria-labelledby="other-devices"><h2 id="other-devices">Other devices <small>${devices.length ? count(devices.length, "address", "addresses") : ""}</small></h2>
    <p class="muted">Addresses that answer but are no miner we can read. Printers, routers and other servers are left alone.</p>
    ${devices.length === 0
      ? html`<p class="note muted">None.</p>`
      : html`<${Table} of="other-devices" head=${["Address", "Looks like", "Reason", "Since", "Last answer"]}>
          <tbody>${devices.map(
            (device) => html`<tr key=${device.ip} class=${device.kind === "unreadable" ? "tone-row-warn" : ""}>
              <td class="nowrap">${device.ip}</td>
              <td class=${device.kind === "unreadable" ? "tone-warn" : ""}>${kindWords(device.kind)}</td>
              <td class="reason">${device.reason}${device.next_step && html` <span class="muted">Next: ${device.next_step}</span>`}</td>
              <td class="nowrap"><${When} ms=${stamp(device.first_seen_at)} /></td>
              <td class="nowrap"><${When} ms=${stamp(device.last_seen_at)} /></td></tr>`,
          )}</tbody><//>`}
  </section>`;
}

function Sweeps() {
  const read = useRead("/api/v1/sweeps?limit=20", { everyMs: 15000 });
  if (!read.data) return html`<section><h2>Sweeps</h2><${Pending} read=${read} what="Sweeps" /></section>`;
  const sweeps = read.data;
  return html`<section aria-labelledby="sweeps"><h2 id="sweeps">Sweeps</h2>
    ${sweeps.length === 0
      ? html`<p class="note muted">None so far. hive-discoverd sweeps the configured subnets every 30 s.</p>`
      : html`<${Table} of="sweeps" head=${["Began", ["Took (s)", "num"], ["Addresses", "num"], ["Answered", "num"], ["Miners", "num"], ["Other devices", "num"], ["Unreadable", "num"], "Note"]}>
          <tbody>${sweeps.map((sweep, i) => {
            const began = stamp(sweep.started_at);
            const ended = stamp(sweep.finished_at);
            return html`<tr key=${sweep.started_at}>
              <td class="nowrap"><${When} ms=${began} /></td>
              <td class="num">${ended === null ? (i === 0 ? "running" : "cut short") : number((ended - began) / 1000, 1)}</td>
              <td class="num">${number(sweep.addresses)}</td><td class="num">${number(sweep.responders)}</td><td class="num">${number(sweep.miners)}</td>
              <td class="num">${number(sweep.strangers)}</td><td class="num">${number(sweep.unreadable)}</td><td class="reason">${sweep.note ?? ""}</td></tr>`;
          })}</tbody><//>`}
  </section>`;
}
