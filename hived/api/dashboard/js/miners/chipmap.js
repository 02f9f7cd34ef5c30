/* The chip map: every chip of every board at its place, coloured by a quantity of choice. */
import { choose, chosen } from "../lib/choice.js";
import { known, number, stamp, UNKNOWN } from "../lib/format.js";
import { html, useEffect, useMemo, useRef, useState } from "../lib/html.js";
import { Pending, useRead, When } from "../lib/ui.js";
import { css, extent, fromHex, GRADES, ink, mix, SCALES } from "../lib/scale.js";
import { gridOf } from "./topology.js";

const NEWEST = 16; // entries asked for: the newest of each board are among them
const KEY = "hived-chips";

export const QUANTITIES = {
  __proto__: null,
  temperature: { words: "Temperature", unit: "°C", of: (chip) => chip.temperature, scale: "heat", spread: 12 },
  hashrate: { words: "Hashrate", unit: "GH/s", of: (chip) => chip.hashrate, scale: "amount", trim: 0.03, spread: 10 },
  frequency: { words: "Frequency", unit: "MHz", of: (chip) => chip.frequency_mhz, scale: "amount", trim: 0.03, spread: 20 },
  voltage: { words: "Voltage", unit: "mV", of: (chip) => chip.voltage_mv, scale: "amount", trim: 0.03, spread: 20 },
  errors: { words: "Errors", unit: "", of: (chip) => chip.errors, scale: "calm", log: true, spread: 4 },
  grade: { words: "Grade", unit: "", of: (chip) => (GRADES[chip.grade] ? chip.grade : null), grades: true },
};

const GRADE_WORDS = { __proto__: null, grey: "good", orange: "weak", red: "bad" };

/* The newest entry of each board, by board. */
function newestOfEach(entries) {
  const found = new Map();
  for (const entry of entries ?? []) {
    const old = found.get(entry.chain.identifier);
    if (!old || entry.recorded_at > old.recorded_at) found.set(entry.chain.identifier, entry);
  }
  return [...found.values()].sort((a, b) => (a.chain.index ?? 0) - (b.chain.index ?? 0));
}

/* How to paint: {colour(value) -> rgb or null, low, high}. */
function painter(quantity, values) {
  if (quantity.grades) return { colour: (grade) => (GRADES[grade] ? fromHex(GRADES[grade]) : null) };
  const bend = quantity.log ? Math.log1p : (value) => value;
  const [low, high] = extent(values, quantity);
  const from = quantity.log ? Math.max(0, low) : low;
  const width = bend(high) - bend(from) || 1;
  return { low: from, high, colour: (value) => (known(value) ? mix(SCALES[quantity.scale], (bend(value) - bend(from)) / width) : null) };
}

export function ChipMaps({ mac, model, mark }) {
  const read = useRead(`/api/miners/${mac}/telemetry?limit=${NEWEST}`, { mark, everyMs: 60000 });
  const [name, setName] = useState(() => (chosen(KEY) in QUANTITIES ? chosen(KEY) : "temperature"));
  const [pointed, setPointed] = useState(null); // {board, chip, box}
  const boards = useMemo(() => newestOfEach(read.data), [read.data]);
  const chips = boards.flatMap((entry) => entry.chain.chips ?? []);
  const reported = Object.keys(QUANTITIES).filter((key) => chips.some((chip) => QUANTITIES[key].of(chip) !== null && QUANTITIES[key].of(chip) !== undefined));
  const shown = reported.includes(name) ? name : (reported[0] ?? name);
  const quantity = QUANTITIES[shown];
  const paint = painter(quantity, chips.map(quantity.of).filter(known));
  const turn = (key) => {
    setName(key);
    choose(KEY, key);
  };
  return html`<section class="chips-section" aria-labelledby="chips"><div class="sectionhead"><h2 id="chips">Chips ${boards.length > 0 && html`<small><${When} ms=${stamp(boards[0].recorded_at)} /></small>`}</h2>
      ${reported.length > 0 && html`<div class="segments" role="group" aria-label="Colour by">${reported.map(
        (key) => html`<button key=${key} type="button" aria-pressed=${key === shown ? "true" : "false"} onClick=${() => turn(key)}>${QUANTITIES[key].words}</button>`,
      )}</div>`}
      ${reported.length > 0 && html`<${Legend} quantity=${quantity} paint=${paint} />`}
    </div>
    ${!read.data ? html`<${Pending} read=${read} what="Chips" />` : chips.length === 0 ? html`<p class="note muted">The miner has reported no chips yet: they are read once a minute, and a stopped miner may report none.</p>` : ""}
    <div class="boardmaps">${boards.map((entry) => html`<${BoardMap} key=${entry.chain.identifier} board=${entry.chain} at=${stamp(entry.recorded_at)} newest=${stamp(boards[0].recorded_at)}
      model=${model} quantity=${quantity} paint=${paint} onPoint=${setPointed} />`)}</div>
    ${pointed && html`<${Tip} pointed=${pointed} />`}
  </section>`;
}

