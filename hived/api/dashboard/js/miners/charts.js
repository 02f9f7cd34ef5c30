/* What is measured of one miner over time, as the server tells it. A gap in the data is a gap in the line. */
import { get } from "../lib/api.js";
import { known, number, stamp } from "../lib/format.js";
import { html, useEffect, useRef, useState } from "../lib/html.js";
import { Pending } from "../lib/ui.js";

const POINTS = 6000;
const LONGEST_STEP_S = 60; // four polls of 15 s missed: nothing is known in between
const RANGES = [
  [4, "4 h"],
  [24, "24 h"],
  [24 * 7, "7 days"],
  [24 * 90, "90 days"],
];

const COLOURS = 4; // --line-1 to --line-4; --line-0 is for what others are compared with

/* A chart for each quantity, of the lines that have a value; of all of them where none has. */
function chartsOf(series, points) {
  const charts = new Map();
  let next = 0;
  for (const line of series) {
    const chart = charts.get(line.quantity) ?? { ...line, lines: [] };
    chart.lines.push({ ...line, colour: `--line-${line.reference ? 0 : 1 + (next++ % COLOURS)}` });
    charts.set(line.quantity, chart);
  }
  return [...charts.values()].map((chart) => {
    const told = chart.lines.filter((line) => points.some((point) => known(point[line.name])));
    return told.length > 0 ? { ...chart, lines: told } : chart;
  });
}

/* Points of the columns that the server sends. */
function pointsOf(history) {
  const names = history.series.map((line) => line.name);
  return history.at.map((at, i) => ({ at, ...Object.fromEntries(names.map((name) => [name, history[name][i]])) }));
}

/* Columns for the chart library, with an empty point in every gap. */
export function columnsOf(points, fields, longestStep = LONGEST_STEP_S) {
  const times = [];
  const values = fields.map(() => []);
  let before = null;
  for (const point of points) {
    if (before !== null && point.at - before > longestStep) {
      times.push(before + 1);
      for (const column of values) column.push(null);
    }
    times.push(point.at);
    fields.forEach((field, i) => values[i].push(known(point[field]) ? point[field] : null));
    before = point.at;
  }
  return [times, ...values];
}

/* What is known of so many hours, with the live statuses appended to the short one: {points, series, step, error, again}. */
function useHistory(mac, row, hours) {
  const [state, setState] = useState({ points: null, series: [], step: null, error: null });
  const asked = useRef(0);
  const load = async () => {
    const mine = ++asked.current;
    try {
      const history = await get(`/api/v1/miners/${mac}/history?hours=${hours}`);
      if (mine !== asked.current) return;
      setState({ points: pointsOf(history), series: history.series, step: history.step_s, error: null });
    } catch (error) {
      if (mine === asked.current) setState({ points: null, series: [], step: null, error });
    }
  };
  useEffect(() => {
    load();
    return () => {
      asked.current += 1;
    };
  }, [mac, hours]);
  useEffect(() => {
    const at = row ? stamp(row.status_at) : null;
    if (at === null) return;
    const point = { ...row, at: at / 1000 };
    setState((old) => {
      const last = old.points?.at(-1)?.at ?? 0;
      return old.points && old.step === null && point.at > last + 0.5 ? { ...old, points: [...old.points, point].slice(-POINTS) } : old;
    });
  }, [row?.statusMs, state.points === null]);
  return { ...state, data: state.points, again: load };
}

export function Charts({ mac, row }) {
  const [range, setRange] = useState(RANGES[0][0]);
  const history = useHistory(mac, row, range);
  const [theme, setTheme] = useState(document.documentElement.dataset.theme);
  useEffect(() => {
    const turn = () => setTheme(document.documentElement.dataset.theme);
    window.addEventListener("theme", turn);
    return () => window.removeEventListener("theme", turn);
  }, []);
  const points = history.points;
  const each = history.step ? `${history.step / 60} min means` : "statuses";
  return html`<section aria-labelledby="history"><h2 id="history">History ${points?.length > 1 && html`<small>${number(points.length)} ${each} over ${hours(points.at(-1).at - points[0].at)}</small>`}</h2>
    <div class="ranges" role="group" aria-label="How far back">${RANGES.map(
      ([reach, words]) => html`<button type="button" key=${reach} aria-pressed=${reach === range} onClick=${() => setRange(reach)}>${words}</button>`,
    )}</div>
    ${points === null
      ? html`<${Pending} read=${history} what="History" />`
      : points.length < 2
        ? html`<p class="note muted">${range > 4 ? "Not enough history for a line yet: averages appear a few minutes after each interval." : "Not enough statuses for a line yet."}</p>`
        : html`<div class="charts">${chartsOf(history.series, points).map((chart) => html`<${Chart} key=${chart.lines.map((line) => line.name).join()} chart=${chart} points=${points} step=${history.step} theme=${theme} />`)}</div>`}
  </section>`;
}

