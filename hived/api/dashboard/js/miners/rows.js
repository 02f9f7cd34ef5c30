/* The rows of the fleet, and what they can be counted and filtered by. How each is doing comes with it. */
import { addressNumber, percentOf, poolHost, stamp } from "../lib/format.js";

/* Add to a row what sorting, searching and drawing need again and again. */
export function enrich(row, before) {
  row.ipKey = before && before.last_ip === row.last_ip ? before.ipKey : addressNumber(row.last_ip);
  row.percent = percentOf(row.hashrate_ths, row.hashrate_expected_ths);
  row.seenMs = stamp(row.seen_at);
  row.statusMs = stamp(row.status_at);
  row.errorMs = stamp(row.last_error_at);
  row.poolText = poolHost(row.pool);
  row.hay = [row.last_ip, row.id, row.hostname, row.model, row.model_name, row.last_error, row.pool, row.state, row.preset,
    row.firmware_version]
    .filter((text) => text)
    .join("\n")
    .toLowerCase();
  return row;
}

/* The marks of a miner's condition, as the page calls them: {mark: [words, title]}. */
export const MARKS = {
  online: ["online", "Answers at an address"],
  hashing: ["hashing", "Mining or auto-tuning, with a fresh status"],
  failing: ["failing", "The last poll failed"],
  failure: ["failure", "The miner itself says that it has failed"],
  unreadable: ["unreadable", "Answers, but its answer has no state that can be read"],
  trouble: ["board or fan lost", "A hashboard failed or a fan is lost"],
  foreign: ["foreign pool", "Has a pool or a worker in a slot that is not allowed"],
  silent: ["silent", "Answers, but its last status is old or there is none yet: not counted in the totals"],
  stopped: ["stopped", "Stopped by somebody"],
  starting: ["starting", "Between two states: starting, initializing, restarting or shutting down"],
  tuning: ["auto-tuning", "Tuning its chips; hashes meanwhile"],
  offline: ["offline", "Was not found in the last sweeps"],
  unseen: ["unseen", "Its node is away: nobody knows how it is doing, and it is not counted in the totals"],
};
