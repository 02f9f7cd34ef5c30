/* The fleet: totals now against expected, and the table of all miners. */
import { BY_KEY, COLUMNS, comparison } from "./columns.js";
import { EmptySite } from "./empty.js";
import { nodePath, ownId } from "../nodes/fleet-nodes.js";
import { count, exact, hashrate, known, number, own, power, stamp, UNKNOWN } from "../lib/format.js";
import { html, useEffect, useMemo, useRef } from "../lib/html.js";
import { live, useLive, useNow, useUnknownSince } from "../lib/live.js";
import { Figure, HashrateFigure, useRead, When } from "../lib/ui.js";
import { NodeChoice, ofNode } from "../nodes/node-filter.js";
import { setQuery } from "../lib/router.js";
import { kindWords } from "../appliance/site.js";
import { ActionBar } from "./steer.js";
import { MinersTable, nextSort } from "./table.js";

const ALWAYS_SHOWN = ["online", "hashing", "failing", "failure", "silent", "stopped"];
const NO_LEGEND = { marks: [], reasons: [] };

export function FleetPage({ query }) {
  const { loaded, rows, fleet, link, reason } = useLive();
  const nowMs = useNow();
  const unknownSince = useUnknownSince();
  const legend = useRead("/api/v1/legend").data ?? NO_LEGEND;
  if (!loaded) {
    return html`<section class="plain"><h1 tabindex="-1">Fleet</h1>
      <p class=${link === "lost" ? "tone-bad" : "muted"}>${link === "lost" ? `Not reachable: ${reason}.` : "Reading the fleet…"}</p></section>`;
  }
  if (rows.size === 0) return html`<${EmptySite} fleet=${fleet} />`;
  return html`<h1 class="hidden" tabindex="-1">Fleet</h1>
    ${unknownSince === null
      ? html`<${Warnings} fleet=${fleet} /><${Totals} whole=${fleet} node=${query.get("node")} legend=${legend} />`
      : html`<${UnknownTotals} since=${unknownSince} />`}
    <${Miners} rows=${rows} fleet=${fleet} query=${query} nowMs=${nowMs} legend=${legend} unknownSince=${unknownSince} />
    <${Legend} legend=${legend} />`;
}

/* Who does not watch its miners, so that what they do is unknown. */
function Warnings({ fleet }) {
  return html`${fleet.stale && html`<p class="note tone-bad warning" role="status">${fleet.stale_because}: what is shown here is getting old. <code>hivectl status</code> says what to do.</p>`}
  ${fleet.blind_nodes.map((node) => html`<p key=${node.node_id} class="note tone-bad warning" role="status">
    <a href=${nodePath(node.node_id)}>${node.name}</a> ${node.what}${node.since && html`, last heard of <${When} ms=${stamp(node.since)} />`}: ${count(node.miners, "miner")} unknown.${" "}
    <span class="muted">Next: ${node.next_step}.</span></p>`)}`;
}

/* While nothing is heard from hive-apid, nothing is known. */
function UnknownTotals({ since }) {
  return html`<section class="totals" aria-label="Totals">${["Hashrate", "Lost now", "Power", "Efficiency", "Miners"].map(
    (label) => html`<${Figure} key=${label} label=${label} value=${UNKNOWN}><p class="small">unknown since ${exact(since)}</p><//>`,
  )}</section>`;
}

/* What the words mean, as the server has them. */
function Legend({ legend }) {
  return html`<details class="words"><summary>What the words mean</summary><div class="columns">
    ${[["Miners", legend.marks], ["Why hashrate is missing", legend.reasons]].map(([title, words]) => html`<section key=${title}><h2>${title}</h2>
      <dl>${words.map((one) => html`<div key=${one.name}><dt>${one.words}</dt><dd>${one.meaning}</dd></div>`)}</dl></section>`)}</div></details>`;
}

/* Of the whole fleet as the server sums it, or of one node's miners. */
function Totals({ whole, node, legend }) {
  const elsewhere = node && node !== ownId(); // sweeps of other nodes are not known here
  const fleet = ofNode(whole, node);
  const [watts, wattUnit] = power(fleet.power_w);
  const others = Object.entries(whole.strangers ?? {});
  const sweep = whole.last_sweep;
  return html`<section class="totals" aria-label="Totals">
    <${HashrateFigure} now=${fleet.hashrate_ths} expected=${fleet.hashrate_expected_ths} />
    <${LostNow} fleet=${fleet} legend=${legend} />
    <${Figure} label="Power" value=${watts} unit=${wattUnit}><p class="small">${known(fleet.power_each_w) ? `∅ ${power(fleet.power_each_w).join(" ")} a miner` : ""}</p><//>
    <${Figure} label="Efficiency" value=${number(fleet.efficiency_j_per_th, 1)} unit="J/TH"><p class="small">power / hashrate</p><//>
    <${Figure} label="Miners" value=${number(fleet.miners)}>
      <p class="small">${number(fleet.online)} online, ${number(fleet.hashing)} hashing</p>
      ${fleet.silent > 0 && html`<p class="small tone-warn">${number(fleet.silent)} silent, not counted in the totals</p>`}
      ${!elsewhere && html`<p class="small sweep">${sweep ? html`sweep of ${number(sweep.addresses)} addresses <${SweepWhen} sweep=${sweep} />` : "no sweep yet"}</p>
      ${others.length > 0 && html`<p class="small"><a href="/site" title=${others.map(([kind, n]) => `${n} × ${kindWords(kind)}`).join(", ")}>${count(sum(others), "other device")}</a></p>`}`}
    <//>
  </section>`;
}

/* The rows that one node watches; all of them for no node. */
const rowsOf = (rows, node) => (node ? new Map([...rows].filter(([, row]) => row.node_id === node)) : rows);

const sum = (entries) => entries.reduce((total, [, n]) => total + n, 0);

/* What is missing of what the miners should give, with its reasons. What nobody watches is unknown rather than lost: a row of its own. */
function LostNow({ fleet, legend }) {
  const [value, unit] = hashrate(fleet.hashrate_lost_ths);
  const meaning = Object.fromEntries(legend.reasons.map((one) => [one.name, one.meaning]));
  const { miners: unseen, hashrate_ths: ths, since } = fleet.unseen;
  return html`<${Figure} label="Lost now" value=${value} unit=${unit} title="What is expected less what is given now">
    ${fleet.lost.length > 0 && html`<ul class="small lost" aria-label="Lost">${fleet.lost.map(
      ({ reason, hashrate_ths: ths, miners }) => html`<li key=${reason} title=${own(meaning, reason)} class=${reason === "weak" ? "muted" : "tone-warn"}>${hashrate(ths).join(" ")} ${reason} <small>${count(miners, "miner")}</small></li>`,
    )}</ul>`}
    ${unseen > 0 && html`<p class="small tone-warn unknown" title=${meaning.unseen}>${known(ths) ? `${hashrate(ths).join(" ")} ` : ""}unknown since <${When} ms=${stamp(since)} /> <small>${count(unseen, "miner")}</small></p>`}
  <//>`;
}

