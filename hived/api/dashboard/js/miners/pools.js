/* Where the miners mine and for whom, and where they may. */
import { post, remove } from "../lib/api.js";
import { useOutcome } from "../lib/dialog.js";
import { count, number, stamp, UNKNOWN } from "../lib/format.js";
import { html, useState } from "../lib/html.js";
import { live } from "../lib/live.js";
import { minerPath } from "../lib/router.js";
import { Only } from "../lib/session.js";
import { ACTIONS, Badge, Pending, Table, useRead, When } from "../lib/ui.js";

const MOST_NAMED = 4; // miners of a pool that are named

const JUDGED = { __proto__: null, true: ["good", "allowed"], false: ["bad", "not allowed"], null: ["off", "not judged"] };

export function Pools() {
  const used = useRead("/api/v1/pools", { everyMs: 30000 });
  const allowed = useRead("/api/v1/pools/allowed", { everyMs: 30000 });
  const [outcome, say, attempt] = useOutcome();
  const act = async (done, text) => {
    if (await attempt(done, "Not done")) say(text);
    used.again();
    allowed.again();
  };
  const allow = (url, worker) => act(() => post("/api/v1/pools/allowed", { url, worker }), `${url} is allowed.`);
  if (!used.data || !allowed.data) return html`<section><h2>Pools</h2><${Pending} read=${used.data ? allowed : used} what="Pools" /></section>`;
  return html`<section aria-labelledby="pools"><h2 id="pools">Pools <small>${used.data.length ? count(used.data.length, "pool and account", "pools and accounts") : ""}</small></h2>
    <p class="muted">${allowed.data.length
      ? "A miner that has another pool in one of its slots needs a look. Slots of the firmware's own fees are not judged."
      : "No pool is allowed yet, so none is judged; a change of a pool or a worker is an event all the same."}</p>
    ${used.data.length === 0
      ? html`<p class="note muted">No miner has told its pools yet.</p>`
      : html`<${Table} of="pools" head=${["State", ["Miners", "num"], "Pool", "Account", "Where", ACTIONS]}>
          <tbody>${used.data.map((one) => html`<${Used} key=${`${one.allowed} ${one.url} ${one.account}`} one=${one} onAllow=${allow} />`)}</tbody><//>`}
    ${allowed.data.length > 0 && html`<h3>Allowed</h3><${Table} of="allowed pools" head=${["Pool", "Worker", "Added", "By", ACTIONS]}>
      <tbody>${allowed.data.map(
        (entry) => html`<tr key=${entry.id}><th scope="row">${entry.url}</th><td>${entry.worker ?? html`<span class="muted">anybody</span>`}</td>
          <td class="nowrap"><${When} ms=${stamp(entry.added_at)} /></td><td>${entry.added_by}</td>
          <td class="actions"><${Only} role="admin"><button type="button" onClick=${() => act(() => remove(`/api/v1/pools/allowed/${entry.id}`), `${entry.url} is no longer allowed.`)}>Remove</button><//></td></tr>`,
      )}</tbody><//>`}
    ${outcome}
    <${Only} role="admin"><${Allow} onAllow=${allow} /><//>
  </section>`;
}

function Used({ one, onAllow }) {
  const [tone, word] = JUDGED[one.allowed];
  return html`<tr class=${one.allowed === false ? "tone-row-bad" : ""}>
    <td><${Badge} tone=${tone}>${word}<//></td><td class="num">${number(one.miners.length)}</td>
    <td class="pool">${one.url ?? UNKNOWN}</td><td class="reason">${one.account ?? UNKNOWN}</td>
    <td class="where">${one.miners.slice(0, MOST_NAMED).map((mac) => html`<a key=${mac} href=${minerPath(mac)}>${live.rows.get(mac)?.ip ?? mac}</a> `)}${one.miners.length > MOST_NAMED ? `and ${one.miners.length - MOST_NAMED} more` : ""}</td>
    <td class="actions">${one.allowed !== true && one.url && html`<${Only} role="admin"><button type="button" onClick=${() => onAllow(one.url, one.account)}>Allow</button><//>`}</td></tr>`;
}

function Allow({ onAllow }) {
  const [url, setUrl] = useState("");
  const [worker, setWorker] = useState("");
  const send = (event) => {
    event.preventDefault();
    onAllow(url.trim(), worker.trim() || null);
    setUrl("");
    setWorker("");
  };
  return html`<form class="inline" onSubmit=${send}>
    <label>Pool <input value=${url} required maxlength="256" placeholder="*.pool.example" onInput=${(event) => setUrl(event.target.value)} /></label>
    <label>Worker <input value=${worker} maxlength="256" placeholder="anybody" onInput=${(event) => setWorker(event.target.value)} /></label>
    <button type="submit">Allow</button></form>`;
}
