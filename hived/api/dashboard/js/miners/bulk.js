/* What is laid down for many miners at once: whether hived may steer them, their group and tags, holds. */
import { patch } from "../lib/api.js";
import { FormDialog, useAct } from "../lib/dialog.js";
import { count, number } from "../lib/format.js";
import { html, useState } from "../lib/html.js";
import { live } from "../lib/live.js";
import { may } from "../lib/session.js";

const STAYS = "stays as it is";
const HOLDS = {
  __proto__: null,
  locked: ["lock: they take no orders at all", true],
  unlocked: ["unlock", false],
  protected: ["protect: orders from people alone", true],
  unprotected: ["stop protecting", false],
};
const HOLD_BODIES = {
  __proto__: null,
  locked: (why) => ({ locked: { why } }),
  unlocked: () => ({ locked: null }),
  protected: (why) => ({ protected: { why } }),
  unprotected: () => ({ protected: null }),
};

const wordsOf = (text) => text.split(/[\s,]+/).filter(Boolean);

/* Change each of these miners, one after the other; `bodyOf(row)` null changes nothing of that one. Throws at the end what
   some of them answered. */
export async function changeAll(ids, bodyOf, onDone = () => {}) {
  const refused = [];
  for (const [i, id] of ids.entries()) {
    const body = bodyOf(live.rows.get(id) ?? { id });
    try {
      if (body) await patch(`/api/miners/${id}`, body);
    } catch (error) {
      refused.push(`${live.rows.get(id)?.last_ip ?? id}: ${error.message}`);
    }
    onDone(i + 1);
  }
  if (refused.length) throw new Error(`${count(refused.length, "miner")} of ${number(ids.length)}; ${refused[0]}`);
}

/* What is to be changed of one row. */
function bodyFor(wish, row) {
  const had = row.tags ?? [];
  const gone = wordsOf(wish.drop);
  const tags = [...new Set([...had, ...wordsOf(wish.add)])].filter((tag) => !gone.includes(tag));
  const body = {
    ...(wish.managed ? { managed: wish.managed === "yes" } : {}),
    ...(wish.grouping ? { group: wish.grouping === "set" ? wish.group.trim() : null } : {}),
    ...(tags.join() === had.join() ? {} : { tags }),
    ...(wish.hold ? HOLD_BODIES[wish.hold](wish.why) : {}),
  };
  return Object.keys(body).length ? body : null;
}

export function BulkDialog({ ids, onClose }) {
  const [wish, setWish] = useState({ managed: "", grouping: "", group: "", add: "", drop: "", hold: "", why: "" });
  const [done, setDone] = useState(null);
  const set = (changes) => setWish({ ...wish, ...changes });
  const type = (name) => ({ target }) => set({ [name]: target.value });
  const act = () => changeAll(ids, (row) => bodyFor(wish, row), setDone);
  const choice = (name, label, options) => html`<label>${label} <select name=${name} onChange=${type(name)}>
    ${[["", STAYS], ...options].map(([value, words]) => html`<option key=${value} value=${value} selected=${value === wish[name]}>${words}</option>`)}</select></label>`;
  return html`<${FormDialog} title=${`Rules for ${count(ids.length, "miner")}`} verb="Store" failed="Not stored" act=${act} onClose=${onClose}>
    ${choice("managed", "Managed", [["yes", "hived may steer them"], ["no", "hived may not steer them"]])}
    ${choice("grouping", "Group", [["set", "set to"], ["none", "take away"]])}
    ${wish.grouping === "set" && html`<label>Group, such as the breaker that they hang on <input name="group" required maxlength="64" value=${wish.group} onInput=${type("group")} /></label>`}
    <div class="pace"><label>Add tags <input name="add" maxlength="200" value=${wish.add} onInput=${type("add")} /></label>
      <label>Take tags away <input name="drop" maxlength="200" value=${wish.drop} onInput=${type("drop")} /></label></div>
    ${may("admin") && choice("hold", "Orders", Object.entries(HOLDS).map(([name, [words]]) => [name, words]))}
    ${wish.hold && HOLDS[wish.hold][1] && html`<label>Why <input name="why" required maxlength="200" value=${wish.why} onInput=${type("why")} /></label>`}
    <p class="small" role="status">${done === null ? "" : `${number(done)} of ${number(ids.length)}`}</p><//>`;
}

/* The way on from "it is not managed", where it is met. */
export function ManageThem({ ids, onDone }) {
  const [state, act] = useAct();
  const manage = () => act(async () => {
    await changeAll(ids, () => ({ managed: true }));
    onDone();
  });
  return html`<button type="button" class="manage" disabled=${state.busy} onClick=${manage}>Let hived steer ${ids.length === 1 ? "it" : "them"}</button>
    ${state.error && html` <span class="tone-bad" role="alert">Not done: ${state.error}</span>`}`;
}
