/* What was collected: cards, newest first, filtered, searched, followed live. All words from outside are text nodes. */
import { get } from "../lib/api.js";
import { joined, said } from "./bubbles.js";
import { nodeName, useNodes } from "../nodes/fleet-nodes.js";
import { stamp } from "../lib/format.js";
import { html, useEffect, useRef, useState } from "../lib/html.js";
import { useLive } from "../lib/live.js";
import { NodeChoice } from "../nodes/node-filter.js";
import { Pending, When } from "../lib/ui.js";
import { Outside, Picture, PictureSwitch, usePictures } from "./pictures.js";
import { setQuery } from "../lib/router.js";

const PAGE = 24;
const FOLLOWED = 96; // of a long list the newest are kept up to date
const REST_MS = 1000; // between two readings while artifacts come in
const TYPING_MS = 300;

const STATES = { __proto__: null, described: "described", awaiting_description: "waiting for a description" };

function listUrl({ q, source, state, node, before, limit }) {
  const query = new URLSearchParams({ limit: String(limit) });
  if (q) query.set("q", q);
  if (source) query.set("source_id", source);
  if (state) query.set("state", state);
  if (node) query.set("node", node);
  if (before) query.set("before", String(before));
  return `/artifacts?${query}`;
}

/* The list after the newest were read again: they are replaced, what lies below them stays. While the reader is
   `away`, further down the page, new ones are only counted: what is being read does not move. */
function followed(old, fresh, limit, away) {
  const newest = old.items[0]?.id ?? -Infinity;
  const unseen = away ? fresh.filter((one) => one.id > newest).length : 0;
  const full = fresh.length === limit;
  const below = full ? old.items.filter((one) => one.id < fresh.at(-1).id) : [];
  return { items: [...fresh.slice(unseen), ...below], more: below.length ? old.more : full, error: null, unseen };
}

/* And one of older ones: the readings may overtake each other. */
function continued(old, fresh, limit) {
  const last = old.items.at(-1)?.id ?? Infinity;
  return { ...old, items: [...old.items, ...fresh.filter((one) => one.id < last)], more: fresh.length === limit, error: null };
}

const NOTHING = { items: null, more: false, error: null, unseen: 0 };

/* The artifacts that fit, live: {items, more, error, unseen, older, again, show}; `show` brings the unseen ones. */
function useArtifacts({ q, source, state, node }, mark, list) {
  const [found, setFound] = useState(NOTHING);
  const asked = useRef(0); // grows with every other question: answers to the one before are dropped
  const rest = useRef({ timer: null, until: 0 });

  const read = async ({ before = null, limit = PAGE, merge }) => {
    const mine = asked.current;
    try {
      const fresh = await get(listUrl({ q, source, state, node, before, limit }));
      if (mine === asked.current) setFound((old) => merge(old, fresh, limit));
    } catch (error) {
      if (mine === asked.current) setFound((old) => ({ ...old, error }));
    }
  };
  const begin = () => {
    asked.current += 1;
    setFound(NOTHING);
    read({ merge: (_, fresh, limit) => ({ ...NOTHING, items: fresh, more: fresh.length === limit }) });
  };
  const follow = (away) => {
    const limit = Math.min(Math.max(found.items?.length ?? 0, PAGE), FOLLOWED);
    read({ limit, merge: (old, fresh) => (old.items ? followed(old, fresh, limit, away()) : old) });
  };

  useEffect(begin, [q, source, state, node]);
  useEffect(() => {
    if (mark === null || found.items === null) return;
    clearTimeout(rest.current.timer);
    rest.current.timer = setTimeout(() => {
      rest.current.until = Date.now() + REST_MS;
      follow(() => list.current !== null && list.current.getBoundingClientRect().top < 0);
    }, Math.max(0, rest.current.until - Date.now()));
  }, [mark, found.items === null]); // what came while the first answer was under way is not in it
  useEffect(() => () => clearTimeout(rest.current.timer), []);

  const older = () => read({ before: found.items?.at(-1)?.id ?? null, merge: continued });
  const show = () => {
    list.current?.scrollIntoView();
    follow(() => false);
  };
  return { ...found, older, again: begin, show };
}