function Legend({ quantity, paint }) {
  if (quantity.grades) {
    return html`<ul class="legend">${Object.keys(GRADES).map((grade) => html`<li key=${grade}><i style=${{ background: GRADES[grade] }}></i>${GRADE_WORDS[grade]}</li>`)}</ul>`;
  }
  const steps = Array.from({ length: 24 }, (_, i) => css(mix(SCALES[quantity.scale], i / 23)));
  const signs = quantity.trim ? ["≤ ", "≥ "] : ["", ""];
  return html`<div class="legend" role="img" aria-label=${`Colours from ${number(paint.low)} to ${number(paint.high)} ${quantity.unit}`}>
    <span>${signs[0]}${number(paint.low)}</span><span class="ramp">${steps.map((background, i) => html`<i key=${i} style=${{ background }}></i>`)}</span><span>${signs[1]}${number(paint.high)} ${quantity.unit}</span></div>`;
}

function describe(chip) {
  const values = Object.entries(QUANTITIES).map(([key, { words, unit, of }]) => {
    const value = of(chip);
    if (key === "grade") return [words, chip.grade ? `${GRADE_WORDS[chip.grade] ?? chip.grade} (${chip.grade})` : UNKNOWN];
    return [words, known(value) ? `${number(value, key === "hashrate" ? 1 : 0)} ${unit}`.trim() : UNKNOWN];
  });
  if (chip.throttled !== null && chip.throttled !== undefined) values.push(["Throttled", chip.throttled ? "yes" : "no"]);
  return values;
}

