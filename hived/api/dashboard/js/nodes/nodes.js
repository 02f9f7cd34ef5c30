/* The nodes of the fleet: who asks to join, how each one is, how to add one, what zeroconf sees. */
import { AddNode } from "./add-node.js";
import { useNodes } from "./fleet-nodes.js";
import { count, span } from "../lib/format.js";
import { useOutcome } from "../lib/dialog.js";
import { html } from "../lib/html.js";
import { useNow } from "../lib/live.js";
import { NodeCard } from "./node-card.js";
import { Pending } from "../lib/ui.js";
import { Peers } from "./peers.js";
import { JoinRequests } from "./join-requests.js";
import { useSession } from "../lib/session.js";

const OLD_MS = 15000; // three readings missed
const RANK = { __proto__: null, alive: 3, suspect: 1, dead: 0, left: 2 };

/* The master first, then the worst: a node that is dead is looked for, one that is well is not. */
function worstFirst(a, b) {
  const rank = (node) => (node.role === "master" ? -1 : node.status === "revoked" ? 4 : (RANK[node.state] ?? 2));
  return rank(a) - rank(b) || String(a.name).localeCompare(String(b.name)) || (a.node_id < b.node_id ? -1 : 1);
}

export function NodesPage({ query }) {
  useSession();
  const read = useNodes();
  const [outcome, note] = useOutcome();
  if (!read.nodes) return html`<section><h1 tabindex="-1">Nodes</h1><${Pending} read=${read} what="Nodes" /></section>`;
  const say = (text) => {
    note(text);
    read.again();
  };
  const nodes = read.nodes.filter((node) => node.status !== "pending").sort(worstFirst);
  const others = nodes.filter((node) => node.role !== "master");
  return html`<div class="pagehead"><h1 tabindex="-1">Nodes <small>${count(nodes.length, "node")}</small></h1><${AddNode} say=${say} /></div>
    <${Old} read=${read} />
    ${outcome}
    <${JoinRequests} nodes=${read.nodes} say=${say} />
    ${others.length === 0 && html`<${FirstNode} />`}
    <div class="nodes">${nodes.map((node) => html`<${NodeCard} key=${node.node_id} node=${node} chosen=${query.get("node") === node.node_id} say=${say} />`)}</div>
    <${Peers} nodes=${read.nodes} />`;
}

/* Says so when what is shown is not of now. */
function Old({ read }) {
  useNow();
  const age = Date.now() - read.readAt;
  if (!read.error && age < OLD_MS) return "";
  return html`<p class="note tone-warn" role="status">This is from ${span(age / 1000)} ago${read.error ? `: ${read.error.message}` : ""}.
    <button type="button" onClick=${read.again}>Read again</button></p>`;
}

function FirstNode() {
  return html`<section class="plain firstnode"><h2>No other node yet</h2>
    <p>This master watches its own site. A second site, or a second building, gets a box of its own: install <code>hived</code> there, and let it join. No box joins by itself.</p>
    <ol>
      <li>Press <b>Add a node</b> and type the line it shows on the new box: it is let in at once.</li>
      <li>Or type <code>sudo hivectl join ${location.origin}</code> there, without a code. It asks, and appears above with a phrase; compare it with the one that the box shows, and approve it on both.</li>
    </ol>
    <p class="muted">What it recorded while cut off arrives later: nothing is lost.</p></section>`;
}