export function ArtifactList({ sources, query, doing }) {
  const { link } = useLive();
  const list = useRef(null);
  const pictures = usePictures();
  const wish = { q: query.get("q") ?? "", source: query.get("source") ?? "", state: query.get("state") ?? "", node: query.get("node") ?? "" };
  const mark = doing && `${link} ${doing.artifact_count} ${doing.described_count}`;
  const read = useArtifacts(wish, mark, list);
  const filtered = wish.q || wish.source || wish.state || wish.node;
  return html`<section class="artifact-list" aria-labelledby="artifacts" ref=${list}>
    <div class="sectionhead"><h2 id="artifacts">Artifacts</h2><${PictureSwitch} /></div>
    <${Filters} wish=${wish} sources=${sources} />
    ${read.unseen > 0 && html`<p class="unseen"><button type="button" class="primary" onClick=${read.show}>${read.unseen === 1 ? "1 new artifact" : `${read.unseen} new artifacts`}</button></p>`}
    ${read.items === null || (read.error && link === "live")
      ? html`<${Pending} read=${read} what="Artifacts" />`
      : read.items.length === 0
        ? html`<p class="note muted">${filtered ? "No artifact fits." : "Nothing is collected so far."}</p>`
        : ""}
    <div class="cards">${(read.items ?? []).map((one) => html`<${Card} key=${one.id} artifact=${one} pictures=${pictures} />`)}</div>
    ${read.items?.length > 0 && read.more && html`<p class="center"><button type="button" class="older" onClick=${read.older}>Load more</button></p>`}
  </section>`;
}

function Filters({ wish, sources }) {
  const timer = useRef(null);
  useEffect(() => () => clearTimeout(timer.current), []);
  const type = (event) => {
    const { value } = event.target;
    clearTimeout(timer.current);
    timer.current = setTimeout(() => setQuery({ q: value.trim() || null }), TYPING_MS);
  };
  const gone = wish.source && !sources.some((one) => String(one.id) === wish.source);
  return html`<form class="filters" role="search" onSubmit=${(event) => event.preventDefault()}>
    <input type="search" name="q" maxlength="200" placeholder="Search title, maker, description…" aria-label="Search artifacts" defaultValue=${wish.q} onInput=${type} />
    <label class="choice">Source <select name="source" onChange=${(event) => setQuery({ source: event.target.value || null })}>
      <option value="" selected=${!wish.source}>every source</option>
      ${gone && html`<option value=${wish.source} selected>source ${wish.source}</option>`}
      ${sources.map((one) => html`<option key=${one.id} value=${one.id} selected=${String(one.id) === wish.source}>${one.name}</option>`)}
    </select></label>
    <label class="choice">State <select name="state" onChange=${(event) => setQuery({ state: event.target.value || null })}>
      <option value="" selected=${!wish.state}>every state</option>
      ${Object.entries(STATES).map(([name, words]) => html`<option key=${name} value=${name} selected=${name === wish.state}>${words}</option>`)}
    </select></label>
    <${NodeChoice} value=${wish.node} />
  </form>`;
}

const artifactPath = ({ id }) => `/collecting?artifact=${id}`;

function Card({ artifact, pictures }) {
  const { facts } = artifact;
  const made = [facts.makers, facts.date_text, facts.medium, facts.culture ?? facts.place].map(joined).filter(Boolean);
  return html`<article class="card artifact" data-artifact=${artifact.id}>
    ${pictures && html`<${Picture} artifact=${artifact} />`}
    <h3><a href=${artifactPath(artifact)}>${artifact.title}</a></h3>
    ${made.length > 0 && html`<p class="made">${made.join(" · ")}</p>`}
    <${Descriptions} artifact=${artifact} />
    <p class="links">
      <${Outside} to=${artifact.license_uri} class="tag licence" title=${`According to ${artifact.licence_field}`}>${artifact.licence ?? "licence unknown"}<//>
      <${Outside} to=${artifact.url} class="page">${artifact.source ?? artifact.provider}<//>
      <span class="small"><${When} ms=${stamp(artifact.collected_at)} /></span>
    </p>
  </article>`;
}

/* What the first node says of it; what others say is beside it on the artifact's own page. */
function Descriptions({ artifact }) {
  const { nodes } = useNodes();
  const [first, ...others] = artifact.bubbles;
  if (!first) return html`<p class="waiting muted">Waiting for a description${artifact.waits_because ? `: ${artifact.waits_because}` : ""}</p>`;
  const all = artifact.bubble_count ?? artifact.bubbles.length;
  return html`<p class="description">${said(first)}</p>
    <p class="small writer">written by ${first.model ?? "an unnamed model"}${others.length > 0 ? ` on ${first.node_name ?? nodeName(nodes, first.node_id)}` : ""}, <${When} ms=${stamp(first.collected_at)} /></p>
    ${others.length > 0 && html`<p class="small">1 of ${all} nodes. <a class="compare" href=${artifactPath(artifact)}>Compare what ${all} nodes say</a></p>`}`;
}
