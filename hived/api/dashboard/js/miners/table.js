/* The table of miners: only the rows in sight are in the document, whatever the size of the fleet.

The order is held while the reader is at work in it (pointer or focus on a row, or scrolled into it): values change in
place, rows do not jump. What would move meanwhile is offered as a button. */
import { BY_KEY, COLUMNS } from "./columns.js";
import { html, useEffect, useLayoutEffect, useMemo, useRef, useState } from "../lib/html.js";
import { go, minerPath, restoreScroll } from "../lib/router.js";
import { may, useSession } from "../lib/session.js";
import { setSelected, turn, useSelection } from "./selection.js";

const OVERSCAN = 12; // rows drawn above and below the window, so that a fast scroll shows no gap
const SETTLE_MS = 15000; // without a reader, small changes of place are followed this often
const REST_MS = 60000; // a pointer that lies still this long holds nothing any more

/* Where each miner stood when the order was made: a mark of what a reader would notice. */
function markOf(entries) {
  return new Map(entries.map(({ row, look }) => [row.id, look.rank]));
}

function noticeable(held, entries) {
  let moved = 0;
  for (const { row, look } of entries) if (held.get(row.id) !== look.rank) moved += 1;
  const gone = held.size - entries.filter(({ row }) => held.has(row.id)).length;
  return moved + gone;
}

/* Keep `entries` in a steady order: {ids, waiting, settle}. */
function useSteadyOrder(entries, key, isHeld) {
  const kept = useRef(null);
  const [, again] = useState(0);
  const adopt = () => {
    kept.current = { key, at: Date.now(), ids: entries.map(({ row }) => row.id), marks: markOf(entries) };
  };
  let waiting = 0;
  if (kept.current?.key !== key) adopt();
  else {
    const changes = noticeable(kept.current.marks, entries);
    if (isHeld()) waiting = changes;
    else if (changes || Date.now() - kept.current.at > SETTLE_MS) adopt();
  }
  const settle = () => {
    kept.current = null;
    again((n) => n + 1);
  };
  return { ids: kept.current.ids, waiting, settle };
}

function useWindow(body, rowHeight, total) {
  const [from, setFrom] = useState(0);
  const [height, setHeight] = useState(window.innerHeight);
  useLayoutEffect(() => {
    let asked = 0;
    const measure = () => {
      asked = 0;
      if (!body.current) return;
      const top = -body.current.getBoundingClientRect().top;
      const first = Math.max(0, Math.floor(top / rowHeight) - OVERSCAN);
      setFrom(first - (first % 4)); // a few rows at a time: most scroll events draw nothing
      setHeight(window.innerHeight);
    };
    const soon = () => {
      asked ||= requestAnimationFrame(measure);
    };
    measure();
    window.addEventListener("scroll", soon, { passive: true });
    window.addEventListener("resize", soon);
    return () => {
      cancelAnimationFrame(asked);
      window.removeEventListener("scroll", soon);
      window.removeEventListener("resize", soon);
    };
  }, [rowHeight, total]);
  const start = Math.min(from, Math.max(0, total - 1));
  return [start, Math.min(total, start + Math.ceil(height / rowHeight) + 2 * OVERSCAN + 4)];
}

/* The height of a row as the style sheet has it: one line on a desk, three on a phone. */
function useRowHeight() {
  const read = () => Number.parseFloat(getComputedStyle(document.documentElement).getPropertyValue("--row")) || 34;
  const [height, setHeight] = useState(read);
  useEffect(() => {
    const again = () => setHeight(read());
    window.addEventListener("resize", again);
    return () => window.removeEventListener("resize", again);
  }, []);
  return height;
}

