/* What was collected: cards, newest first, filtered, searched, followed live. All words from outside are text nodes. */
import { descriptions, joined, readings, said, Who } from "./bubbles.js";
import { stamp } from "../lib/format.js";
import { html, useEffect, useRef } from "../lib/html.js";
import { useLive } from "../lib/live.js";
import { NodeChoice } from "../nodes/node-filter.js";
import { Paged, usePaged } from "../lib/paged.js";
import { When } from "../lib/ui.js";
import { Outside, Picture, PictureSwitch, usePictures } from "./pictures.js";
import { setQuery } from "../lib/router.js";

const PAGE = 24;
const REST_MS = 1000; // between two readings while artifacts come in
const TYPING_MS = 300;

const STATES = { __proto__: null, described: "described", awaiting_description: "waiting for a description" };

/* The artifacts that fit, live: what `usePaged` returns, and `show`, which brings the unseen ones. */
function useArtifacts({ q, source, state, node }, mark, list) {
  const read = usePaged("/artifacts", { q, source_id: source, state, node }, PAGE);
  const rest = useRef({ timer: null, until: 0 });
  useEffect(() => {
    if (mark === null || read.items === null) return;
    clearTimeout(rest.current.timer);
    rest.current.timer = setTimeout(() => {
      rest.current.until = Date.now() + REST_MS;
      read.refresh(() => list.current !== null && list.current.getBoundingClientRect().top < 0);
    }, Math.max(0, rest.current.until - Date.now()));
  }, [mark, read.items === null]); // what came while the first answer was under way is not in it
  useEffect(() => () => clearTimeout(rest.current.timer), []);
  const show = () => {
    list.current?.scrollIntoView();
    read.refresh();
  };
  return { ...read, show };
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
    <${Paged} read=${read} what="Artifacts" none=${filtered ? "No artifact matches." : "Nothing is collected so far."} older="Load more">
      <div class="cards">${(read.items ?? []).map((one) => html`<${Card} key=${one.id} artifact=${one} pictures=${pictures} />`)}</div><//>
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
  const [first] = descriptions(artifact.bubbles);
  const [reading] = readings(artifact.bubbles);
  if (!first)
    return html`<p class="waiting muted">Waiting for a description${artifact.waits_because ? `: ${artifact.waits_because}` : ""}</p>
      ${reading && html`<${Who} bubble=${reading} />`}`;
  const all = artifact.description_count;
  return html`<p class="description">${said(first)}</p>
    <${Who} bubble=${first} />
    ${all > 1 && html`<p class="small">1 of ${all} nodes. <a class="compare" href=${artifactPath(artifact)}>Compare what ${all} nodes say</a></p>`}`;
}
