/* Events: newest first, new ones arriving by themselves, older ones on demand. */
import { get } from "../lib/api.js";
import { ownId, shortId } from "../nodes/fleet-nodes.js";
import { exact, stamp } from "../lib/format.js";
import { html, useEffect, useRef, useState } from "../lib/html.js";
import { live, onHappened, useLive, useNow } from "../lib/live.js";
import { NodeChoice } from "../nodes/node-filter.js";
import { Pending, useRead, When } from "../lib/ui.js";
import { minerPath, setQuery } from "../lib/router.js";

const PAGE = 100;
const KEEP = 2000; // a page that stays open for weeks keeps its newest events only

function eventsUrl({ kind, mac, node, before, limit = PAGE }) {
  const query = new URLSearchParams({ limit: String(limit) });
  if (kind) query.set("kind", kind);
  if (mac) query.set("miner", mac);
  if (node) query.set("node", node);
  if (before) query.set("before", String(before));
  return `/api/v1/events?${query}`;
}

function merge(old, fresh) {
  const byId = new Map([...old, ...fresh].map((event) => [event.id, event]));
  return [...byId.values()].sort((a, b) => b.id - a.id).slice(0, KEEP);
}

/* The events that fit, live: {events, error, more, older, again}. */
export function useEvents({ kind = null, mac = null, node = null, limit = PAGE }) {
  const [state, setState] = useState({ events: null, more: false, error: null });
  const asked = useRef(0);
  const { link } = live;

  const load = async (before = null) => {
    const mine = ++asked.current;
    try {
      const found = await get(eventsUrl({ kind, mac, node, before, limit }));
      if (mine !== asked.current) return;
      setState((old) => ({ events: merge(before ? (old.events ?? []) : [], found), more: found.length === limit, error: null }));
    } catch (error) {
      if (mine === asked.current) setState((old) => ({ ...old, error }));
    }
  };

  useEffect(() => {
    load();
    return onHappened((event) => {
      if ((kind && event.kind !== kind) || (mac && event.miner !== mac) || (node && (event.node_id ?? ownId()) !== node)) return;
      setState((old) => (old.events ? { ...old, events: merge(old.events, [event]) } : old));
    });
  }, [kind, mac, node, limit]);
  // What happened while the connection was lost is read again.
  const before = useRef(link);
  useEffect(() => {
    if (before.current === "lost" && link === "live") load();
    before.current = link;
  }, [link]);
  const last = state.events?.at(-1)?.id;
  return { ...state, older: () => load(last), again: () => load() };
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
  const { link } = useLive();
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
    ${read.events === null || (read.error && link === "live")
      ? html`<${Pending} read=${read} what="Events" />`
      : read.events.length === 0
        ? html`<p class="note muted">${kind ? "Nothing of this kind happened so far." : node ? "Nothing happened on this node so far." : "Nothing happened so far."}</p>`
        : html`<${EventList} events=${read.events} withNode=${!node} />`}
    ${read.events?.length > 0 && read.more && html`<p class="center"><button type="button" onClick=${read.older}>Older events</button></p>`}
  </section>`;
}
