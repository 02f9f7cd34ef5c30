/* Events: newest first, new ones arriving by themselves, older ones on demand. */
import { ownId, shortId } from "../nodes/fleet-nodes.js";
import { exact, stamp } from "../lib/format.js";
import { html, useEffect, useRef } from "../lib/html.js";
import { live, onHappened, useNow } from "../lib/live.js";
import { NodeChoice } from "../nodes/node-filter.js";
import { Paged, usePaged } from "../lib/paged.js";
import { useRead, When } from "../lib/ui.js";
import { minerPath, setQuery } from "../lib/router.js";

const PAGE = 100;
const KEEP = 2000; // a page that stays open for weeks keeps its newest events only

/* The events that fit, live: what `usePaged` returns. */
export function useEvents({ kind = null, mac = null, node = null, limit = PAGE }) {
  const read = usePaged("/api/v1/events", { kind, miner: mac, node }, limit);
  const { link } = live;
  useEffect(() => onHappened((event) => {
    if ((kind && event.kind !== kind) || (mac && event.miner !== mac) || (node && (event.node_id ?? ownId()) !== node)) return;
    read.add(event, KEEP);
  }), [kind, mac, node]);
  // What happened while the connection was lost is read again.
  const before = useRef(link);
  useEffect(() => {
    if (before.current === "lost" && link === "live") read.refresh();
    before.current = link;
  }, [link]);
  return read;
}

export function EventList({ events, withMiner = true, withNode = false }) {
  return html`<ol class="events">
    ${events.map((event) => {
      const { miner, who } = event;
      const at = stamp(event.at);
      return html`<li key=${event.id} class="tone-${event.tone}">
        <span class="dot" aria-hidden="true"></span>
        <span class="when"><${When} ms=${at} /></span>
        <span class="what">${withMiner && (miner ? html`<a href=${minerPath(miner)} title=${miner}>${who}</a>` : html`<b>${who}:</b>`)} ${event.sentence}${withNode && miner && event.node_id ? html` <small class="muted">on ${event.node_name ?? shortId(event.node_id)}</small>` : ""}</span>
        <span class="kind" title=${exact(at)}>${event.title}</span>
      </li>`;
    })}
  </ol>`;
}

export function EventsPage({ query }) {
  useNow();
  const kind = query.get("kind");
  const node = query.get("node");
  const read = useEvents({ kind, node });
  const kinds = useRead("/api/v1/events/kinds").data ?? [];
  const unknown = kind && !kinds.some((one) => one.kind === kind) ? [{ kind, title: kind }] : []; // of a newer node
  return html`<section>
    <div class="pagehead"><h1 tabindex="-1">Events</h1>
      <label class="choice">Kind <select value=${kind ?? ""} onChange=${(event) => setQuery({ kind: event.target.value || null })}>
        <option value="" selected=${!kind}>every kind</option>
        ${[...unknown, ...kinds].map((one) => html`<option key=${one.kind} value=${one.kind} selected=${one.kind === kind}>${one.title}</option>`)}
      </select></label>
      <${NodeChoice} value=${node} />
    </div>
    <${Paged} read=${read} what="Events" none=${kind ? "Nothing of this kind happened so far." : node ? "Nothing happened on this node so far." : "Nothing happened so far."} older="Older events">
      <${EventList} events=${read.items ?? []} withNode=${!node} /><//>
  </section>`;
}
