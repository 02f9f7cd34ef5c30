/* How a miner is doing, in one word, one colour and one place in the order "worst first". */
import { addressNumber, percentOf, poolHost, stamp } from "../lib/format.js";

export const SILENT_AFTER_S = 45; // three polls of 15 s
const REMOTE_SILENT_S = 300; // of another node, which may ask more seldom

export const HASHING = new Set(["mining", "auto-tuning"]);
const ON_THE_WAY = new Set(["initializing", "starting", "restarting", "shutting-down"]);

/* Add to a row what sorting, searching and drawing need again and again. */
export function enrich(row, before) {
  const same = before && before.ip === row.ip ? before.ipKey : addressNumber(row.ip);
  row.ipKey = same;
  row.percent = percentOf(row.hashrate_ths, row.hashrate_nominal_ths);
  row.seenMs = stamp(row.seen_at);
  row.statusMs = stamp(row.status_at);
  row.errorMs = stamp(row.last_error_at);
  row.poolText = poolHost(row.pool);
  row.hay = [row.ip, row.id, row.hostname, row.model, row.model_name, row.last_error, row.pool, row.state, row.preset,
    row.firmware_version]
    .filter((text) => text)
    .join("\n")
    .toLowerCase();
  return row;
}

export function isSilent(row, now, after) {
  const old = (row.remote ? Math.max(after, REMOTE_SILENT_S) : after) * 1000;
  return row.online && (row.statusMs === null || now - row.statusMs > old);
}

export function hasTrouble(row) {
  return row.boards_failed > 0 || row.fans_lost > 0;
}

/* {word, tone, rank, old}: tone is a colour class; rank 0 is worst; `old` says that its numbers are not those of now. */
export function condition(row, now, after) {
  const look = outlook(row, now, after);
  look.old = !row.online || isSilent(row, now, after);
  return look;
}

function outlook(row, now, after) {
  if (row.state === "failure" && row.online) return { word: "failure", tone: "bad", rank: 0 };
  if (row.online && row.failing) return { word: "failing", tone: "bad", rank: 0 };
  if (!row.online) return { word: "offline", tone: "off", rank: 1 };
  if (isSilent(row, now, after)) {
    return row.statusMs === null ? { word: "no status yet", tone: "warn", rank: 2 } : { word: "silent", tone: "warn", rank: 2 };
  }
  const rank = hasTrouble(row) ? 3 : 4;
  if (row.state === "auto-tuning") return { word: "auto-tuning", tone: "tune", rank };
  if (HASHING.has(row.state)) return { word: row.state, tone: rank === 3 ? "warn" : "good", rank };
  if (ON_THE_WAY.has(row.state)) return { word: row.state, tone: "tune", rank };
  return { word: row.state ?? "unknown", tone: "idle", rank };
}

/* The filters of the fleet page; each is a test of (row, now, after). */
export const SHOWN = {
  online: (row) => row.online,
  hashing: (row, now, after) => row.online && HASHING.has(row.state) && !isSilent(row, now, after),
  failing: (row) => row.online && (row.failing || row.state === "failure"),
  trouble: (row) => row.online && hasTrouble(row),
  silent: (row, now, after) => isSilent(row, now, after),
  stopped: (row) => row.online && row.state === "stopped",
  starting: (row) => row.online && ON_THE_WAY.has(row.state),
  tuning: (row) => row.online && row.state === "auto-tuning",
  offline: (row) => !row.online,
};

export const SHOWN_WORDS = {
  online: "online",
  hashing: "hashing",
  failing: "failing",
  trouble: "board or fan lost",
  silent: "silent",
  stopped: "stopped",
  starting: "starting",
  tuning: "auto-tuning",
  offline: "offline",
};

export const SHOWN_TITLES = {
  online: "Answers at an address",
  hashing: "Mining or auto-tuning, with a fresh status",
  failing: "The last poll failed, or the miner itself reports a failure",
  trouble: "A hashboard failed or a fan is lost",
  silent: "Answers, but its last status is old or there is none yet: not counted in the totals",
  stopped: "Stopped by somebody",
  starting: "Between two states: starting, initializing, restarting or shutting down",
  tuning: "Tuning its chips; hashes meanwhile",
  offline: "Was not found in the last sweeps",
};
