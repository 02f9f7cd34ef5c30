/* The ways to an order: the bar over the selected rows of the fleet, and the buttons of one miner. */
import { number } from "../lib/format.js";
import { html, useMemo, useState } from "../lib/html.js";
import { live } from "../lib/live.js";
import { Only } from "../lib/session.js";
import { BulkDialog } from "./bulk.js";
import { OrderDialog } from "./order-dialog.js";
import { clearSelection, setSelected, useSelection } from "./selection.js";
import { VERBS, verbsOf } from "./verbs.js";

function Verbs({ verbs, onChoose }) {
  return html`<div class="verbs" role="group" aria-label="What to do">${verbs.map((verb) => html`<button type="button" key=${verb} data-verb=${verb} class=${VERBS[verb].danger ? "danger" : ""} onClick=${() => onChoose(verb)}>${VERBS[verb].label}…</button>`)}</div>`;
}

/* While something is selected. `entries`: the rows that match the filter. */
export function ActionBar({ entries }) {
  return html`<${Only} role="operator"><${Bar} entries=${entries} /><//>`;
}

function Bar({ entries }) {
  const { ids, changes } = useSelection();
  const [verb, setVerb] = useState(null);
  const [bulk, setBulk] = useState(null); // the miners whose rules are being changed
  const rows = useMemo(() => [...ids].map((id) => live.rows.get(id)).filter(Boolean), [changes, live.changes]);
  const miners = useMemo(() => rows.map((row) => row.id), [verb]); // what is being asked about does not change meanwhile
  if (rows.length === 0) return "";
  const shown = entries.reduce((sum, { row }) => sum + ids.has(row.id), 0);
  const verbs = verbsOf(rows);
  return html`<section class="actionbar" aria-label="Selected miners">
    <p class="picked" role="status"><b>${number(rows.length)}</b> selected${shown < rows.length ? html` <span class="muted">${number(rows.length - shown)} of them not shown</span>` : ""}</p>
    ${shown < entries.length && html`<button type="button" class="all" onClick=${() => setSelected(entries.map(({ row }) => row.id), true)}>Select all ${number(entries.length)}${entries.length < live.rows.size ? " that match" : ""}</button>`}
    <button type="button" class="clear" onClick=${clearSelection}>Clear</button>
    <button type="button" class="bulk" onClick=${() => setBulk(rows.map((row) => row.id))}>Rules…</button>
    ${verbs.length ? html`<${Verbs} verbs=${verbs} onChoose=${setVerb} />` : html`<span class="muted">The firmware of these miners cannot be steered.</span>`}
    ${bulk && html`<${BulkDialog} ids=${bulk} onClose=${() => setBulk(null)} />`}
    ${verb && html`<${OrderDialog} key=${verb} verb=${verb} ids=${miners} onClose=${() => setVerb(null)} onGiven=${clearSelection} />`}
  </section>`;
}

/* What one miner can do; nothing while it is locked. */
export function MinerVerbs({ miner }) {
  const [verb, setVerb] = useState(null);
  const ids = useMemo(() => [miner.id], [miner.id]);
  const verbs = verbsOf([miner]);
  if (verbs.length === 0 || miner.locked) return "";
  return html`<${Only} role="operator"><${Verbs} verbs=${verbs} onChoose=${setVerb} />
    ${verb && html`<${OrderDialog} key=${verb} verb=${verb} ids=${ids} there=${poolsOf(miner)} onClose=${() => setVerb(null)} />`}<//>`;
}

/* The owner's slots as they are now. */
function poolsOf(miner) {
  return (miner.latest_status?.pools ?? []).filter((pool) => pool.kind === "user").map(({ index, url, user }) => ({ slot: index, url: url ?? "", user: user ?? "" }));
}

/* Where a pool is not allowed: the way to an order that puts it right. */
export function PutPoolsRight({ miner, look }) {
  const [open, setOpen] = useState(false);
  const ids = useMemo(() => [miner.id], [miner.id]);
  if (!look.marks?.includes("foreign") || !miner.verbs?.includes("pools")) return "";
  return html`<${Only} role="operator"><p class="rightpools"><button type="button" class="danger" onClick=${() => setOpen(true)}>Put it right…</button></p>
    ${open && html`<${OrderDialog} verb="pools" ids=${ids} there=${poolsOf(miner)} why=${look.why} onClose=${() => setOpen(false)} />`}<//>`;
}
