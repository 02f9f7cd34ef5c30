/* One artifact in full: the object's own facts, its licence, and what each node says of it. */
import { get } from "../lib/api.js";
import { Bubbles, descriptions, joined, readings, Who } from "./bubbles.js";
import { useNodes } from "../nodes/fleet-nodes.js";
import { count, exact, stamp } from "../lib/format.js";
import { html, useRef, useState } from "../lib/html.js";
import { useLive } from "../lib/live.js";
import { Pending, useRead, useTitle, When } from "../lib/ui.js";
import { Outside, Picture, usePictures } from "./pictures.js";

const READ_EVERY_MS = 10000;
const ORDER = ["makers", "date_text", "medium", "culture", "place", "classification", "department", "dimensions", "credit", "accession_number", "tags"];

const NAMES = { __proto__: null, date_text: "date" };

function factsOf({ facts }) {
  const years = facts?.date_text ? ["year_from", "year_to"] : []; // the provider's own words say it
  const names = Object.keys(facts ?? {}).filter((name) => name !== "text" && !years.includes(name));
  const rank = (name) => (ORDER.includes(name) ? ORDER.indexOf(name) : ORDER.length);
  return names.sort((a, b) => rank(a) - rank(b)).map((name) => [NAMES[name] ?? name.replaceAll("_", " "), joined(facts[name])]).filter(([, value]) => value !== "");
}

export function ArtifactView({ id }) {
  const { collecting } = useLive();
  const { nodes } = useNodes();
  const mark = collecting && `${collecting.artifact_count} ${collecting.described_count}`;
  const read = useRead(/^\d{1,15}$/.test(id) ? `/artifacts/${id}` : null, { everyMs: READ_EVERY_MS, mark });
  const kept = useRef(null); // stays while the next reading is under way
  const pictures = usePictures();
  if (read.data) kept.current = read.data;
  const one = kept.current;
  useTitle(one?.title ?? "Artifact");
  const crumbs = html`<p class="crumbs"><a href="/collecting">Collecting</a> ›</p>`;
  if (!one) {
    const gone = read.error?.status === 404 || !/^\d{1,15}$/.test(id);
    return html`<section class="plain">${crumbs}<h1 tabindex="-1">Artifact ${id}</h1>${gone ? html`<p>There is no artifact with this number.</p>` : html`<${Pending} read=${read} what="The artifact" />`}</section>`;
  }
  return html`<section class="oneartifact" data-artifact=${one.id}>${crumbs}
    <h1 tabindex="-1">${one.title}</h1>
    <p class="links">
      <${Outside} to=${one.license_uri} class="tag licence">${one.licence ?? "licence unknown"}<//>
      ${one.licence_field && html`<span class="small" title=${exact(stamp(one.licence_read_at))}>according to ${one.licence_field}</span>`}
      <${Outside} to=${one.url} class="page">${one.source ?? one.provider} ↗<//>
      <span class="small">collected <${When} ms=${stamp(one.collected_at)} /></span></p>
    <div class="artifacttop">${pictures && html`<${Picture} artifact=${one} />`}
      <dl class="facts card">${factsOf(one).map(([name, value]) => html`<div key=${name}><dt>${name}</dt><dd>${value}</dd></div>`)}</dl></div></section>
    <section aria-labelledby="said"><h2 id="said">What nodes say <small>${one.description_count ? count(one.description_count, "node") : ""}</small></h2>
      ${one.description_count === 0 && html`<p class="note muted">Nothing yet: it waits for a description${one.waits_because ? `: ${one.waits_because}` : ""}.</p>`}
      <${AllBubbles} key=${one.id} artifact=${one} nodes=${nodes} /></section>`;
}

/* Those of the first answer, kept up to date, and on demand those that came later. */
function AllBubbles({ artifact, nodes }) {
  const [later, setLater] = useState({ bubbles: [], before: null, error: null });
  const next = later.before ?? (later.bubbles.length === 0 ? artifact.bubbles_before : null);
  const more = async () => {
    try {
      const found = await get(`/artifacts/${artifact.id}?bubbles_before=${encodeURIComponent(next)}`);
      setLater((old) => ({ bubbles: [...old.bubbles, ...found.bubbles], before: found.bubbles_before, error: null }));
    } catch (error) {
      setLater((old) => ({ ...old, error }));
    }
  };
  const all = [...artifact.bubbles, ...later.bubbles];
  return html`<${Bubbles} bubbles=${descriptions(all)} nodes=${nodes} />
    ${readings(all).map((bubble) => html`<${Who} key=${bubble.id} bubble=${bubble} />`)}
    ${later.error && html`<p class="tone-bad" role="alert">Not read: ${later.error.message}.</p>`}
    ${next && html`<p class="center"><button type="button" class="older" onClick=${more}>What more nodes say</button></p>`}`;
}
