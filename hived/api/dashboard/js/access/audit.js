/* Who changed what: newest first, older rows on demand. */
import { get } from "../lib/api.js";
import { exact, stamp } from "../lib/format.js";
import { html, useEffect, useRef, useState } from "../lib/html.js";
import { Pending, Table, When } from "../lib/ui.js";

const PAGE = 50;
const LOOK_EVERY_MS = 10000;

function useAudit() {
  const [state, setState] = useState({ rows: null, more: false, error: null });
  const alive = useRef(true);
  const read = async (before = null) => {
    try {
      const found = await get(`/api/v1/audit?limit=${PAGE}${before ? `&before=${before}` : ""}`);
      if (!alive.current) return;
      setState((old) => {
        const known = old.rows ?? [];
        if (before) return { rows: [...known, ...found.filter((row) => row.id < known.at(-1).id)], more: found.length === PAGE, error: null };
        const newest = found[0]?.id ?? 0;
        const below = known.filter((row) => row.id < (found.at(-1)?.id ?? newest));
        // The newest are replaced; what was asked for below them stays.
        return { rows: [...found, ...below], more: below.length ? old.more : found.length === PAGE, error: null };
      });
    } catch (error) {
      if (alive.current) setState((old) => ({ ...old, error }));
    }
  };
  useEffect(() => {
    read();
    const timer = setInterval(() => document.visibilityState === "visible" && read(), LOOK_EVERY_MS);
    return () => {
      alive.current = false;
      clearInterval(timer);
    };
  }, []);
  return { ...state, data: state.rows, again: () => read(), older: () => read(state.rows?.at(-1)?.id) };
}

export function AuditList() {
  const read = useAudit();
  return html`<section aria-labelledby="audit"><h2 id="audit">Audit</h2>
    <p class="muted">Every change, who made it and from where. Secrets are never in it.</p>
    ${read.rows === null || read.error
      ? html`<${Pending} read=${read} what="The audit" />`
      : read.rows.length === 0
        ? html`<p class="note muted">Nothing has been changed so far.</p>`
        : ""}
    ${read.rows?.length > 0 && html`<${Table} of="audit" kind="stacked audit" head=${["When", "Who", "From", "What", "Before → after"]}>
      <tbody>${read.rows.map((row) => html`<tr key=${row.id} data-audit=${row.id}>
        <td class="nowrap" data-label="When"><${When} ms=${stamp(row.at)} /></td>
        <td class="who" data-label="Who"><b>${row.who}</b></td>
        <td class="from" data-label="From">${row.via}${row.address ? html`, <span class="nowrap">${row.address}</span>` : ""}</td>
        <td class="reason" data-label="What"><b>${words(row.action)}</b>${row.target && row.target !== row.who ? html` ${row.target}` : ""}</td>
        <td class="reason wide ${isNothing(row.before) && isNothing(row.after) ? "none" : ""}" data-label="Before → after"><${Change} before=${row.before} after=${row.after} /></td></tr>`)}</tbody><//>`}
    ${read.rows?.length > 0 && read.more && html`<p class="center"><button type="button" class="older" onClick=${read.older}>Older changes</button></p>`}
  </section>`;
}

const words = (action) => String(action).replaceAll(/[_.]/g, " ");

const isNothing = (value) => value === null || value === undefined;
const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);

function text(value, name = "") {
  if (typeof value === "number" && name.endsWith("_at")) return exact(value * 1000);
  if (value === null || value === undefined) return "none";
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (Array.isArray(value)) return value.length ? value.map((one) => text(one)).join(", ") : "none";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/* Two records as the fields that differ: [name, before, after]; a side that is not there is undefined. */
export function differences(before, after) {
  if (!isObject(before) && !isObject(after)) return before === after ? [] : [[null, before ?? undefined, after ?? undefined]];
  const left = isObject(before) ? before : {};
  const right = isObject(after) ? after : {};
  const names = [...new Set([...Object.keys(left), ...Object.keys(right)])];
  return names.filter((name) => text(left[name]) !== text(right[name]) || !Object.hasOwn(left, name) || !Object.hasOwn(right, name)).map((name) => [name, left[name], right[name]]);
}

function Change({ before, after }) {
  if (isNothing(before) && isNothing(after)) return "";
  return html`<ul class="changed">${differences(before, after).map(([name, old, fresh]) => html`<li key=${name}>
    ${name && html`<span class="muted">${name.replaceAll("_", " ")}:</span> `}${old !== undefined && html`<del>${text(old, name ?? "")}</del>`}${old !== undefined && fresh !== undefined && " → "}${fresh !== undefined && html`<ins>${text(fresh, name ?? "")}</ins>`}</li>`)}</ul>`;
}