function SweepWhen({ sweep }) {
  const finished = stamp(sweep.finished_at);
  return finished === null ? html`running, began <${When} ms=${stamp(sweep.started_at)} />` : html`<${When} ms=${finished} />`;
}

function readSort(query) {
  const text = query.get("sort") ?? "worst";
  const descending = text.startsWith("-");
  const key = descending ? text.slice(1) : text;
  return BY_KEY.has(key) ? { key, descending } : { key: "worst", descending: false };
}

const writeSort = ({ key, descending }) => (key === "worst" ? null : `${descending ? "-" : ""}${key}`);

/* The rows that pass search and filters, in the order asked for. */
function choose(rows, query, sort, counts) {
  const words = (query.get("q") ?? "").toLowerCase().split(/\s+/).filter(Boolean);
  const shown = own(counts, query.get("show")) !== undefined ? query.get("show") : null;
  const model = query.get("model");
  const managed = query.get("managed");
  const group = query.get("group");
  const found = [];
  for (const row of rows.values()) {
    if (model && row.model !== model) continue;
    if (managed && row.managed !== (managed === "yes")) continue;
    if (group && !isIn(row, group)) continue;
    const look = row.condition;
    if (shown && !look.marks.includes(shown)) continue;
    if (!words.every((word) => row.hay.includes(word))) continue;
    // Whole percents: what wobbles by less changes no place.
    found.push({ row, look, share: look.old || row.percent === null ? null : Math.round(row.percent) });
  }
  return found.sort(comparison(sort.key, sort.descending));
}

/* Groups and tags share one choice: a tag begins with "#". */
const isIn = (row, name) => row.group === name || (row.tags ?? []).some((tag) => `#${tag}` === name);

function groupsOf(rows) {
  const found = new Map();
  for (const row of rows.values()) {
    for (const name of [row.group, ...(row.tags ?? []).map((tag) => `#${tag}`)].filter(Boolean)) found.set(name, (found.get(name) ?? 0) + 1);
  }
  return [...found].sort(([a], [b]) => a.startsWith("#") - b.startsWith("#") || a.localeCompare(b, "en", { numeric: true })).map(([name, n]) => [name, `${name} (${n})`]);
}

function Miners({ rows: all, fleet, query, nowMs, legend, unknownSince }) {
  const node = query.get("node");
  const rows = useMemo(() => rowsOf(all, node), [live.changes, all.size, node]);
  const sort = readSort(query);
  const { counts } = ofNode(fleet, node);
  const { changes } = live;
  const queryText = query.toString();
  const entries = useMemo(() => choose(rows, query, sort, counts), [changes, queryText, rows.size]);
  const onSort = (key) => setQuery({ sort: writeSort(nextSort(sort, key)) });
  return html`<section aria-label="Miners">
    <${Tools} all=${all} rows=${rows} fleet=${fleet} counts=${counts} marks=${legend.marks} unknownSince=${unknownSince} query=${query} sort=${sort} found=${entries.length} />
    <${ActionBar} entries=${entries} />
    ${entries.length === 0
      ? html`<p class="note muted">No miner matches. <button type="button" onClick=${clearFilters}>Show all</button></p>`
      : html`<${MinersTable} entries=${entries} rows=${rows} orderKey=${queryText} sort=${sort} onSort=${onSort} nowMs=${nowMs} />`}
  </section>`;
}

