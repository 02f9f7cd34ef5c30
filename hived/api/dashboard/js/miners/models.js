/* The models: ladder of presets, the limit the operator sets, chips and boards. */
import { patch } from "../lib/api.js";
import { count, known, number, own, percentOf, UNKNOWN } from "../lib/format.js";
import { html, useEffect, useState } from "../lib/html.js";
import { useLive } from "../lib/live.js";
import { Pending, useRead } from "../lib/ui.js";
import { useSession, whyNot } from "../lib/session.js";
import { gridOf } from "./topology.js";

export function ModelsPage() {
  const { link } = useLive();
  const read = useRead("/api/models", { everyMs: 60000, mark: link === "live" });
  const [saved, setSaved] = useState({}); // alias -> model, as the API answered a change
  useEffect(() => setSaved({}), [read.data]);
  const keep = (fresh) => {
    setSaved({ ...saved, [fresh.alias]: fresh });
    read.again(); // and whatever was asked before the change is not listened to any more
  };
  if (!read.data) return html`<section><h1 tabindex="-1">Models</h1><${Pending} read=${read} what="Models" /></section>`;
  return html`<div class="pagehead"><h1 tabindex="-1">Models</h1></div>
    ${read.data.length === 0 && html`<p class="note muted">No model is known yet: they are read from the first miner of each kind. <a href="/">To the fleet</a></p>`}
    <div class="models">${read.data.map(
      (model) => html`<${Model} key=${model.alias} model=${own(saved, model.alias) ?? model} onSaved=${keep} />`,
    )}</div>`;
}

/* How many miners of the fleet are of this model, and what each runs: {total, running: Map(preset -> n)}. */
function census(rows, alias) {
  const running = new Map();
  let total = 0;
  for (const row of rows.values()) {
    if (row.model !== alias) continue;
    total += 1;
    if (row.preset) running.set(row.preset.toLowerCase(), (running.get(row.preset.toLowerCase()) ?? 0) + 1);
  }
  return { total, running };
}

function Model({ model, onSaved }) {
  const { rows, changes } = useLive();
  const { total, running } = census(rows, model.alias, changes);
  const ladder = model.presets_power ?? [];
  const best = Math.max(0, ...ladder.map((step) => step.hashrate_th ?? 0));
  const limit = ladder.findIndex((step) => step.preset === model.max_preset);
  return html`<article class="card model" aria-label=${model.name ?? model.alias}>
    <header>
      <h2>${model.name ?? model.alias} <small>${model.alias}</small></h2>
      <p><a href=${`/?model=${encodeURIComponent(model.alias)}`}>${count(total, "miner")}</a>${" · "}${known(model.chains) ? count(model.chains, "board") : "boards unknown"} × ${known(model.chips_per_chain) ? count(model.chips_per_chain, "chip") : "chips unknown"}</p>
    </header>
    <${Limit} model=${model} name="max_preset" words=${["Highest preset hived may choose", "not above"]} role="operator" onSaved=${onSaved} />
    <${Limit} model=${model} name="min_preset" words=${["Lowest preset hived may choose", "not below"]} role="admin" onSaved=${onSaved} />
    <div class="modelbody">
      ${ladder.length === 0
        ? html`<p class="note muted">Its presets are not known yet: they are read with a key of such a miner.</p>`
        : html`<table class="plain-table ladder"><caption class="hidden">Presets of ${model.name ?? model.alias}</caption>
            <thead><tr><th scope="col">Preset</th><th scope="col" class="num">W</th><th scope="col" class="num">TH/s</th><th scope="col" class="num">J/TH</th><th scope="col" class="num" title="Miners that run it now">Miners</th></tr></thead>
            <tbody>${ladder.map((step, i) => {
              const over = limit >= 0 && i > limit;
              return html`<tr key=${step.preset} class="${over ? "over" : ""} ${i === limit ? "limit" : ""}">
                <th scope="row">${step.preset}${i === limit ? html` <span class="tag">limit</span>` : ""}</th>
                <td class="num">${number(step.power_w)}</td>
                <td class="num withbar"><span class="under" aria-hidden="true"><span style=${{ width: `${percentOf(step.hashrate_th, best) ?? 0}%` }}></span></span><span class="digits">${number(step.hashrate_th)}</span></td>
                <td class="num">${known(step.power_w) && step.hashrate_th ? number(step.power_w / step.hashrate_th, 1) : UNKNOWN}</td>
                <td class="num">${running.get(step.preset.toLowerCase()) ?? ""}</td></tr>`;
            })}</tbody></table>`}
      <${Layout} model=${model} />
    </div>
  </article>`;
}

/* Either end of the ladder that hived stays within. */
function Limit({ model, name, words, role, onSaved }) {
  useSession();
  const why = whyNot(role);
  const [state, setState] = useState({ busy: false, text: "", tone: "" });
  const change = async (event) => {
    const select = event.target;
    const wanted = select.value || null;
    setState({ busy: true, text: "Saving…", tone: "muted" });
    try {
      const fresh = await patch(`/api/models/${encodeURIComponent(model.alias)}`, { [name]: wanted });
      onSaved(fresh);
      setState({ busy: false, text: wanted ? `Saved: ${words[1]} ${fresh[name]}.` : "Saved: no limit.", tone: "tone-good" });
    } catch (err) {
      select.value = model[name] ?? "";
      setState({ busy: false, text: `Not saved: ${err.message}`, tone: "tone-bad" });
    }
  };
  return html`<p class="maxpreset" data-limit=${name}><label>${words[0]}
    <select disabled=${state.busy || Boolean(why) || !model.presets?.length} title=${why} onChange=${change}>
      <option value="" selected=${!model[name]}>no limit</option>
      ${(model.presets ?? []).map((preset) => html`<option key=${preset} value=${preset} selected=${preset === model[name]}>${preset}</option>`)}
    </select></label> <span class=${state.tone} role="status">${state.text}</span></p>`;
}

function Layout({ model }) {
  const { rows, told } = gridOf(model.topology, model.chips_per_chain);
  if (!rows.length) return "";
  return html`<figure class="layout"><div class="layoutgrid" aria-hidden="true">${rows.map(
    (row, i) => html`<div key=${i}>${row.map((chip, j) => html`<i key=${j} class=${chip < 0 ? "hole" : ""}></i>`)}</div>`,
  )}</div><figcaption class="small">${told ? "Chips on a board, as the firmware lays them out" : "Layout unknown: shown in rows"}</figcaption></figure>`;
}