function hours(seconds) {
  if (seconds > 3 * 86400) return `${number(seconds / 86400)} days`;
  return seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${number(seconds / 3600, 1)} h`;
}

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function optionsFor(chart, width) {
  const axis = { stroke: colour("--muted"), grid: { stroke: colour("--grid"), width: 1 }, ticks: { stroke: colour("--grid"), width: 1 }, font: "12px system-ui, sans-serif" };
  // Without a cursor the legend tells the last point.
  const pick = (plot, value, line, at) => (at === null || at === undefined ? plot.data[line]?.at(-1) : value);
  const show = (plot, value, line, at) => number(pick(plot, value, line, at), chart.places);
  return {
    width,
    height: 180,
    cursor: { sync: { key: "miner" }, drag: { x: true, y: false } },
    scales: { y: { range: (_, low, high) => spread(low, high, chart.from_zero) } },
    axes: [{ ...axis, size: 32, space: 80, values: clockTicks }, { ...axis, size: 56, values: plainTicks }],
    series: [
      { label: "at", value: (plot, value, line, at) => moment(pick(plot, value, line, at)) },
      ...chart.lines.map((line, i) => ({
        label: line.title, stroke: colour(line.colour), width: 1.5, spanGaps: false, value: show, points: { show: false }, dash: line.reference ? [5, 4] : undefined,
        fill: i === 0 && chart.from_zero ? `${colour(line.colour)}22` : undefined,
      })),
    ],
  };
}

/* The time of day; with the date when it is not today's. */
function moment(seconds) {
  const at = new Date(seconds * 1000);
  const day = at.toDateString() === new Date().toDateString() ? "" : `${at.toLocaleDateString("en-GB", { day: "numeric", month: "short" })} `;
  return day + at.toLocaleTimeString("en-GB");
}

/* As many places as it takes to tell the ticks apart. */
function plainTicks(_, ticks) {
  const step = ticks.length > 1 ? ticks[1] - ticks[0] : 1;
  const places = step > 0 && step < 1 ? Math.min(3, Math.ceil(-Math.log10(step))) : 0;
  return ticks.map((tick) => number(tick, places));
}

function clockTicks(_, ticks) {
  const fine = ticks.length > 1 && ticks[1] - ticks[0] < 60;
  const coarse = ticks.length > 1 && ticks[1] - ticks[0] >= 43200;
  const form = { hour: "2-digit", minute: "2-digit", second: fine ? "2-digit" : undefined };
  const day = { day: "numeric", month: "short" };
  return ticks.map((tick) => new Date(tick * 1000)).map((at) => (coarse ? at.toLocaleDateString("en-GB", day) : at.toLocaleTimeString("en-GB", form)));
}

function spread(low, high, zero) {
  if (low === null || high === null) return [0, 1];
  if (zero) return [0, Math.max(high * 1.08, 1)];
  const room = Math.max(2, (high - low) * 0.15);
  return [Math.floor(low - room), Math.ceil(high + room)];
}

function Chart({ chart, points, step, theme }) {
  const place = useRef(null);
  const plot = useRef(null);
  const fields = chart.lines.map((line) => line.name);
  const longest = step ? 1.5 * step : LONGEST_STEP_S;
  useEffect(() => {
    const made = new window.uPlot(optionsFor(chart, place.current.clientWidth || 300), columnsOf(points, fields, longest), place.current);
    plot.current = made;
    const sized = new ResizeObserver(() => place.current && made.setSize({ width: place.current.clientWidth, height: 180 }));
    sized.observe(place.current);
    return () => {
      sized.disconnect();
      made.destroy();
    };
  }, [theme]);
  useEffect(() => plot.current?.setData(columnsOf(points, fields, longest)), [points]);
  const last = points.at(-1);
  return html`<figure class="chart"><figcaption>${chart.quantity} <small>${chart.unit}</small></figcaption>
    <div ref=${place} role="img" aria-label=${`${chart.quantity} over time, at the end ${chart.lines.map((line) => `${line.title} ${number(last[line.name], chart.places)} ${chart.unit}`).join(", ")}`}></div></figure>`;
}
