/* One miner: who it is, how it does now, its boards and chips, fans, pools, history, settings and events. */
import { Boards } from "./boards.js";
import { Charts } from "./charts.js";
import { ChipMaps } from "./chipmap.js";
import { EventList, useEvents } from "./events.js";
import { exact, hashrate, known, longSpan, minerUrl, number, power, span, stamp, UNKNOWN } from "../lib/format.js";
import { members, nodeName, nodePath, useNodes } from "../nodes/fleet-nodes.js";
import { html, useEffect, useLayoutEffect, useRef, useState } from "../lib/html.js";
import { useLive, useUnknownSince } from "../lib/live.js";
import { Fans, Pools, Settings } from "./miner-parts.js";
import { Badge, Figure, HashrateFigure, Pending, range, useRead, useTitle, When } from "../lib/ui.js";
import { Paged } from "../lib/paged.js";
import { cameByLink } from "../lib/router.js";
import { Managed, Password, Waiting } from "./miner-controls.js";
import { HoldNotes, MinerRules } from "./miner-rules.js";
import { MinerVerbs, PutPoolsRight } from "./steer.js";

const REREAD_MS = 2000; // a burst of changes of one miner is read once

/* A mark that follows `value`, at most every `pause` ms. */
function useSlow(value, pause) {
  const [mark, setMark] = useState(value);
  const timer = useRef(null);
  const latest = useRef(value);
  const moved = useRef(Date.now());
  latest.current = value;
  useEffect(() => {
    if (value === mark || timer.current) return;
    timer.current = setTimeout(() => {
      timer.current = null;
      moved.current = Date.now();
      setMark(latest.current);
    }, Math.max(0, moved.current + pause - Date.now()));
  }, [value, mark]);
  useEffect(() => () => clearTimeout(timer.current), []);
  return mark;
}

/* Whether the miner's firmware offers something; a node that does not say rules nothing out. */
const can = (miner, feature) => miner.features?.includes(feature) ?? true;

/* The node that a miner is watched by, when that is another one than the master itself. */
function awayOn(nodes, miner) {
  const node = (nodes ?? []).find((one) => one.node_id === miner.node_id);
  if (miner.remote ?? (node !== undefined && node.role !== "master")) return node ?? { node_id: miner.node_id, name: nodeName(nodes, miner.node_id) };
  return null;
}

export function MinerPage({ arg }) {
  const { nodes } = useNodes();
  const mac = arg.toLowerCase().replaceAll("-", ":");
  const { rows } = useLive();
  const row = rows.get(mac) ?? null;
  const mark = useSlow(row ? `${row.statusMs} ${row.errorMs} ${row.online} ${row.managed} ${row.ip} ${row.state}` : "", REREAD_MS);
  const read = useRead(`/api/miners/${mac}`, { mark, everyMs: 60000 });
  const [changed, setChanged] = useState(null); // the miner as the API answered a change
  useEffect(() => setChanged(null), [read.data]);
  const miner = changed ?? read.data;
  const keep = (fresh) => {
    setChanged(fresh);
    read.again(); // and whatever was asked before the change is not listened to any more
  };
  useTitle(miner?.last_ip ?? mac);
  const unknownSince = useUnknownSince();
  if (!miner) {
    return html`<section class="plain"><p><a href="/">Fleet</a> ›</p><h1 tabindex="-1">${mac}</h1>
      ${read.error?.status === 404 ? html`<p>No miner with this MAC was ever found here.</p>` : html`<${Pending} read=${read} what="The miner" />`}</section>`;
  }
  const status = miner.latest_status;
  const away = awayOn(nodes, miner); // the other node that watches it
  const old = Boolean(status) && (row?.condition ?? miner.condition).old;
  return html`<${Head} nodes=${nodes} away=${away} miner=${miner} row=${row} onChanged=${keep} />
    ${read.error && html`<p class="note tone-warn" role="alert">This page could not be read again: ${read.error.message}. It shows what was known before.</p>`}
    <div class=${`told ${old || unknownSince !== null ? "lastknown" : ""}`}>
    ${old && html`<p class="note tone-warn asof" role="status">As of ${exact(stamp(status.recorded_at))}: these are the last known values, not those of now.</p>`}
    <${Numbers} miner=${miner} status=${status} old=${old || unknownSince !== null} />
    <${Boards} status=${status} />
    ${away ? html`<p class="note muted away">Chips and settings are kept on the node <a href=${nodePath(away.node_id)}>${away.name}</a>.</p>` : can(miner, "chips") && html`<${ChipMaps} mac=${mac} model=${miner.model} mark=${mark} />`}
    <div class="columns"><${Fans} status=${status} /><${Pools} status=${status} /></div>
    </div>
    <${MinerRules} miner=${miner} onChanged=${keep} />
    <${Charts} mac=${mac} row=${row} />
    ${!away && can(miner, "settings") && html`<${Settings} mac=${mac} running=${status?.preset ?? null} />`}
    <${MinerEvents} mac=${mac} />`;
}

