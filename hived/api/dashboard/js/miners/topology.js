/* Where the chips of a board sit: rows of chip indices from 0, -1 for a hole. */

/* The model's own layout when it names every chip once; else rows of a sensible length. {rows, told} */
export function gridOf(topology, chips) {
  if (fits(topology, chips)) return { rows: topology, told: true };
  if (!chips) return { rows: [], told: false };
  const columns = Math.max(1, Math.round(Math.sqrt(chips * 1.8)));
  const rows = [];
  for (let start = 0; start < chips; start += columns) {
    rows.push(Array.from({ length: Math.min(columns, chips - start) }, (_, i) => start + i));
  }
  return { rows, told: false };
}

function fits(topology, chips) {
  if (!Array.isArray(topology) || topology.length === 0) return false;
  const seen = new Set();
  for (const row of topology) {
    if (!Array.isArray(row)) return false;
    for (const chip of row) {
      if (chip < 0) continue;
      if (!Number.isInteger(chip) || seen.has(chip)) return false;
      seen.add(chip);
    }
  }
  return !chips || (seen.size === chips && Math.max(...seen) === chips - 1);
}
