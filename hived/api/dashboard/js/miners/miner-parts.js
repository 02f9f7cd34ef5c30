/* Fans, pools and the settings of one miner. */
import { known, number, percentOf, span, stamp, UNKNOWN } from "../lib/format.js";
import { html } from "../lib/html.js";
import { Badge, Pending, Table, useRead, When } from "../lib/ui.js";

export function Fans({ status }) {
  const fans = status?.fans ?? [];
  return html`<section aria-labelledby="fans"><h2 id="fans">Fans</h2>
    ${fans.length === 0
      ? html`<p class="note muted">The miner reports no fans.</p>`
      : html`<table class="plain-table"><thead><tr><th scope="col">Fan</th><th scope="col">State</th><th scope="col" class="num">rpm</th><th scope="col" class="num">of highest</th></tr></thead>
        <tbody>${fans.map((fan) => {
          const share = percentOf(fan.rpm, fan.max_rpm);
          return html`<tr key=${fan.identifier}><th scope="row">${fan.index ?? fan.identifier}</th>
            <td><${Badge} tone=${fan.lost ? "bad" : fan.status === "ok" ? "good" : "idle"}>${fan.status ?? "unknown"}<//></td>
            <td class="num">${number(fan.rpm)}</td><td class="num">${share === null ? UNKNOWN : `${number(share)} %`}</td></tr>`;
        })}</tbody></table>`}
  </section>`;
}

const POOL_TONES = { __proto__: null, active: "good", working: "idle", offline: "bad", disabled: "idle", rejecting: "bad" };

function PoolRow({ pool }) {
  const shares = known(pool.accepted) && known(pool.rejected) ? percentOf(pool.rejected, pool.accepted + pool.rejected) : null;
  return html`<tr><td class="reason">${pool.url ?? UNKNOWN}</td><td class="reason">${pool.user ?? UNKNOWN}</td>
    <td><${Badge} tone=${POOL_TONES[pool.status] ?? "idle"}>${pool.status ?? "unknown"}<//></td>
    <td class="num">${number(pool.accepted)}</td><td class="num" title=${shares === null ? undefined : `${number(shares, 2)} % rejected`}>${number(pool.rejected)}</td>
    <td class="num">${number(pool.stale)}</td><td class="num">${pool.difficulty ?? UNKNOWN}</td><td class="num">${number(pool.ping_ms)}</td><td class="num">${span(pool.last_share_s)}</td></tr>`;
}

export function Pools({ status }) {
  const pools = status?.pools ?? [];
  const own = pools.filter((pool) => pool.kind === "user");
  const others = [
    ["Fee of the firmware, not your pool", pools.filter((pool) => pool.kind === "devfee" || pool.kind === "refund")],
    ["Of a kind that hived does not know", pools.filter((pool) => !["user", "devfee", "refund"].includes(pool.kind))],
  ].filter(([, found]) => found.length > 0);
  return html`<section aria-labelledby="pools"><h2 id="pools">Pools</h2>
    ${pools.length === 0
      ? html`<p class="note muted">The miner reports no pools.</p>`
      : html`<${Table} of="pools" kind="pools" head=${[
        "Address", "Worker", "State", ["Accepted", "num"], ["Rejected", "num"], ["Stale", "num"],
        ["Difficulty", "num"], ["Ping (ms)", "num", "Answer time of the pool"], ["Last share", "num"],
      ]}>
        <tbody>${own.map((pool) => html`<${PoolRow} key=${pool.index} pool=${pool} />`)}</tbody>
        ${others.map(([words, found]) => html`<tbody class="fee" key=${words}><tr><th scope="rowgroup" colspan="9">${words}</th></tr>${found.map((pool) => html`<${PoolRow} key=${pool.index} pool=${pool} />`)}</tbody>`)}
      <//>`}
  </section>`;
}

function flatten(value, path = "") {
  if (value === null || value === undefined) return path ? [[path, UNKNOWN]] : [];
  if (Array.isArray(value)) {
    if (value.every((item) => item === null || typeof item !== "object")) return [[path, value.join(", ") || UNKNOWN]];
    return value.flatMap((item, i) => flatten(item, `${path} ${i + 1}`.trim()));
  }
  if (typeof value === "object") return Object.entries(value).flatMap(([key, item]) => flatten(item, `${path} ${key.replaceAll("_", " ")}`.trim()));
  return [[path, typeof value === "boolean" ? (value ? "yes" : "no") : String(value)]];
}

const ASIDE = new Set(["version", "read_at", "checked_at", "changes", "pools", "requested_preset"]);

export function Settings({ mac, running }) {
  const read = useRead(`/api/miners/${mac}/settings`, { everyMs: 60000 });
  if (!read.data) return html`<section><h2>Settings</h2><${Pending} read=${read} what="Settings" /></section>`;
  const settings = read.data;
  if (!settings.version) return html`<section><h2>Settings</h2><p class="note muted">Its settings were not read yet: that needs a key on the miner.</p></section>`;
  const asked = settings.requested_preset;
  const differs = asked && running && asked !== running;
  return html`<section aria-labelledby="settings"><h2 id="settings">Settings <small>version ${settings.version}, checked <${When} ms=${stamp(settings.checked_at)} /></small></h2>
    <div class="settings">
      <div class="card"><h3>Preset</h3>
        <p>asked for <b>${asked ?? UNKNOWN}</b>, running <b class=${differs ? "tone-warn" : ""}>${running ?? UNKNOWN}</b></p>
        ${differs && html`<p class="small">The running preset differs when the miner is tuning, or its switcher steps down because of heat.</p>`}
        <h3>Pools</h3>
        <ol class="slots">${(settings.pools ?? []).map((pool, i) => html`<li key=${i}>${pool?.url ? html`<span class="quote">${pool.url}</span> <span class="muted">${pool.user ?? ""}</span>` : html`<span class="muted">empty</span>`}</li>`)}</ol>
      </div>
      <div class="card"><h3>What changed last</h3>
        ${settings.changes?.length
          ? html`<p class="small"><${When} ms=${stamp(settings.read_at)} /></p><ul class="changes">${settings.changes.slice(0, 20).map((change, i) => html`<li key=${i}>${change.words}</li>`)}</ul>`
          : html`<p class="muted">Nothing since they were first read <${When} ms=${stamp(settings.read_at)} />.</p>`}
      </div>
      ${Object.entries(settings).filter(([key, value]) => !ASIDE.has(key) && value !== null && typeof value === "object").map(
        ([key, value]) => html`<details class="card" key=${key}><summary>${key.replaceAll("_", " ")}</summary><dl class="pairs">${flatten(value).map(([path, text]) => html`<div key=${path}><dt>${path}</dt><dd>${text}</dd></div>`)}</dl></details>`,
      )}
    </div></section>`;
}