function Head({ miner, nodes, away, row, onChanged }) {
  const title = useRef(null);
  useLayoutEffect(() => {
    // The heading that had the focus while the miner was read is gone: this one takes its place.
    if (cameByLink() && document.activeElement === document.body) title.current.focus({ preventScroll: true });
  }, []);
  const look = row?.condition ?? miner.condition;
  const url = minerUrl(miner.ip);
  const facts = [
    ["Address", miner.ip ? (url ? html`<a href=${url} target="_blank" rel="noopener noreferrer" title="The miner's own page">${miner.ip} ↗</a>` : miner.ip) : miner.last_ip ? `none, was at ${miner.last_ip}` : "none"],
    ["MAC", miner.id],
    ["Model", miner.model_alias ? html`<a href="/models">${miner.model_name ?? miner.model_alias}</a>` : (miner.model_name ?? UNKNOWN)],
    ["Firmware", [miner.firmware, miner.firmware_version].filter(Boolean).join(" ") || UNKNOWN],
    ["Control board", miner.platform ?? UNKNOWN],
    ["Serial", miner.serial ?? UNKNOWN],
    ...(miner.node_id && members(nodes).length > 1 ? [["Watched by", html`<a href=${nodePath(miner.node_id)}>${nodeName(nodes, miner.node_id)}</a>`]] : []),
    ["Seen", html`<${When} ms=${stamp(miner.last_seen_at)} empty="never" />`],
    ["Found", html`<${When} ms=${stamp(miner.created_at)} />`],
  ];
  const extra = miner.latest_status?.extra ?? {};
  return html`<section class="head">
    <p class="crumbs"><a href="/">Fleet</a> ›</p>
    <div class="pagehead">
      <h1 tabindex="-1" ref=${title}>${miner.last_ip ?? miner.id}${miner.hostname && html` <small>${miner.hostname}</small>`}</h1>
      <${Badge} tone=${look.tone}>${look.word}<//>
      ${miner.state && miner.state !== look.word && html`<span class="muted">last state: ${miner.state}</span>`}
      <${Managed} miner=${miner} onChanged=${onChanged} />
      ${can(miner, "password") && html`<${Password} miner=${miner} node=${away} onChanged=${onChanged} />`}
    </div>
    <${HoldNotes} miner=${miner} />
    <${MinerVerbs} miner=${miner} />
    <dl class="facts">${facts.map(([name, value]) => html`<div key=${name}><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>
    ${look.why && html`<p class="note trouble ${look.rank === 0 ? "tone-bad" : "tone-warn"}"><span class="quote">${look.why}</span> <span class="muted">Next: ${look.next_step}</span></p>`}
    <${PutPoolsRight} miner=${miner} look=${look} />
    ${(extra.failure_code || extra.description) && !look.why?.includes(extra.description) && html`<p class="note tone-bad">The miner says: ${[extra.failure_code && `code ${extra.failure_code}`, extra.description].filter(Boolean).join(" - ")}</p>`}
    <${Waiting} pending=${miner.pending} node=${away} />
    <${LastError} miner=${miner} />
    ${miner.has_key === false && can(miner, "password") && html`<p class="note tone-warn">hived has no API key on this miner, so it cannot be polled. Set its unlock password and the key is made at the next sweep.</p>`}
  </section>`;
}

function LastError({ miner }) {
  if (!miner.last_error) return "";
  const times = miner.error_count > 1 ? `, ${number(miner.error_count)} errors so far` : "";
  return html`<p class="note ${miner.failing ? "tone-bad" : "muted"}">${miner.failing ? "Failing" : "Last error"}${" "}
    (<${When} ms=${stamp(miner.last_error_at)} />${times}): <span class="quote">${miner.last_error}</span></p>`;
}

/* What was given when it was last known: no figure of now. */
function LastNumbers({ status }) {
  const figures = [
    ["Hashrate", hashrate(status.hashrate_ths).join(" ")],
    ["Power", power(status.power_consumption).join(" ")],
    ["Hottest chip", `${number(status.chip_temp_max_c)} °C`],
    ["Preset", status.preset ?? UNKNOWN],
    ["State", status.state ?? UNKNOWN],
    ["Fans", `${number(status.fan_duty_percent)} %`],
  ];
  return html`<section class="totals" aria-label="Last known">${figures.map(
    ([label, value]) => html`<${Figure} key=${label} label=${label} value=${UNKNOWN}><p class="small">was ${value}</p><//>`,
  )}</section>`;
}

function Numbers({ miner, status, old }) {
  if (!status) return html`<p class="note muted">No status has been read from this miner yet.</p>`;
  if (old) return html`<${LastNumbers} status=${status} />`;
  const [watts, wattUnit] = power(status.power_consumption);
  const at = stamp(status.recorded_at);
  return html`<section class="totals" aria-label="Now">
    <${HashrateFigure} now=${status.hashrate_ths} expected=${status.hashrate_expected_ths}>
      <p class="small">average ${number(status.hashrate_average_ths, 1)} TH/s</p><//>
    <${Figure} label="Power" value=${watts} unit=${wattUnit}><p class="small">${number(status.efficiency_j_per_th, 1)} J/TH</p><//>
    <${Figure} label="Hottest chip" value=${number(status.chip_temp_max_c)} unit="°C"><p class="small">hottest board ${number(status.pcb_temp_max_c)} °C${known(status.psu_temp_max_c) ? `, power supply ${number(status.psu_temp_max_c)} °C` : ""}</p><//>
    <${Figure} label="Preset" value=${status.preset ?? UNKNOWN}><p class="small">limit of the model: ${miner.max_preset ?? miner.model?.max_preset ?? "none"}</p><//>
    <${Figure} label="In state" value=${span(status.uptime)} title=${known(status.uptime) ? `${status.state} for ${longSpan(status.uptime)}` : undefined}><p class="small">${status.state ?? UNKNOWN}${status.restart_count ? `, restarted ${number(status.restart_count)} times` : ""}</p><//>
    <${Figure} label="Fans" value=${number(status.fan_duty_percent)} unit="%"><p class="small">${[fanWords(status.fans), status.extra?.cooling_mode && `cooling: ${status.extra.cooling_mode}`].filter(Boolean).join(", ")}</p><//>
  </section>
  <p class="small asof">Status of <${When} ms=${at} />${status.partial ? " (partial: the miner reported only a part of it)" : ""}</p>`;
}

function fanWords(fans) {
  if (!fans?.length) return "no fan reported";
  const lost = fans.filter((fan) => fan.lost).length;
  const turning = fans.map((fan) => fan.rpm).filter(known);
  return `${lost ? `${lost} of ${fans.length} lost, ` : ""}${turning.length ? `${range(Math.min(...turning), Math.max(...turning))} rpm` : `${fans.length} fans`}`;
}

function MinerEvents({ mac }) {
  const read = useEvents({ mac, limit: 30 });
  return html`<section aria-labelledby="events"><h2 id="events">Events</h2>
    <${Paged} read=${read} what="Events" none="Nothing happened so far." older="Older events"><${EventList} events=${read.items ?? []} withMiner=${false} /><//>
  </section>`;
}
