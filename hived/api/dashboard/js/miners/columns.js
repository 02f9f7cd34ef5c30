/* The columns of the fleet's table: heading, cell, and the value it sorts by (null always comes last). */
import { html } from "../lib/html.js";
import { ago, exact, number, percent, span, UNKNOWN } from "../lib/format.js";
import { Bar } from "../lib/ui.js";

const text = (value) => (value ? value.toLowerCase() : null);

/* A number of now: "-" when the miner is silent or offline, whatever it told before. */
const fresh = (value) => (row, look) => (look.old ? null : value(row));
const hottest = (row) => row.chip_temp_max_c ?? row.pcb_temp_max_c;
const hashrateNow = fresh((row) => row.hashrate_ths);
const shareNow = fresh((row) => row.percent);
const powerNow = fresh((row) => row.power_w);
const efficiencyNow = fresh((row) => row.efficiency_j_per_th);
const hottestNow = fresh(hottest);

function lastKnown(row, look, value, unit, places = 0) {
  return look.old && row.statusMs !== null ? `last known ${number(value, places)} ${unit}, ${exact(row.statusMs)}` : "";
}

function hashrateCell(row, look) {
  return html`<b>${number(hashrateNow(row, look), 1)}</b><span class="of"> / ${number(row.hashrate_expected_ths, 1)}</span>`;
}

function shareCell(row, look) {
  const share = shareNow(row, look);
  return html`<${Bar} share=${share} /><span class="share">${percent(share)}</span>`;
}

function troubleCell(row, look) {
  if (!look.marks.includes("trouble")) {
    return row.boards && !look.old ? html`<span class="muted" title="No board failed, no fan lost">${row.boards} ok</span>` : html`<span class="muted">${UNKNOWN}</span>`;
  }
  return html`${row.boards_failed > 0 && html`<span class="mark tone-bad" title="Failed boards of all boards">▦ ${row.boards_failed}/${row.boards ?? "?"}</span>`}
  ${row.fans_lost > 0 && html`<span class="mark tone-bad" title="Lost fans">✣ ${row.fans_lost}</span>`}`;
}

function errorCell(row, look, nowMs) {
  if (look.why) {
    const since = row.errorMs !== null && look.why === row.last_error ? html`<span class="when">${ago(row.errorMs, nowMs)}:</span> ` : "";
    return html`${since}<span class="tone-${look.tone}">${look.why}</span> <span class="muted">→ ${look.next_step}</span>`;
  }
  if (!row.last_error) return "";
  return html`<span class="when">${row.errorMs === null ? "" : `${ago(row.errorMs, nowMs)}:`}</span> <span class="muted">${row.last_error}</span>`;
}

/* Who keeps orders from a miner, and why, in words; null when nobody does. */
export function heldWords(row) {
  const held = ["locked", "protected"].find((name) => row[name]);
  return held ? `${held} by ${row[held].by}: ${row[held].why}` : null;
}

const LOCK = "M4 7V5a4 4 0 0 1 8 0v2h1v8H3V7zm2 0h4V5a2 2 0 0 0-4 0z";
const SHIELD = "M8 1l6 2v5c0 4-3 6-6 7-3-1-6-3-6-7V3z";

/* A small drawing of 16 x 16, with words for those who cannot see it. */
function Sign({ css, words, path }) {
  return html`<svg class="held ${css}" viewBox="0 0 16 16" width="12" height="12" role="img" aria-label=${words}><title>${words}</title><path fill="currentColor" d=${path} /></svg>`;
}

function heldMark(row) {
  const words = heldWords(row);
  return words && html` <${Sign} css=${row.locked ? "tone-warn" : "muted"} words=${words} path=${row.locked ? LOCK : SHIELD} />`;
}

/* Group and tags: what the operator sorted it by. */
function groupCell(row) {
  return html`${row.group ?? ""}${row.tags?.length ? html` <span class="muted">${row.tags.join(", ")}</span>` : ""}`;
}

/* A miner that an order paused stands because somebody wanted it. */
const isPaused = (row, look) => !look.old && (row.lost ?? []).some(({ reason }) => reason === "planned");

function stateCell(row, look) {
  return html`<span class="tone-${look.tone}"><span class="dot"></span>${look.word}</span>${isPaused(row, look) ? html` <${Sign} css="muted paused" words="paused by an order" path="M4 2h3v12H4zm5 0h3v12H9z" />` : ""}`;
}

function addressCell(row) {
  const place = row.ip ?? row.last_ip;
  return html`<a class="pick ${place ? "" : "mac"} ${row.ip ? "" : "muted"}" href=${`/miners/${row.id}`} data-id=${row.id} title=${!row.ip && place ? "Where it was last seen" : undefined}>${place ?? row.id}</a>${heldMark(row)}`;
}

/* "S19j Pro" is enough where the maker is one and the same; the title says it in full. */
function shortModel(row) {
  return (row.model_name ?? row.model ?? UNKNOWN).replace(/^Antminer /, "");
}

const stateTitle = (row, look) => [
  isPaused(row, look) && "paused by an order of hived, and not resumed yet",
  row.state && row.state !== look.word && `last known state: ${row.state}`,
  look.why,
  look.next_step && `next: ${look.next_step}`,
].filter(Boolean).join("\n");

