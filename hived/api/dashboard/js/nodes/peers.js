/* What zeroconf sees on this network: a hint, no proof. */
import { stamp, UNKNOWN } from "../lib/format.js";
import { html } from "../lib/html.js";
import { Badge, InState, Pending, Table, useRead, When } from "../lib/ui.js";

const TONES = { __proto__: null, alive: "good", sighted: "idle", suspect: "warn", dead: "bad", left: "off" };

export function Peers({ nodes }) {
  const read = useRead("/api/v1/peers", { everyMs: 10000 });
  return html`<section class="peers" aria-labelledby="peers"><h2 id="peers">Seen by zeroconf</h2>
    <p class="muted">Who announces itself on this machine's networks. That proves nothing: only an approved key lets a node in.</p>
    ${!read.data
      ? html`<${Pending} read=${read} what="Peers" />`
      : read.data.length === 0
        ? html`<p class="note muted">Nobody. Nodes beyond this network are not seen here; they join by URL.</p>`
        : html`<${Table} of="peers" head=${["Name", "Role", "State", "Addresses", "Version", "Seen", "Note"]}>
            <tbody>${read.data.map((peer) => html`<tr key=${`${peer.name} ${peer.node_id}`}>
              <th scope="row">${peer.name}</th><td>${peer.role}</td>
              <td class="nowrap"><${Badge} tone=${TONES[peer.state] ?? "idle"}>${peer.state}<//> <small><${InState} state=${peer.state} ms=${stamp(peer.since)} /></small></td>
              <td class="reason">${(peer.addresses ?? []).join(", ") || UNKNOWN}${peer.port ? ` port ${peer.port}` : ""}${peer.tls ? ", TLS" : ""}</td>
              <td class="nowrap">${peer.version ?? UNKNOWN}</td><td class="nowrap"><${When} ms=${stamp(peer.seen_at)} /></td>
              <td class="reason">${peer.reason ?? (nodes.some((node) => node.node_id === peer.node_id && node.status === "approved") ? "a node of this fleet" : "")}</td></tr>`)}</tbody><//>`}
  </section>`;
}
