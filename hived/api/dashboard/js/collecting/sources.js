/* Where the auto-miner collects: what came of each source, one run of it, adding and removing. */
import { post, remove } from "../lib/api.js";
import { isWanted, startOrStop } from "./auto-miner.js";
import { useOutcome } from "../lib/dialog.js";
import { count, number, stamp } from "../lib/format.js";
import { html, useEffect, useState } from "../lib/html.js";
import { ACTIONS, Pending, Table, useRead, When } from "../lib/ui.js";
import { Outside } from "./pictures.js";
import { setQuery } from "../lib/router.js";
import { Only } from "../lib/session.js";

const SURE_MS = 5000; // how long "Remove" waits for the second press

export const KINDS = {
  __proto__: null,
  met: "The Met's API",
  artic: "Art Institute of Chicago's API",
  cleveland: "Cleveland's API",
  rijksmuseum: "Rijksmuseum's OAI-PMH",
  commons: "Wikimedia Commons' API",
  web: "Web pages or a sitemap",
};

/* `sources` is null before the first reading. */
export function Sources({ sources, read, doing }) {
  return html`<section aria-labelledby="sources" class="sources">
    <h2 id="sources">Sources <small>${sources?.length ? count(sources.length, "source") : ""}</small></h2>
    ${sources === null
      ? html`<${Pending} read=${read} what="Sources" />`
      : sources.length === 0
        ? html`<p class="note muted">None yet. Add a museum's open-access API, a page or a sitemap: only what is openly licensed there is stored.</p>`
        : html`<${SourceTable} sources=${sources} doing=${doing} again=${read.again} />`}
    <${Only} role="operator"><${AddSource} onAdded=${read.again} /><//>
  </section>`;
}

function SourceTable({ sources, doing, again }) {
  const [outcome, say, attempt] = useOutcome();
  const run = async (source) => {
    const { text, tone } = await startOrStop(`/scrape/start?source_id=${source.id}`);
    say(text, tone);
  };
  const drop = async (source) => {
    const done = await attempt(() => remove(`/sources/${source.id}`), "Not removed");
    if (done) say(`${source.name} is removed${source.artifacts ? `; its ${count(source.artifacts, "artifact")} stay` : ""}.`);
    again();
  };
  return html`<${Table} of="sources" head=${["Name", "Kind", ["Artifacts", "num"], ["Waiting", "num"], "Refused", "Last run", "Last error", ACTIONS]}>
      <tbody>${sources.map((source) => html`<${Row} key=${source.id} source=${source} doing=${doing} onRun=${run} onRemove=${drop} />`)}</tbody>
    <//>
    ${outcome}`;
}

function Row({ source, doing, onRun, onRemove }) {
  const busy = doing === null || isWanted(doing);
  const current = doing?.current_source === source.name;
  return html`<tr data-source=${source.id} class=${current ? "current-row" : ""}>
    <th scope="row"><span class="name">${source.name}</span>
      <${Outside} to=${source.base_url} class="small base">${source.base_url}<//></th>
    <td class="nowrap" title=${KINDS[source.kind]}>${source.kind}</td>
    <td class="num">${source.artifacts
      ? html`<button type="button" class="quiet" title="Show only these" onClick=${() => setQuery({ source: String(source.id) })}>${number(source.artifacts)}</button>`
      : "0"}</td>
    <td class="num">${number(source.waiting)}</td>
    <td><${Refusals} source=${source} /></td>
    <td class="nowrap"><${When} ms=${stamp(source.last_run_at)} empty="never" /></td>
    <td class="reason">${source.last_error && html`<span class="tone-warn" title=${source.next_step && `Next: ${source.next_step}`}>${source.last_error}</span> <span class="small"><${When} ms=${stamp(source.last_error_at)} /></span>`}</td>
    <td class="nowrap actions"><${Only} role="operator">
      <button type="button" disabled=${busy} title=${busy ? "The auto-miner runs: stop it first" : "Visit this source once"} onClick=${() => onRun(source)}>Run once</button>
      <${Remove} source=${source} onRemove=${onRemove} /><//>
    </td></tr>`;
}

/* How many objects were not stored, and why. */
function Refusals({ source }) {
  if (!source.refused) return html`<span class="muted">0</span>`;
  return html`<details><summary>${number(source.refused)}</summary><ul class="refusals">
    ${source.refusals.map((one) => html`<li key=${one.reason}><b>${number(one.count)}</b> ${one.reason}${one.last_url ? html` <${Outside} to=${one.last_url}>last one<//>` : ""}</li>`)}</ul></details>`;
}

function Remove({ source, onRemove }) {
  const [sure, setSure] = useState(false);
  useEffect(() => {
    const timer = sure ? setTimeout(() => setSure(false), SURE_MS) : null;
    return () => clearTimeout(timer);
  }, [sure]);
  if (!sure) return html`<button type="button" class="remove" aria-label=${`Remove ${source.name}`} onClick=${() => setSure(true)}>Remove</button>`;
  return html`<button type="button" class="remove tone-bad" onClick=${() => onRemove(source)}>Really remove?</button>`;
}

function AddSource({ onAdded }) {
  const known = useRead("/api/v1/collections");
  const [wish, setWish] = useState({ name: "", base_url: "", kind: "" });
  const [outcome, say, attempt] = useOutcome();
  const [busy, setBusy] = useState(false);
  const write = (field) => (event) => setWish({ ...wish, [field]: event.target.value });
  const take = (event) => {
    const one = (known.data ?? []).find((other) => other.kind === event.target.value);
    if (one) setWish({ name: one.name, base_url: one.base_url, kind: one.kind });
  };
  const add = async (event) => {
    event.preventDefault();
    setBusy(true);
    await attempt(async () => {
      const made = await post("/sources", { name: wish.name, base_url: wish.base_url, kind: wish.kind || null });
      say(`Added ${made.name}: ${made.base_url}`);
      setWish({ name: "", base_url: "", kind: "" });
      onAdded();
    }, "Not added");
    setBusy(false);
  };
  return html`<details class="addsource"><summary>Add a source</summary>
    <form onSubmit=${add}>
      <label>A known collection <select onChange=${take} value="">
        <option value="">choose…</option>
        ${(known.data ?? []).map((one) => html`<option key=${one.kind} value=${one.kind}>${one.name}</option>`)}
      </select></label>
      <label>Name <input name="name" required maxlength="200" value=${wish.name} onInput=${write("name")} autocomplete="off" /></label>
      <label class="wide">Base URL <input name="base_url" type="url" required maxlength="512" placeholder="an API, a page or a sitemap" value=${wish.base_url} onInput=${write("base_url")} autocomplete="off" /></label>
      <label>Kind <select name="kind" value=${wish.kind} onChange=${write("kind")}>
        <option value="" selected=${wish.kind === ""}>detected from the URL</option>
        ${Object.entries(KINDS).map(([kind, text]) => html`<option key=${kind} value=${kind} selected=${kind === wish.kind}>${text}</option>`)}
      </select></label>
      <button type="submit" class="primary" disabled=${busy}>Add</button>
      ${outcome}
    </form>
  </details>`;
}
