/* One node or all of them: the choice that the pages of fleet, events and artifacts share, kept in the address. */
import { members, nodeName, useNodes } from "./fleet-nodes.js";
import { hashrate, known, number, own } from "../lib/format.js";
import { html } from "../lib/html.js";
import { setQuery } from "../lib/router.js";

/* Shown as soon as there is more than one node. With the totals of the `fleet` each says how its miners do. */
export function NodeChoice({ value, fleet = null }) {
  const { nodes } = useNodes();
  const all = members(nodes);
  const shown = all.length > 1 || Boolean(value);
  if (!shown) return "";
  const gone = value && !all.some((node) => node.node_id === value);
  return html`<label class="choice nodechoice">Node <select name="node" onChange=${(event) => setQuery({ node: event.target.value || null })}>
    <option value="" selected=${!value}>all nodes</option>
    ${gone && html`<option value=${value} selected>${nodeName(nodes, value)}</option>`}
    ${all.map((node) => html`<option key=${node.node_id} value=${node.node_id} selected=${node.node_id === value}>${node.name}${fleet ? nodeWords(ofNode(fleet, node.node_id)) : ""}</option>`)}
  </select></label>`;
}

const NOTHING = { miners: 0, online: 0, hashing: 0, silent: 0, counts: {}, hashrate_lost_ths: null, lost: [], unseen: { miners: 0 } };

/* The totals of the miners that one node watches; those of all for no node. */
export const ofNode = (fleet, node) => (node ? (own(fleet?.nodes, node) ?? NOTHING) : fleet);

/* ": 20 of 22 online, 1.92 PH/s" for a node's entry of the choice. */
function nodeWords({ miners, online, hashrate_ths: ths }) {
  if (miners === 0) return ": no miner";
  return `: ${number(online)} of ${number(miners)} online${known(ths) ? `, ${hashrate(ths).join(" ")}` : ""}`;
}
