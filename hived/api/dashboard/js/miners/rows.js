/* The rows of the fleet. How each is doing comes with it. */
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
    row.firmware_version, row.group, ...(row.tags ?? []), row.condition.word, row.condition.why]
    .filter((text) => text)
    .join("\n")
    .toLowerCase();
  return row;
}
