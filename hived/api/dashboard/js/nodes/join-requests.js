/* Who asks to join: the phrase to compare, and the operator's answer. */
import { post } from "../lib/api.js";
import { Confirm, useAct } from "../lib/dialog.js";
import { stamp } from "../lib/format.js";
import { html, useState } from "../lib/html.js";
import { When } from "../lib/ui.js";
import { Only, whyNot } from "../lib/session.js";

/* One entry for each key that waits: a node that is known already may ask with another one. */
function waiting(nodes) {
  return nodes.flatMap((node) => (node.keys ?? []).filter((key) => key.status === "pending").map((key) => ({ node, key })));
}

export function JoinRequests({ nodes, say }) {
  const asked = waiting(nodes);
  const [all, setAll] = useState(false);
  if (asked.length === 0) return "";
  return html`<section class="join-requests" aria-labelledby="join-requests"><h2 id="join-requests">${asked.length === 1 ? "A node asks to join" : `${asked.length} nodes ask to join`}</h2>
    <p>Compare this phrase with the one that the node shows: <code>sudo hivectl status</code>, or <code>journalctl -u hive-syncd</code>. It sends nothing until the phrase is confirmed there as well: <code>sudo hivectl join ${location.origin} PHRASE</code></p>
    <p class="muted">If they differ, somebody is in the middle, or it is another machine: refuse it.</p>
    <ul>${asked.map(({ node, key }) => html`<${JoinRequest} key=${`${node.node_id} ${key.key_id}`} node=${node} waits=${key} say=${say} />`)}</ul>
    ${asked.length > 1 && html`<${Only} role="admin"><p class="controls"><button type="button" onClick=${() => setAll(true)}>Refuse all…</button></p><//>`}
    ${all && html`<${Confirm} title="Refuse all that ask to join?" verb="Refuse all" onClose=${() => setAll(false)}
      act=${async () => {
        const { refused } = await post("/api/v1/nodes/refuse", {});
        say(`${refused} refused.`);
      }}><p>Nodes that were approved stay. A node of yours among them asks again within ten minutes.</p><//>`}</section>`;
}

function JoinRequest({ node, waits, say }) {
  const [state, act] = useAct();
  const [sure, setSure] = useState(false);
  const path = `/api/v1/nodes/${encodeURIComponent(node.node_id)}`;
  const approve = () =>
    act(async () => {
      await post(`${path}/approve`, { phrase: waits.phrase });
      say(`${node.name} is approved: it sends what it has within a minute.`);
    });
  return html`<li class="card" data-request=${node.node_id}>
    <h3>${node.name}${node.site ? html` <small>${node.site}</small>` : ""}</h3>
    ${node.status !== "pending" && html`<p class="tone-warn">A node with this id is known already (${node.status}). This one asks with another key: its box was set up again, or it is another box.</p>`}
    <p class="phrase">${waits.phrase ?? "no phrase"}</p>
    <p class="small">from ${waits.address ?? node.address ?? "an unknown address"}, asked <${When} ms=${stamp(waits.created_at ?? node.asked_at)} />, version ${node.version ?? "unknown"}, id ${node.node_id}</p>
    <${Only} role="admin" instead=${html`<p class="small">${whyNot("admin")}.</p>`}>
      <p class="controls"><button type="button" class="primary" disabled=${state.busy} aria-label=${`Approve ${node.name}, phrase ${waits.phrase}`} onClick=${approve}>The phrase is the same: approve</button>
        <button type="button" disabled=${state.busy} aria-label=${`Refuse ${node.name}`} onClick=${() => setSure(true)}>Refuse…</button>
        ${state.error && html`<span class="tone-bad" role="alert">Not approved: ${state.error}.</span>`}</p>
    <//>
    ${sure && html`<${Confirm} title=${`Refuse ${node.name}?`} verb="Refuse" onClose=${() => setSure(false)}
      act=${async () => {
        await post(`${path}/revoke`, { phrase: waits.phrase });
        say(`${node.name} is refused.`);
      }}><p>The key it asked with is not accepted any more. It can ask again with a new one.</p><//>`}
  </li>`;
}
