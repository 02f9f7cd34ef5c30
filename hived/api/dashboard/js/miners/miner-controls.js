/* What an operator may change of one miner; for a miner of another node it waits until that node fetches it. */
import { patch } from "../lib/api.js";
import { FormDialog, useAct } from "../lib/dialog.js";
import { html, useRef, useState } from "../lib/html.js";
import { may, useSession, whyNot } from "../lib/session.js";

const ORDERS = { __proto__: null, managed: "managed", set_managed: "managed", unlock_pass: "unlock password", set_unlock_pass: "unlock password", max_preset: "highest preset", set_max_preset: "highest preset" };

/* What was asked for and is not done yet: by name alone, or with more about it. */
export function Waiting({ pending, node }) {
  if (!pending?.length) return "";
  const names = pending.map((one) => {
    const verb = typeof one === "string" ? one : one.verb;
    return ORDERS[verb] ?? String(verb).replaceAll("_", " ");
  });
  return html`<p class="note tone-tune waitingfor" role="status">Waits for the node ${node?.name ?? "that watches this miner"} to fetch it: ${[...new Set(names)].join(", ")}.</p>`;
}

export function Managed({ miner, onChanged }) {
  useSession();
  const why = whyNot("operator");
  const [state, act] = useAct();
  const turn = async ({ target }) => {
    const done = await act(async () => onChanged(await patch(`/api/miners/${miner.id}`, { managed: target.checked })));
    if (!done) target.checked = miner.managed;
  };
  return html`<label class="switch" title=${why ?? "Managed: hived may steer this miner"}>
    <input type="checkbox" role="switch" checked=${miner.managed} disabled=${state.busy || Boolean(why)} onChange=${turn} /><span class="knob" aria-hidden="true"></span> managed
    ${state.error && html`<span class="tone-bad" role="alert">${state.error}</span>`}</label>`;
}

export function Password({ miner, node, onChanged }) {
  const [open, setOpen] = useState(false);
  const [stored, setStored] = useState(false);
  if (!may("operator")) return "";
  const ask = () => {
    setStored(false);
    setOpen(true);
  };
  return html`<button type="button" onClick=${ask}>Unlock password…</button>
    ${stored && html`<span class="tone-good" role="status">${node ? `Password noted; it is handed to ${node.name} and tried there.` : "Password stored; it is tried at the next sweep."}</span>`}
    ${open && html`<${PasswordDialog} miner=${miner} node=${node} onClose=${() => setOpen(false)} onStored=${(changed) => {
      setStored(true);
      onChanged(changed);
    }} />`}`;
}

/* What was typed leaves with the dialog: it is never shown again, not even to the next one at this desk. */
function PasswordDialog({ miner, node, onClose, onStored }) {
  const field = useRef(null);
  const store = async () => onStored(await patch(`/api/miners/${miner.id}`, { unlock_pass: field.current.value }));
  return html`<${FormDialog} title=${`Unlock password of ${miner.last_ip ?? miner.id}`} verb="Store" failed="Not stored" act=${store} onClose=${onClose}>
    <p class="muted">The password of the miner's own web page. It is stored ${node ? `on the node ${node.name}` : "on this appliance"} and never shown again.</p>
    <label>Password <input ref=${field} type="password" autocomplete="new-password" required maxlength="256" autofocus /></label><//>`;
}
