/* One node or all of them: the choice that the pages of fleet, events and artifacts share, kept in the address. */
import { HASHING, isSilent } from "../miners/condition.js";
import { members, nodeName, useNodes } from "./fleet-nodes.js";
import { hashrate, known, number } from "../lib/format.js";
import { html, useMemo } from "../lib/html.js";
import { live, now } from "../lib/live.js";
import { setQuery } from "../lib/router.js";

/* Shown as soon as there is more than one node. With the `rows` of the fleet each says how its miners do. */
export function NodeChoice({ value, rows = null, silentAfter }) {
  const { nodes } = useNodes();
  const all = members(nodes);
  const shown = all.length > 1 || Boolean(value);
  const told = useMemo(() => (shown && rows ? fleetWords(rows, now(), silentAfter) : null), [shown, rows, rows?.size, live.changes, nodes]);
  if (!shown) return "";
  const gone = value && !all.some((node) => node.node_id === value);
  return html`<label class="choice nodechoice">Node <select name="node" onChange=${(event) => setQuery({ node: event.target.value || null })}>
    <option value="" selected=${!value}>all nodes</option>
    ${gone && html`<option value=${value} selected>${nodeName(nodes, value)}</option>`}
    ${all.map((node) => html`<option key=${node.node_id} value=${node.node_id} selected=${node.node_id === value}>${node.name}${told ? told(node.node_id) : ""}</option>`)}
  </select></label>`;
}

/* A sum of what was told: null until somebody told anything. */
const plus = (total, value) => (known(value) ? (total ?? 0) + value : total);

/* The totals of some miners, by the same rules as the server's for the whole fleet. */
export function totalsOf(rows, nowMs, silentAfter) {
  const sum = { miners: 0, online: 0, hashing: 0, silent: 0, hashrate_ths: null, hashrate_nominal_ths: null, hashrate_nominal_lost_ths: null, power_w: null };
  let pairedRate = null;
  let pairedPower = null;
  for (const row of rows) {
    sum.miners += 1;
    sum.online += row.online ? 1 : 0;
    if (!row.online || isSilent(row, nowMs, silentAfter)) {
      sum.silent += row.online ? 1 : 0;
      sum.hashrate_nominal_lost_ths = plus(sum.hashrate_nominal_lost_ths, row.hashrate_nominal_ths);
      continue;
    }
    sum.hashing += HASHING.has(row.state) ? 1 : 0;
    sum.hashrate_ths = plus(sum.hashrate_ths, row.hashrate_ths);
    sum.hashrate_nominal_ths = plus(sum.hashrate_nominal_ths, row.hashrate_nominal_ths);
    sum.power_w = plus(sum.power_w, row.power_w);
    if (known(row.hashrate_ths) && known(row.power_w)) {
      pairedRate = plus(pairedRate, row.hashrate_ths);
      pairedPower = plus(pairedPower, row.power_w);
    }
  }
  return { ...sum, efficiency_j_per_th: pairedRate > 0 ? pairedPower / pairedRate : null };
}

/* ": 20 of 22 online, 1.92 PH/s" for each node's entry of the choice. */
function fleetWords(rows, nowMs, silentAfter) {
  const byNode = new Map();
  for (const row of rows.values()) {
    if (!byNode.has(row.node_id)) byNode.set(row.node_id, []);
    byNode.get(row.node_id).push(row);
  }
  return (id) => {
    const sum = totalsOf(byNode.get(id) ?? [], nowMs, silentAfter);
    if (sum.miners === 0) return ": no miner";
    return `: ${number(sum.online)} of ${number(sum.miners)} online${known(sum.hashrate_ths) ? `, ${hashrate(sum.hashrate_ths).join(" ")}` : ""}`;
  };
}
