/* What happened, in words a person understands. */
import { live } from "../lib/live.js";
import { longSpan } from "../lib/format.js";

const text = (value) => (value === null || value === undefined ? "?" : String(value));

function change(detail) {
  if (detail.after === "failure") return "reports a failure";
  if (detail.before === undefined || detail.before === null) return `is now ${text(detail.after)}`;
  return `went from ${text(detail.before)} to ${text(detail.after)}`;
}

function failureCode(detail) {
  const parts = [detail.failure_code ? `code ${detail.failure_code}` : "", detail.description ?? ""].filter(Boolean);
  return parts.length ? ` (${parts.join(": ")})` : "";
}

/* "Pool 1 address: a -> b" for one changed setting. */
export function settingWords({ path, before, after }) {
  const show = (value) => (value === null || value === undefined ? "none" : typeof value === "object" ? JSON.stringify(value) : String(value));
  return `${settingName(path)}: ${show(before)} → ${show(after)}`;
}

export function settingName(path) {
  return text(path)
    .replace(/^pools\.(\d+)\.(\w+)$/, (_, slot, field) => `pool ${Number(slot) + 1} ${field}`)
    .replaceAll("_", " ")
    .replaceAll(".", " ");
}

const SENTENCES = {
  miner_found: (d) => `was found${d.model ? `: ${d.model}` : ""}`,
  miner_online: () => "is back online",
  miner_offline: () => "went offline",
  address_changed: (d) => `moved from ${text(d.before)} to ${text(d.after)}`,
  firmware_changed: (d) => `runs firmware ${text(d.after)}${d.before ? ` (before: ${d.before})` : ""}`,
  reboot: (d) => `rebooted${typeof d.uptime_s === "number" ? `, up for ${longSpan(d.uptime_s)} when noticed` : ""}`,
  miner_error: (d) => `cannot be read: ${text(d.error)}`,
  state_changed: (d) => `${change(d)}${failureCode(d)}`,
  preset_changed: (d) => `runs preset ${text(d.after)}${d.before ? ` (before: ${d.before})` : ""}`,
  pool_switched: (d) => `mines at ${text(d.after)}${d.before ? ` (before: ${d.before})` : ""}`,
  board_lost: (d) => `lost board ${text(d.board)}`,
  board_back: (d) => `has board ${text(d.board)} back`,
  fan_lost: (d) => `lost fan ${text(d.fan)}`,
  fan_back: (d) => `has fan ${text(d.fan)} back`,
  peer_found: (d) => `sees ${text(d.role)} ${text(d.name)} at ${text(d.address)}`,
  peer_moved: (d) => `sees ${text(d.role)} ${text(d.name)} move from ${text(d.before)} to ${text(d.after)}`,
  peer_left: (d) => `saw ${text(d.role)} ${text(d.name)} leave the network`,
  peer_dead: (d) => `lost ${text(d.role)} ${text(d.name)}: ${text(d.reason)}`,
  peer_twice: (d) => `sees ${text(d.name)} and ${text(d.other)} with the same node id ${text(d.id)}: one is a copy`,
  node_joined: (d) => `let node ${text(d.name)} join`,
  database_restored: (d) => `has its database back from a backup of ${text(d.made_at)}`,
  database_replaced: (d) => `found its database damaged and began a new one; the old one is kept as ${text(d.kept)}`,
  node_lost: (d) => `hears nothing of node ${text(d.name)} any more`,
  node_back: (d) => `hears node ${text(d.name)} again`,
  settings_changed: (d) => {
    const changes = Array.isArray(d.changes) ? d.changes : [];
    const more = changes.length > 3 ? ` and ${changes.length - 3} more` : "";
    return `has new settings${changes.length ? ` - ${changes.slice(0, 3).map(settingWords).join("; ")}${more}` : ""}`;
  },
};

const BAD = new Set(["miner_offline", "miner_error", "board_lost", "fan_lost", "peer_dead", "peer_twice", "node_lost", "database_replaced"]);
const GOOD = new Set(["miner_found", "miner_online", "board_back", "fan_back", "peer_found", "node_joined", "node_back"]);

export const KINDS = {
  miner_found: "Miner found",
  miner_online: "Back online",
  miner_offline: "Went offline",
  miner_error: "Cannot be read",
  state_changed: "State changed",
  board_lost: "Board lost",
  board_back: "Board back",
  fan_lost: "Fan lost",
  fan_back: "Fan back",
  reboot: "Reboot",
  address_changed: "Address moved",
  firmware_changed: "Firmware changed",
  preset_changed: "Preset changed",
  pool_switched: "Pool switched",
  settings_changed: "Settings changed",
  peer_found: "Box found",
  peer_moved: "Box moved",
  peer_left: "Box left",
  peer_dead: "Box lost",
  peer_twice: "Node id twice",
  node_joined: "Node joined",
  database_restored: "Database restored",
  database_replaced: "Database replaced",
  node_lost: "Node silent",
  node_back: "Node back",
};

export function kindWord(kind) {
  return KINDS[kind] ?? text(kind).replaceAll("_", " ");
}

export function tone(event) {
  if (BAD.has(event.kind)) return "bad";
  if (GOOD.has(event.kind)) return "good";
  if (event.kind !== "state_changed") return "idle";
  return { failure: "bad", mining: "good", "auto-tuning": "tune" }[event.detail?.after] ?? "idle";
}

/* Who it happened to, as people know it: the address, else the MAC; the node for what is of no miner. */
export function who(event) {
  const mac = event.miner ?? null;
  if (mac === null && event.node_id) return { mac: null, name: event.node_name ?? event.node_id };
  if (mac === null) return { mac: null, name: event.kind.startsWith("node_") ? "This fleet" : "This site" };
  return { mac, name: live.rows.get(mac)?.ip ?? event.ip ?? event.detail?.ip ?? mac };
}

/* The sentence without its subject. */
export function sentence(event) {
  const detail = event.detail ?? {};
  const make = SENTENCES[event.kind];
  if (make) return make(detail);
  const told = Object.entries(detail).map(([key, value]) => `${key.replaceAll("_", " ")} ${typeof value === "object" ? JSON.stringify(value) : value}`);
  return `${kindWord(event.kind).toLowerCase()}${told.length ? `: ${told.join(", ")}` : ""}`;
}