function Heading({ column, sort, onSort }) {
  const active = sort.key === column.key;
  const order = active ? (sort.descending ? "descending" : "ascending") : undefined;
  return html`<th scope="col" role="columnheader" class="c-${column.width} ${column.number ? "num" : ""}" aria-sort=${order} title=${column.headTitle}>
    <button type="button" onClick=${() => onSort(column.key)}>${column.head}<span class="arrow" aria-hidden="true">${active ? (sort.descending ? "▼" : "▲") : ""}</span></button>
  </th>`;
}

/* The box of a row, as large as its cell; with Shift all rows from the one before. */
function SelectCell({ row, selected, onTurn }) {
  const click = (event) => {
    event.stopPropagation();
    onTurn(row.id, event.shiftKey);
  };
  // A click with Shift would mark the text of all rows in between.
  return html`<td role="cell" class="c-select" onClick=${click} onMouseDown=${(event) => event.shiftKey && event.preventDefault()}>
    <input type="checkbox" checked=${selected} aria-label=${`Select ${row.ip ?? row.last_ip ?? row.id}`} /></td>`;
}

/* Selects all that match the filter, also those that are not drawn; or none of them. */
function SelectAll({ ids, selected }) {
  const n = ids.reduce((sum, id) => sum + selected.has(id), 0);
  const words = `Select all ${ids.length} that match`;
  return html`<th scope="col" role="columnheader" class="c-select"><input type="checkbox" aria-label=${words} title=${words}
    checked=${n > 0 && n === ids.length} indeterminate=${n > 0 && n < ids.length} onChange=${() => setSelected(ids, n < ids.length)} /></th>`;
}

/* One miner. Drawn again only when something of it changed: a scroll leaves the rows that stay alone. `selected`: null for
   who may not steer. */
function Row({ row, index, nowMs, chosen, onChoose, selected, onTurn }) {
  return useMemo(() => {
    const look = row.condition;
    const open = (event) => {
      onChoose(row.id);
      if (event.target.closest("a") || String(window.getSelection())) return;
      if (event.metaKey || event.ctrlKey) window.open(minerPath(row.id), "_blank", "noopener");
      else go(minerPath(row.id));
    };
    return html`<tr role="row" aria-rowindex=${index + 2} class="tone-row-${look.tone} ${chosen ? "chosen" : ""} ${selected ? "selected" : ""}" data-mac=${row.id} onClick=${open}>
      ${selected !== null && html`<${SelectCell} row=${row} selected=${selected} onTurn=${onTurn} />`}
      ${COLUMNS.map(
        (column) => html`<td role="cell" class="c-${column.width} ${column.number ? "num" : ""}" title=${column.title?.(row, look) || undefined}>${column.cell(row, look, nowMs)}</td>`,
      )}
    </tr>`;
  }, [row, index, nowMs, chosen, selected]);
}

/* Up, Down, PageUp, PageDown, Home and End move over all rows, also those that are not drawn yet. */
function useArrows(ids, chosen, choose, body, rowHeight) {
  const wanted = useRef(null);
  useLayoutEffect(() => {
    if (wanted.current === null) return;
    const { id, box } = wanted.current;
    const place = body.current?.querySelector(`tr[data-mac="${id}"] ${box ? "input" : "a[data-id]"}`);
    if (place) {
      wanted.current = null;
      place.focus({ preventScroll: true });
    }
  });
  return (event) => {
    const page = Math.max(1, Math.floor(window.innerHeight / rowHeight) - 4);
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -ids.length, End: ids.length }[event.key];
    if (!step || event.altKey || event.ctrlKey || event.metaKey || !event.target.closest("tbody")) return;
    event.preventDefault();
    const at = ids.indexOf(event.target.closest("tr")?.dataset.mac ?? chosen);
    const next = Math.max(0, Math.min(ids.length - 1, at + step));
    choose(ids[next]);
    wanted.current = { id: ids[next], box: event.target.type === "checkbox" };
    bringIntoView(body.current, next, rowHeight);
  };
}