function BoardMap({ board, at, newest, model, quantity, paint, onPoint }) {
  const chips = new Map((board.chips ?? []).map((chip) => [chip.index, chip]));
  const highest = Math.max(-1, ...chips.keys());
  const { rows, told } = useMemo(() => layoutFor(model, chips.size, highest), [model, chips.size, highest]);
  const columns = Math.max(1, ...rows.map((row) => row.length));
  const grid = useRef(null);
  const [current, setCurrent] = useState(null);
  const first = rows.flat().find((index) => index >= 0);
  const values = [...chips.values()].map(quantity.of).filter(known);
  const mean = values.length ? values.reduce((sum, value) => sum + value, 0) / values.length : null;
  const point = (chip, element) => onPoint({ board, chip, box: element.getBoundingClientRect() });
  const onKeyDown = (event) => moveFocus(event, rows, grid.current, setCurrent, () => onPoint(null));
  return html`<figure class="boardmap" style=${{ maxWidth: `${columns * 62}px` }}>
    <figcaption><b>Board ${board.index ?? board.identifier}</b>${board.state && board.state !== "mining" ? html` <span class="muted">${board.state}</span>` : ""}
      <span class="small">${chips.size} chips${mean !== null && !quantity.grades ? `, ∅ ${number(mean, quantity.log ? 1 : 0)} ${quantity.unit}` : ""}${told ? "" : ", layout unknown"}</span>
      ${newest !== at && html`<span class="small tone-warn"> read <${When} ms=${at} /></span>`}${board.description && html` <span class="tone-bad">${board.description}</span>`}</figcaption>
    <div class="chipgrid ${columns > 12 ? "many" : ""}" role="grid" aria-label=${`Chips of board ${board.index ?? board.identifier}`} ref=${grid} onKeyDown=${onKeyDown} onPointerLeave=${() => onPoint(null)}>
      ${rows.map((row, y) => html`<div key=${y} role="row" style=${{ gridTemplateColumns: `repeat(${columns}, minmax(0, 1fr))` }}>${Array.from({ length: columns }, (_, x) => {
        const chip = chips.get(row[x] ?? -1);
        if (!chip) return html`<i key=${x} role="gridcell" class=${(row[x] ?? -1) < 0 ? "hole" : "unknown"} aria-label=${(row[x] ?? -1) < 0 ? "no chip here" : `chip ${row[x]}: nothing reported`}></i>`;
        const value = quantity.of(chip);
        const colour = paint.colour(value);
        return html`<i key=${x} role="gridcell" class="chipcell ${colour ? "" : "unknown"}" data-chip=${chip.index} tabindex=${chip.index === (current ?? first) ? 0 : -1}
          aria-label=${`Chip ${chip.index}: ${describe(chip).map((pair) => pair.join(" ")).join(", ")}`}
          style=${colour ? { background: css(colour), color: ink(colour) } : { background: "", color: "" }}
          onPointerEnter=${(event) => point(chip, event.currentTarget)} onFocus=${(event) => { setCurrent(chip.index); point(chip, event.currentTarget); }} onBlur=${() => onPoint(null)}>${cellText(quantity, value)}</i>`;
      })}</div>`)}
    </div></figure>`;
}

function cellText(quantity, value) {
  if (quantity.grades) return { grey: "", orange: "w", red: "b" }[value] ?? "";
  if (!known(value) || (quantity.log && value === 0)) return "";
  return value >= 1000 ? `${(value / 1000).toFixed(1)}k` : String(Math.round(value));
}

/* The model's layout when it fits what the board told; a board may tell fewer chips than the model has. */
function layoutFor(model, size, highest) {
  const own = gridOf(model?.topology, model?.chips_per_chain ?? null);
  return own.told && highest < (model.chips_per_chain ?? Infinity) && own.rows.flat().includes(highest) ? own : gridOf(null, Math.max(size, highest + 1));
}

const STEPS = { __proto__: null, ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] };

function moveFocus(event, rows, grid, setCurrent, leave) {
  if (event.key === "Escape") return leave();
  const step = STEPS[event.key];
  const here = Number(event.target.dataset?.chip);
  if (!step || Number.isNaN(here)) return undefined;
  event.preventDefault();
  let y = rows.findIndex((row) => row.includes(here));
  let x = rows[y]?.indexOf(here) ?? -1;
  for (;;) {
    x += step[0];
    y += step[1];
    if (y < 0 || x < 0 || y >= rows.length || x >= rows[y].length) return undefined;
    const next = grid.querySelector(`[data-chip="${rows[y][x]}"]`);
    if (!next) continue; // a hole
    setCurrent(rows[y][x]);
    return next.focus();
  }
}

/* All values of the chip under the pointer or the focus. The cell's label says the same to a screen reader. */
function Tip({ pointed }) {
  const tip = useRef(null);
  const { board, chip, box } = pointed;
  useEffect(() => {
    const { offsetWidth: width, offsetHeight: height } = tip.current;
    const left = Math.max(8, Math.min(window.innerWidth - width - 8, box.left + box.width / 2 - width / 2));
    const above = box.top - height - 8;
    tip.current.style.left = `${left}px`;
    tip.current.style.top = `${above > 8 ? above : box.bottom + 8}px`;
  });
  return html`<div class="tip" ref=${tip} aria-hidden="true"><b>Board ${board.index ?? board.identifier}, chip ${chip.index}</b>
    <dl>${describe(chip).map(([words, value]) => html`<div key=${words}><dt>${words}</dt><dd>${value}</dd></div>`)}</dl></div>`;
}
