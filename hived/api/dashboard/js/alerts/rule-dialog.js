/* One rule, to be made or changed. */
import { FormDialog } from "../lib/dialog.js";
import { html, useState } from "../lib/html.js";
import { Pending, useRead } from "../lib/ui.js";
import { ScopeFields } from "./scope.js";
import { SEVERITIES } from "./words.js";

const OF = { __proto__: null, miner: "Miners", place: "Groups and nodes", site: "Site", node: "Nodes", box: "This box", event: "What happened" };
const NEW = { name: "", sign: "", severity: "warn", for_seconds: 300, clear_seconds: 120, over: "over", threshold: null, clear: null, miners: 1, scope: {}, per_day: 12, enabled: true };
const MINUTE_S = 60;

export function RuleDialog({ rule, names, change, onClose }) {
  const signs = useRead("/api/v1/alerts/signs");
  const [wish, setWish] = useState(rule ?? NEW);
  const set = (changes) => setWish({ ...wish, ...changes });
  const sign = signs.data?.find(({ name }) => name === wish.sign);
  const isNumber = sign ? sign.unit !== null : wish.unit !== null && wish.unit !== undefined;
  const act = async () => {
    if (!rule && names.includes(wish.name)) throw new Error(`there is a rule ${wish.name} already`);
    const numbers = isNumber ? { threshold: wish.threshold, clear: wish.clear } : { threshold: null, clear: null };
    await change({ ...wish, ...numbers });
  };
  return html`<${FormDialog} title=${rule ? `Rule ${rule.name}` : "New rule"} verb=${rule ? "Change" : "Make the rule"} act=${act} onClose=${onClose}>
    ${rule
      ? html`<p class="small">${rule.title} (${rule.sign})</p>`
      : html`<label>Name <input name="name" required maxlength="40" pattern="[a-z0-9][a-z0-9_\\-]*" title="small letters, digits, - and _" autocomplete="off" value=${wish.name} onInput=${(event) => set({ name: event.target.value })} /></label>
        ${signs.data ? html`<label>What <select name="sign" required onChange=${(event) => set({ sign: event.target.value })}><option value="" selected=${!wish.sign}>choose…</option>${Object.entries(OF).map(
          ([of, words]) => html`<optgroup key=${of} label=${words}>${signs.data.filter((one) => one.of === of).map((one) => html`<option key=${one.name} value=${one.name} selected=${one.name === wish.sign}>${one.title}${one.unit ? ` (${one.unit})` : ""}</option>`)}</optgroup>`,
        )}</select></label>` : html`<${Pending} read=${signs} what="What can be watched" />`}`}
    ${isNumber && html`<div class="pace threefold"><label>Wrong when <select name="over" onChange=${(event) => set({ over: event.target.value })}>${["over", "under"].map((word) => html`<option key=${word} value=${word} selected=${word === wish.over}>${word}</option>`)}</select></label>
      <label>Limit${unitWords(sign ?? wish)} <${Numeric} name="threshold" required value=${wish.threshold} onChange=${(threshold) => set({ threshold })} /></label>
      <label>Well again at <${Numeric} name="clear" value=${wish.clear} onChange=${(clear) => set({ clear })} /></label></div>`}
    <div class="pace"><label>Severity <select name="severity" onChange=${(event) => set({ severity: event.target.value })}>${SEVERITIES.map((word) => html`<option key=${word} value=${word} selected=${word === wish.severity}>${word}</option>`)}</select></label>
      <label>Lasting, minutes <${Numeric} name="for" required min="0" value=${wish.for_seconds / MINUTE_S} onChange=${(minutes) => set({ for_seconds: (minutes ?? 0) * MINUTE_S })} /></label>
      <label>Over after, minutes <${Numeric} name="cleared" required min="0" value=${wish.clear_seconds / MINUTE_S} onChange=${(minutes) => set({ clear_seconds: (minutes ?? 0) * MINUTE_S })} /></label>
      <label>Notices a day <${Numeric} name="per_day" required min="1" max="100" step="1" value=${wish.per_day} onChange=${(per_day) => set({ per_day })} /></label>
      ${(sign ?? wish).of === "miner" && html`<label>Miners at once, at least <${Numeric} name="miners" required min="1" step="1" value=${wish.miners} onChange=${(miners) => set({ miners })} /></label>`}</div>
    <${ScopeFields} scope=${wish.scope} onChange=${(scope) => set({ scope })} only=${["node", "box"].includes((sign ?? wish).of) ? ["node"] : undefined} />
    <label class="tick"><input type="checkbox" name="enabled" checked=${wish.enabled} onChange=${(event) => set({ enabled: event.target.checked })} /> On</label><//>`;
}

const unitWords = ({ unit }) => (unit ? `, ${unit}` : "");

/* A number that may be left empty: null. */
function Numeric({ value, onChange, step = "any", ...rest }) {
  return html`<input type="number" step=${step} value=${value ?? ""} onInput=${(event) => onChange(event.target.value === "" ? null : Number(event.target.value))} ...${rest} />`;
}