function bringIntoView(body, index, rowHeight) {
  const head = document.querySelector(".miners thead")?.getBoundingClientRect();
  const above = Math.max(0, head?.bottom ?? 0) + 4;
  const top = body.getBoundingClientRect().top + index * rowHeight;
  if (top < above) window.scrollBy(0, top - above);
  const below = window.innerHeight - (document.querySelector(".actionbar")?.offsetHeight ?? 0) - 8;
  if (top >= above && top + rowHeight > below) window.scrollBy(0, top + rowHeight - below);
}

/* Which row was chosen last: kept while other pages are shown. */
let chosenBefore = null;

/* True while the reader works in the table. */
function useReader(body) {
  const pointer = useRef(0);
  const away = () => {
    pointer.current = 0;
  };
  const here = () => {
    pointer.current = Date.now();
  };
  const held = () =>
    Date.now() - pointer.current < REST_MS ||
    Boolean(body.current?.contains(document.activeElement)) ||
    (body.current ? body.current.getBoundingClientRect().top < 0 : false);
  return { held, here, away };
}

export function MinersTable({ entries, rows, orderKey, sort, onSort, nowMs }) {
  const body = useRef(null);
  const rowHeight = useRowHeight();
  const reader = useReader(body);
  const { ids, waiting, settle } = useSteadyOrder(entries, orderKey, reader.held);
  const present = ids.filter((id) => rows.has(id));
  const [from, to] = useWindow(body, rowHeight, present.length);
  const [chosen, setChosen] = useState(chosenBefore);
  const choose = (id) => {
    chosenBefore = id;
    setChosen(id);
  };
  useSession();
  const steers = may("operator");
  const { ids: selected } = useSelection();
  const shown = useRef(present);
  shown.current = present;
  const onTurn = (id, range) => turn(id, shown.current, { range });
  const onKeyDown = useArrows(present, chosen, choose, body, rowHeight);
  useLayoutEffect(() => restoreScroll(), []);
  const shownKey = useRef(orderKey);
  useLayoutEffect(() => {
    if (shownKey.current === orderKey) return;
    shownKey.current = orderKey; // another order or choice is read from its first row
    if (body.current.getBoundingClientRect().top < 0) bringIntoView(body.current, 0, rowHeight);
  }, [orderKey]);
  return html`<div class="tablebox">
    ${waiting > 0 && html`<button type="button" class="settle" onClick=${settle}>${waiting} changed - sort again</button>`}
    <table class="miners ${steers ? "selectable" : ""}" role="table" aria-label="Miners" aria-rowcount=${present.length + 1} onKeyDown=${onKeyDown}>
      <thead role="rowgroup"><tr role="row">${steers && html`<${SelectAll} ids=${present} selected=${selected} />`}${COLUMNS.map((column) => html`<${Heading} key=${column.key} column=${column} sort=${sort} onSort=${onSort} />`)}</tr></thead>
      <tbody role="rowgroup" ref=${body} onPointerMove=${reader.here} onPointerLeave=${reader.away}>
        <tr class="space" aria-hidden="true" key="above"><td style=${{ height: `${from * rowHeight}px` }}></td></tr>
        ${present.slice(from, to).map((id, i) => {
          const row = rows.get(id);
          return html`<${Row} key=${id} row=${row} index=${from + i} nowMs=${nowMs} chosen=${id === chosen} onChoose=${choose} selected=${steers ? selected.has(id) : null} onTurn=${onTurn} />`;
        })}
        <tr class="space" aria-hidden="true" key="below"><td style=${{ height: `${Math.max(0, present.length - to) * rowHeight}px` }}></td></tr>
      </tbody>
    </table>
  </div>`;
}

/* The order after pressing a heading: first its natural direction, then the other, then worst first again. */
export function nextSort(sort, key) {
  const natural = BY_KEY.get(key)?.first === -1;
  if (sort.key !== key) return { key, descending: natural };
  return sort.descending === natural ? { key, descending: !natural } : { key: "worst", descending: false };
}
