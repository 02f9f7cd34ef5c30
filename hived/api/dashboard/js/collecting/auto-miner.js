/* The auto-miner: what it does, start and stop, how much it has. */
import { get, post } from "../lib/api.js";
import { Line } from "../lib/dialog.js";
import { number } from "../lib/format.js";
import { html, useEffect, useState } from "../lib/html.js";
import { takeCollecting } from "../lib/live.js";
import { Badge, Figure } from "../lib/ui.js";
import { Only } from "../lib/session.js";

const TONES = { __proto__: null, Idle: "idle", Starting: "tune", Running: "good", "Cooling down...": "tune" };

/* True while it is to run, for ever or for one source, whether anybody obeys or not. */
export const isWanted = (doing) => doing.auto_miner || doing.source_id !== null;

/* Start (all, or one source once) or stop; returns what to say about it: {text, tone}. */
export async function startOrStop(path) {
  try {
    const reply = await post(path);
    takeCollecting(await get("/status"));
    if (reply.ok === false) return { text: `${reply.message}.`, tone: "tone-warn" };
    if (reply.daemon) return { text: `Noted, but ${reply.daemon}.`, tone: "tone-warn" };
    return { text: reply.started ? "Started." : `${reply.message}.`, tone: "tone-good" };
  } catch (err) {
    return { text: `Not possible: ${err.message}.`, tone: "tone-bad" };
  }
}

export function AutoMiner({ doing }) {
  const [said, setSaid] = useState({ text: "", tone: "" });
  const [busy, setBusy] = useState(false);
  const press = async (path) => {
    setBusy(true);
    setSaid(await startOrStop(path));
    setBusy(false);
  };
  const wanted = isWanted(doing);
  useEffect(() => setSaid({ text: "", tone: "" }), [doing.status]); // the state itself says more now
  return html`<section class="autominer" aria-label="Auto-miner">
    <div class="card doing">
      <p class="state" role="status"><${Badge} tone=${TONES[doing.status] ?? "idle"}>${doing.status}<//>
        ${doing.current_source && html`<span class="current">${doing.current_source}</span>`}</p>
      <p class="small">${words(doing)}</p>
      <${Only} role="operator"><p class="controls">
        <button type="button" class=${wanted ? "" : "primary"} disabled=${busy || wanted} onClick=${() => press("/scrape/start")}>Start</button>
        <button type="button" class=${wanted ? "primary" : ""} disabled=${busy || !wanted} onClick=${() => press("/scrape/stop")}>Stop</button>
        <span class=${said.tone} role="status">${said.text}</span>
      </p><//>
    </div>
    <${Figure} label="Artifacts" value=${number(doing.artifact_count)}><p class="small">openly licensed, of all nodes</p><//>
    <${Figure} label="Described" value=${number(doing.described_count)}><p class="small">by a model</p><//>
    <${Figure} label="Waiting" value=${number(doing.awaiting_count)}><p class="small">for a description, the newest first</p><//>
    ${doing.daemon && html`<p class="note tone-bad" role="alert">${doing.daemon}: nothing is collected. <code>systemctl start hive-minerd</code></p>`}
    ${doing.model && html`<${Model} said=${doing.model} />`}
  </section>`;
}

function words(doing) {
  if (doing.source_id !== null) return "One source is visited once.";
  if (!doing.auto_miner) return "Switched off. It visits every source in turn once it is started.";
  return doing.daemon ? "Switched on, and goes on when hive-minerd runs." : "Switched on: every source in turn, then again.";
}

/* What keeps the model from working. What stands between backquotes is a line to run. */
function Model({ said }) {
  const parts = said.split("`");
  return html`<p class="note tone-warn model-state" role="status">The model does not work: ${parts.map((part, i) =>
    i % 2 === 1 && i < parts.length - 1 ? html`<${Line} text=${part} />` : part,
  )}. Artifacts wait for their descriptions meanwhile.</p>`;
}