export const COLUMNS = [
  {
    key: "state", head: "State", width: "state",
    cell: stateCell,
    value: (row, look) => look.word, title: stateTitle,
  },
  { key: "address", head: "Address", width: "address", cell: addressCell, value: (row) => row.ipKey, title: (row) => [`MAC ${row.id}`, heldWords(row)].filter(Boolean).join("\n") },
  {
    key: "group", head: "Group", width: "group", cell: groupCell, value: (row) => text(row.group),
    title: (row) => [row.group && `group ${row.group}`, row.tags?.length && `tags ${row.tags.join(", ")}`].filter(Boolean).join("\n"), headTitle: "Group and tags",
  },
  { key: "host", head: "Host", width: "host", cell: (row) => row.hostname ?? "", value: (row) => text(row.hostname), title: (row) => row.hostname },
  {
    key: "model", head: "Model", width: "model", cell: (row) => shortModel(row),
    value: (row) => text(row.model_name ?? row.model), title: (row) => [row.model_name, row.firmware_version].filter(Boolean).join(", firmware "),
  },
  {
    key: "hashrate", head: "TH/s", width: "hashrate", number: true, cell: hashrateCell, value: hashrateNow, first: -1,
    title: (row, look) => lastKnown(row, look, row.hashrate_ths, "TH/s", 1),
    headTitle: "Hashrate now / expected",
  },
  {
    key: "share", head: "of expected", width: "share", number: true, cell: shareCell, value: shareNow, first: 1,
    headTitle: "Hashrate now in percent of what is expected",
  },
  {
    key: "power", head: "W", width: "power", number: true, cell: (row, look) => number(powerNow(row, look)), value: powerNow, first: -1, headTitle: "Power",
    title: (row, look) => lastKnown(row, look, row.power_w, "W"),
  },
  {
    key: "efficiency", head: "J/TH", width: "efficiency", number: true, cell: (row, look) => number(efficiencyNow(row, look), 1),
    value: efficiencyNow, first: -1, headTitle: "Efficiency: less is better",
  },
  {
    key: "temp", head: "°C", width: "temp", number: true, cell: (row, look) => number(hottestNow(row, look)),
    value: hottestNow, first: -1, headTitle: "Hottest chip",
    title: (row, look) => lastKnown(row, look, hottest(row), "°C") || `hottest chip ${number(row.chip_temp_max_c)} °C, hottest board ${number(row.pcb_temp_max_c)} °C`,
  },
  { key: "preset", head: "Preset", width: "preset", cell: (row) => row.preset ?? UNKNOWN, value: (row) => presetValue(row.preset), title: (row) => row.preset },
  {
    key: "trouble", head: "Boards", width: "trouble", cell: troubleCell, first: -1, headTitle: "Failed hashboards and lost fans",
    value: (row) => (row.boards_failed ?? 0) * 100 + (row.fans_lost ?? 0),
  },
  { key: "pool", head: "Pool", width: "pool", cell: (row) => row.poolText, value: (row) => text(row.poolText), title: (row) => row.pool },
  {
    key: "error", head: "Trouble", width: "error", cell: errorCell, value: (row) => row.errorMs, first: -1,
    headTitle: "What is wrong and what to do next; else the last error, which is over",
    title: (row, look) => (look.why ? `${look.why}\nnext: ${look.next_step}` : row.last_error ? `${row.last_error} (${exact(row.errorMs)}; ${row.error_count ?? "?"} so far)` : ""),
  },
  { key: "seen", head: "Seen", width: "seen", number: true, cell: (row, look, nowMs) => (row.seenMs === null ? UNKNOWN : span((nowMs - row.seenMs) / 1000)), value: (row) => row.seenMs, first: 1, title: (row) => exact(row.seenMs), headTitle: "Last seen, ago" },
];

/* Presets are mostly named by their watts: "2350" sorts before "11000". */
function presetValue(name) {
  if (!name) return null;
  const watts = Number(name);
  return Number.isFinite(watts) ? watts : Infinity;
}

export const BY_KEY = new Map(COLUMNS.map((column) => [column.key, column]));

/* Keep the address as tie-break, so that equal rows never dance. */
function tie(a, b) {
  return (a.row.ipKey ?? Infinity) - (b.row.ipKey ?? Infinity) || (a.row.id < b.row.id ? -1 : 1);
}

function worstFirst(a, b) {
  return a.look.rank - b.look.rank || (a.share ?? -1) - (b.share ?? -1) || tie(a, b);
}

/* A comparison of {row, look, share}: by a column, or "worst" first. */
export function comparison(key, descending) {
  const column = BY_KEY.get(key);
  if (!column) return worstFirst;
  const sign = descending ? -1 : 1;
  return (a, b) => {
    const left = column.value(a.row, a.look);
    const right = column.value(b.row, b.look);
    if (left === right) return tie(a, b);
    if (left === null || left === undefined) return 1;
    if (right === null || right === undefined) return -1;
    return (left < right ? -1 : 1) * sign;
  };
}

