/* The page of the auto-miner: what it does, where it collects, what came of it. */
import { ArtifactView } from "./artifact.js";
import { AutoMiner } from "./auto-miner.js";
import { ArtifactList } from "./artifact-list.js";
import { html, useRef } from "../lib/html.js";
import { useLive } from "../lib/live.js";
import { useRead } from "../lib/ui.js";
import { Sources } from "./sources.js";

const READ_EVERY_MS = 10000; // counting what waits goes over a museum's whole list: half a million rows

export function CollectingPage({ query }) {
  const artifact = query.get("artifact");
  return artifact === null ? html`<${Overview} query=${query} />` : html`<${ArtifactView} key=${artifact} id=${artifact} />`;
}

function Overview({ query }) {
  const { collecting } = useLive();
  const mark = collecting && `${collecting.status} ${collecting.current_source} ${collecting.auto_miner}`;
  const read = useRead("/sources", { everyMs: READ_EVERY_MS, mark });
  const sources = useRef(null); // what was read last stays while the next reading is under way
  if (read.data) sources.current = read.data;
  return html`<div class="pagehead"><h1 tabindex="-1">Collecting</h1></div>
    ${collecting ? html`<${AutoMiner} doing=${collecting} />` : html`<p class="note muted">Reading the auto-miner…</p>`}
    <${Sources} sources=${sources.current} read=${read} doing=${collecting} />
    <${ArtifactList} sources=${sources.current ?? []} query=${query} doing=${collecting} />`;
}