const clearFilters = () => setQuery({ q: null, show: null, model: null, managed: null, group: null, node: null });

function Chip({ name, words, n, active, title }) {
  return html`<button type="button" class="chip chip-${name} ${n ? "" : "none"}" aria-pressed=${active ? "true" : "false"} title=${title}
    onClick=${() => setQuery({ show: active || name === "all" ? null : name })}><b>${number(n)}</b> ${words}</button>`;
}

function Tools({ all, rows, fleet, counts, marks, unknownSince, query, sort, found }) {
  const search = useRef(null);
  useEffect(() => {
    const toSearch = (event) => {
      if (event.key !== "/" || event.target.closest?.("input, select, textarea, dialog")) return;
      event.preventDefault();
      search.current?.focus();
    };
    document.addEventListener("keydown", toSearch);
    return () => document.removeEventListener("keydown", toSearch);
  }, []);
  const show = query.get("show");
  const names = Object.keys(counts).filter((name) => counts[name] > 0 || ALWAYS_SHOWN.includes(name) || name === show);
  const words = Object.fromEntries(marks.map((mark) => [mark.name, mark]));
  const unknown = unknownSince === null ? null : `Unknown since ${exact(unknownSince)}`;
  const models = useMemo(() => modelsOf(rows), [rows, rows.size, live.changes]);
  const groups = useMemo(() => groupsOf(rows), [rows, rows.size, live.changes]);
  const filtered = query.get("q") || show || query.get("model") || query.get("managed") || query.get("group") || query.get("node");
  return html`<div class="tools">
    <div class="chips" role="group" aria-label="Filter by state">
      <${Chip} name="all" words="miners" n=${rows.size} active=${!show || own(counts, show) === undefined} title="All miners ever found" />
      ${names.map((name) => html`<${Chip} key=${name} name=${name} words=${own(words, name)?.words ?? name} n=${unknown ? null : (own(counts, name) ?? 0)} active=${show === name} title=${unknown ?? own(words, name)?.meaning} />`)}
      ${unknown && html`<span class="small muted">unknown since ${exact(unknownSince)}</span>`}
    </div>
    <div class="filters" role="search">
      <input ref=${search} type="search" placeholder="Search address, MAC, host, model, error, pool  ( / )" aria-label="Search miners"
        value=${query.get("q") ?? ""} onInput=${(event) => setQuery({ q: event.target.value })} spellcheck="false" autocomplete="off" />
      <${NodeChoice} value=${query.get("node")} fleet=${fleet} />
      <${Choice} label="Model" value=${query.get("model") ?? ""} onChange=${(model) => setQuery({ model })} options=${[["", "all models"], ...models]} />
      ${(groups.length > 0 || query.get("group")) && html`<${Choice} label="Group or tag" value=${query.get("group") ?? ""} onChange=${(group) => setQuery({ group })}
        options=${[["", "all groups"], ...(groups.some(([name]) => name === query.get("group")) || !query.get("group") ? [] : [[query.get("group"), `${query.get("group")} (0)`]]), ...groups]} />`}
      <${Choice} label="Managed" value=${query.get("managed") ?? ""} onChange=${(managed) => setQuery({ managed })}
        options=${[["", "all miners"], ["yes", "managed"], ["no", "unmanaged"]]} />
      <${Choice} label="Order" value=${writeSort(sort) ?? ""} onChange=${(value) => setQuery({ sort: value })} options=${ORDERS} />
      ${filtered && html`<span class="found" role="status">${number(found)} of ${number(all.size)} <button type="button" onClick=${clearFilters}>Show all</button></span>`}
    </div>
  </div>`;
}

const ORDERS = [
  ["", "worst first"],
  ...COLUMNS.flatMap(({ key, head, number: isNumber }) => [
    [key, `${orderWord(key, head)} ${isNumber ? "low first" : "A-Z"}`],
    [`-${key}`, `${orderWord(key, head)} ${isNumber ? "high first" : "Z-A"}`],
  ]),
];

function orderWord(key, head) {
  return { hashrate: "Hashrate", share: "% of expected", power: "Power", efficiency: "Efficiency", temp: "Temperature" }[key] ?? head;
}

function Choice({ label, value, options, onChange }) {
  return html`<label class="choice"><span class="hidden">${label}</span>
    <select value=${value} title=${label} onChange=${(event) => onChange(event.target.value || null)}>
      ${options.map(([key, words]) => html`<option key=${key} value=${key} selected=${key === value}>${words}</option>`)}
    </select></label>`;
}

function modelsOf(rows) {
  const found = new Map();
  for (const row of rows.values()) {
    if (!row.model) continue;
    const entry = found.get(row.model) ?? { name: row.model_name ?? row.model, n: 0 };
    entry.n += 1;
    found.set(row.model, entry);
  }
  return [...found].sort(([, a], [, b]) => a.name.localeCompare(b.name)).map(([alias, { name, n }]) => [alias, `${name} (${n})`]);
}
