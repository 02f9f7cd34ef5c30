/* Who changed what: newest first, older rows on demand. */
import { exact, stamp } from "../lib/format.js";
import { html, useEffect } from "../lib/html.js";
import { Paged, usePaged } from "../lib/paged.js";
import { Table, When } from "../lib/ui.js";

const PAGE = 50;
const LOOK_EVERY_MS = 10000;

export function AuditList() {
  const read = usePaged("/api/v1/audit", {}, PAGE);
  useEffect(() => {
    const timer = setInterval(() => document.visibilityState === "visible" && read.refresh(), LOOK_EVERY_MS);
    return () => clearInterval(timer);
  }, []);
  return html`<section aria-labelledby="audit"><h2 id="audit">Audit</h2>
    <p class="muted">Every change, who made it and from where. Secrets are never in it.</p>
    <${Paged} read=${read} what="The audit" none="Nothing has been changed so far." older="Older changes">
    ${read.items?.length > 0 && html`<${Table} of="audit" kind="stacked audit" head=${["When", "Who", "From", "What", "Before → after"]}>
      <tbody>${read.items.map((row) => html`<tr key=${row.id} data-audit=${row.id}>
        <td class="nowrap" data-label="When"><${When} ms=${stamp(row.at)} /></td>
        <td class="who" data-label="Who"><b>${row.who}</b></td>
        <td class="from" data-label="From">${row.via}${row.address ? html`, <span class="nowrap">${row.address}</span>` : ""}</td>
        <td class="reason" data-label="What"><b>${words(row.action)}</b>${row.target && row.target !== row.who ? html` ${row.target}` : ""}</td>
        <td class="reason wide ${isNothing(row.before) && isNothing(row.after) ? "none" : ""}" data-label="Before → after"><${Change} before=${row.before} after=${row.after} /></td></tr>`)}</tbody><//>`}
    <//>
  </section>`;
}

const words = (action) => String(action).replaceAll(/[_.]/g, " ");

const isNothing = (value) => value === null || value === undefined;
const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);

const TIME = /(^|_)(at|until)$/; // what such a field holds is a moment: epoch seconds, or RFC 3339
const MOST = 3; // values of a list that are named
const NO_TIME = 1e8; // a smaller number counts something

const isEmpty = (value) => isNothing(value) || value === "" || (typeof value === "object" && Object.keys(value).length === 0);

function moment(value, name) {
  if (!TIME.test(name) || (typeof value === "number" ? value < NO_TIME : typeof value !== "string")) return null;
  return stamp(value);
}

/* A value in words: "why: repair, by: root" for an object, "3: a, b, c" for a list. */
function text(value, name = "") {
  if (isEmpty(value)) return "none";
  if (typeof value === "boolean") return value ? "yes" : "no";
  const ms = moment(value, name);
  if (ms !== null) return exact(ms);
  if (Array.isArray(value)) return many(value.map((one) => text(one)));
  if (!isObject(value)) return String(value);
  const told = Object.keys(value).filter((key) => !isEmpty(value[key]));
  return told.map((key) => `${key.replaceAll("_", " ")}: ${text(value[key], key)}`).join(", ");
}

function many(values) {
  const named = values.slice(0, MOST).join(", ");
  return values.length > MOST ? `${values.length}: ${named} and ${values.length - MOST} more` : named;
}

/* Two records as the fields that differ: [name, before, after]; a side that is not there is undefined. */
export function differences(before, after) {
  if (!isObject(before) && !isObject(after)) return before === after ? [] : [[null, before ?? undefined, after ?? undefined]];
  const left = isObject(before) ? before : {};
  const right = isObject(after) ? after : {};
  const names = [...new Set([...Object.keys(left), ...Object.keys(right)])];
  const differ = (name) => JSON.stringify(left[name] ?? null) !== JSON.stringify(right[name] ?? null);
  return names.filter((name) => differ(name) && !(isEmpty(left[name]) && isEmpty(right[name]))).map((name) => [name, left[name], right[name]]);
}

function Change({ before, after }) {
  if (isNothing(before) && isNothing(after)) return "";
  return html`<ul class="changed">${differences(before, after).map(([name, old, fresh]) => html`<li key=${name}>
    ${name && html`<span class="muted">${name.replaceAll("_", " ")}:</span> `}${old !== undefined && html`<del>${text(old, name ?? "")}</del>`}${old !== undefined && fresh !== undefined && " → "}${fresh !== undefined && html`<ins>${text(fresh, name ?? "")}</ins>`}</li>`)}</ul>`;
}
