/* The rules of alerts: what it takes to be told of something, switched on and off and changed. */
import { put, remove } from "../lib/api.js";
import { Confirm, useOutcome } from "../lib/dialog.js";
import { count, exact, number, stamp } from "../lib/format.js";
import { html, useState } from "../lib/html.js";
import { Only } from "../lib/session.js";
import { ACTIONS, Badge, Pending, Table, useRead } from "../lib/ui.js";
import { RuleDialog } from "./rule-dialog.js";
import { lastingWords, limitWords, scopeWords, Severity } from "./words.js";

const RULES = "/api/v1/alerts/rules";

export function Rules() {
  const read = useRead(RULES, { everyMs: 30000 });
  const [asked, setAsked] = useState(null); // {rule} to edit, or with `leaving` to take away; rule null: a new one
  const [outcome, say, attempt] = useOutcome();
  if (!read.data) return html`<section><h2>Rules</h2><${Pending} read=${read} what="Rules" /></section>`;
  const rules = read.data.rules;
  const close = () => setAsked(null);
  const change = async (rule) => {
    await put(RULES, { rules: [rule] });
    await read.again();
  };
  const turn = async (rule) => {
    if (await attempt(() => change({ name: rule.name, enabled: !rule.enabled }), "Not done")) say(`${rule.name} is ${rule.enabled ? "off" : "on"}.`);
  };
  const take = async (rule) => {
    await remove(`${RULES}/${encodeURIComponent(rule.name)}`);
    say(rule.default ? `${rule.name} is as it came.` : `${rule.name} is removed.`);
    await read.again();
  };
  return html`<section aria-labelledby="rules"><div class="sectionhead"><h2 id="rules">Rules <small>${count(rules.filter(({ enabled }) => enabled).length, "rule")} on</small></h2>
      <${Only} role="admin"><button type="button" class="addrule" onClick=${() => setAsked({ rule: null })}>New rule…</button><//></div>
    <p class="muted">A trouble must last so long before anybody is told. What an open alert explains opens nothing.</p>
    <${Table} of="rules" kind="stacked alertrules" head=${["Rule", "Severity", "When", "Lasting", "Where", ["A day", "", "Notices of it in a day, at most"], ACTIONS]}>
      <tbody>${rules.map((rule) => html`<${Row} key=${rule.name} rule=${rule} onTurn=${() => turn(rule)} onEdit=${() => setAsked({ rule })} onLeave=${() => setAsked({ rule, leaving: true })} />`)}</tbody><//>
    ${outcome}
    ${asked && !asked.leaving && html`<${RuleDialog} rule=${asked.rule} names=${rules.map(({ name }) => name)} change=${change} onClose=${close} />`}
    ${asked?.leaving && html`<${Confirm} title=${asked.rule.default ? `Reset ${asked.rule.name}?` : `Remove ${asked.rule.name}?`} verb=${asked.rule.default ? "Reset" : "Remove"} act=${() => take(asked.rule)} onClose=${close}>
      <p>${asked.rule.default ? "It is again as it came with hived." : "Its open alerts end, and nothing of it is told any more."}</p><//>`}
  </section>`;
}

function Row({ rule, onTurn, onEdit, onLeave }) {
  const changed = rule.changed_at ? `changed by ${rule.changed_by} ${exact(stamp(rule.changed_at))}` : undefined;
  const may = !rule.default || rule.changed_at;
  return html`<tr class=${rule.enabled ? "" : "off"} data-rule=${rule.name}><th scope="row" title=${rule.sign}>${rule.title} <small class="muted" title=${changed}>${rule.name}${changed ? " *" : ""}</small></th>
    <td data-label="Severity">${rule.enabled ? html`<${Severity} value=${rule.severity} />` : html`<${Badge} tone="off">off<//>`}</td>
    <td data-label="When">${limitWords(rule)}</td><td data-label="Lasting" class="nowrap">${lastingWords(rule.for_seconds)}</td>
    <td data-label="Where">${scopeWords(rule.scope)}</td><td data-label="A day">${number(rule.per_day)}</td>
    <td class="actions"><${Only} role="admin"><button type="button" onClick=${onTurn}>${rule.enabled ? "Switch off" : "Switch on"}</button>
      <button type="button" onClick=${onEdit}>Change…</button>${may && html`<button type="button" onClick=${onLeave}>${rule.default ? "Reset…" : "Remove…"}</button>`}<//></td></tr>`;
}
