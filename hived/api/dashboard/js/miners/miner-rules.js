/* What the operator laid down for one miner: its group and tags, its lowest preset, and whether it takes orders. */
import { patch } from "../lib/api.js";
import { FormDialog, useAct } from "../lib/dialog.js";
import { exact, stamp, UNKNOWN } from "../lib/format.js";
import { html, useRef, useState } from "../lib/html.js";
import { may, Only, useSession, whyNot } from "../lib/session.js";
import { When } from "../lib/ui.js";
import { capital } from "./verbs.js";

const HOLDS = {
  __proto__: null,
  locked: { title: "Lock", verb: "Lock", undo: "Unlock", words: "locked", meaning: "It takes no orders at all" },
  protected: { title: "Protect", verb: "Protect", undo: "Stop protecting", words: "protected", meaning: "It takes orders from people alone, nothing automatic" },
};

export function MinerRules({ miner, onChanged }) {
  useSession();
  const [editing, setEditing] = useState(null);
  const change = async (body) => onChanged(await patch(`/api/miners/${miner.id}`, body));
  const close = () => setEditing(null);
  return html`<section class="rules" aria-labelledby="rules"><h2 id="rules">Rules</h2><dl class="facts">
      <div><dt>Group</dt><dd>${miner.group ?? UNKNOWN}</dd></div>
      <div><dt>Tags</dt><dd>${miner.tags?.length ? miner.tags.map((tag) => html`<span class="tag" key=${tag}>${tag}</span> `) : UNKNOWN}</dd></div>
      ${may("operator") && html`<div><dt class="hidden">Group and tags</dt><dd><button type="button" onClick=${() => setEditing("group")}>Group and tags…</button></dd></div>`}
      <${LowestPreset} miner=${miner} change=${change} />
      ${Object.keys(HOLDS).map((name) => html`<${Held} key=${name} name=${name} hold=${miner[name]} change=${change} onAsk=${() => setEditing(name)} />`)}
    </dl>
    ${editing === "group" && html`<${GroupDialog} miner=${miner} change=${change} onClose=${close} />`}
    ${editing && editing !== "group" && html`<${HoldDialog} name=${editing} miner=${miner} change=${change} onClose=${close} />`}
  </section>`;
}

/* Whatever keeps orders from a miner, for the top of its page. */
export function HoldNotes({ miner }) {
  return Object.entries(HOLDS).map(([name, { words, meaning }]) => {
    const hold = miner[name];
    const until = hold ? stamp(hold.until) : null;
    return hold && html`<p key=${name} class="note tone-warn hold" data-held=${name}>${capital(words)}: <span class="quote">${hold.why}</span>${" "}
      <span class="muted">by ${hold.by} <${When} ms=${stamp(hold.at)} />${until !== null ? `, until ${exact(until)}` : ""}. ${meaning}.</span></p>`;
  });
}

/* Either of the two holds; who may not change it sees it all the same. */
function Held({ name, hold, change, onAsk }) {
  const { words, verb, undo, meaning } = HOLDS[name];
  const [state, act] = useAct();
  const until = hold ? stamp(hold.until) : null;
  return html`<div data-hold=${name}><dt title=${meaning}>${capital(words)}</dt><dd>${hold
      ? html`<span class="tone-warn">${hold.why}</span> <span class="muted">by ${hold.by} <${When} ms=${stamp(hold.at)} />${until !== null ? `, until ${exact(until)}` : ""}</span>`
      : "no"}${" "}
    <${Only} role="admin">${hold
      ? html`<button type="button" disabled=${state.busy} onClick=${() => act(() => change({ [name]: null }))}>${undo}</button>`
      : html`<button type="button" title=${meaning} onClick=${onAsk}>${verb}…</button>`}<//>
    ${state.error && html`<span class="tone-bad" role="alert">${state.error}</span>`}</dd></div>`;
}

function HoldDialog({ name, miner, change, onClose }) {
  const { title, verb, meaning } = HOLDS[name];
  const why = useRef(null);
  const until = useRef(null);
  const act = () => change({ [name]: { why: why.current.value, until: until.current.value ? new Date(until.current.value).toISOString() : null } });
  return html`<${FormDialog} title=${`${title} ${miner.last_ip ?? miner.id}`} verb=${verb} act=${act} onClose=${onClose}>
    <p class="muted">${meaning}.</p>
    <label>Why <input ref=${why} name="why" required maxlength="200" autofocus /></label>
    <label>Until (empty: until it is taken away) <input ref=${until} name="until" type="datetime-local" /></label><//>`;
}

function GroupDialog({ miner, change, onClose }) {
  const group = useRef(null);
  const tags = useRef(null);
  const act = () => change({
    group: group.current.value.trim() || null,
    tags: tags.current.value.split(/[\s,]+/).filter(Boolean),
  });
  return html`<${FormDialog} title=${`Group and tags of ${miner.last_ip ?? miner.id}`} verb="Store" failed="Not stored" act=${act} onClose=${onClose}>
    <label>Group, such as the breaker that it hangs on <input ref=${group} name="group" defaultValue=${miner.group ?? ""} maxlength="64" autofocus /></label>
    <label>Tags, with commas between them <input ref=${tags} name="tags" defaultValue=${(miner.tags ?? []).join(", ")} maxlength="1000" /></label><//>`;
}

function LowestPreset({ miner, change }) {
  const [state, act] = useAct();
  const why = whyNot("admin");
  const names = miner.model?.presets ?? [];
  const choose = async ({ target }) => {
    if (!(await act(() => change({ min_preset: target.value || null })))) target.value = miner.min_preset ?? "";
  };
  return html`<div><dt>Lowest preset</dt><dd>${why
      ? (miner.min_preset ?? "none")
      : html`<select aria-label="Lowest preset" name="min_preset" disabled=${state.busy || !names.length} onChange=${choose}><option value="" selected=${!miner.min_preset}>none</option>
          ${names.map((name) => html`<option key=${name} value=${name} selected=${name === miner.min_preset}>${name}</option>`)}</select>`}
    ${state.error && html` <span class="tone-bad" role="alert">${state.error}</span>`}</dd></div>`;
}
