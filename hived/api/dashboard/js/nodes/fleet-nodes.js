/* The nodes of the fleet as the master knows them: read once for all who show them, again every few seconds. */
import { get } from "../lib/api.js";
import { watched } from "../lib/watched.js";

const LOOK_EVERY_MS = 5000;

const known = { nodes: null, error: null, readAt: null }; // readAt: ms of this browser's clock
let timer = null;
const [useKnown, tell] = watched({
  begin: () => {
    read();
    timer = setInterval(() => document.visibilityState === "visible" && read(), LOOK_EVERY_MS);
  },
  end: () => clearInterval(timer),
});

async function read() {
  try {
    const nodes = await get("/api/v1/nodes");
    Object.assign(known, { nodes, error: null, readAt: Date.now() });
  } catch (error) {
    known.error = error;
  }
  tell();
}

/* {nodes, error, readAt, again}: `nodes` is null before the first reading, and keeps what was read last. */
export function useNodes() {
  useKnown();
  return { ...known, data: known.nodes, again: read };
}

/* Those that miners, events and artifacts can be of: whoever only asks to join has sent nothing. */
export const members = (nodes) => (nodes ?? []).filter((node) => node.status !== "pending");

/* The id of the master's own node, of which events say nothing; null while the nodes are not read. */
export const ownId = () => known.nodes?.find((node) => node.role === "master")?.node_id ?? null;

/* As much of a node's id as tells it from others; ids that people chose are short. */
export const shortId = (id) => (String(id).length > 20 ? String(id).slice(0, 8) : String(id));

export function nodeName(nodes, id) {
  const node = (nodes ?? []).find((one) => one.node_id === id);
  return node?.name || shortId(id ?? "unknown");
}

export const nodePath = (id) => `/nodes?node=${encodeURIComponent(id)}`;
