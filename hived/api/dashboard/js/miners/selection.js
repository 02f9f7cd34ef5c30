/* Which miners are selected in the fleet's table. They stay selected while it is sorted, filtered and updated, and while
other pages are shown. */
import { watched } from "../lib/watched.js";

const [useChanges, tell] = watched();
const selected = new Set();
let anchor = null; // where a range begins: the row that was turned last

export const selection = { ids: selected, changes: 0 };

function changed() {
  selection.changes += 1;
  tell();
}

export function useSelection() {
  useChanges();
  return selection;
}

/* Turn a row, or with `range` all rows from the one that was turned last. `shown`: the ids as the table has them. */
export function turn(id, shown, { range = false } = {}) {
  const on = !selected.has(id);
  const from = range ? shown.indexOf(anchor) : -1;
  const to = shown.indexOf(id);
  const ids = from < 0 ? [id] : shown.slice(Math.min(from, to), Math.max(from, to) + 1);
  anchor = id;
  setSelected(ids, on);
}

export function setSelected(ids, on) {
  for (const id of ids) {
    if (on) selected.add(id);
    else selected.delete(id);
  }
  changed();
}

export function clearSelection() {
  selected.clear();
  anchor = null;
  changed();
}
