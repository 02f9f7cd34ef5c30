/* What an operator may change of one miner; for a miner of another node it waits until that node fetches it. */
import { patch } from "../lib/api.js";
import { html, useRef, useState } from "../lib/html.js";
import { may, useSession, whyNot } from "../lib/session.js";

const ORDERS = { managed: "managed", set_managed: "managed", unlock_pass: "unlock password", set_unlock_pass: "unlock password", max_preset: "highest preset", set_max_preset: "highest preset" };

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
  const [state, setState] = useState({ busy: false, error: null });
  const turn = async (event) => {
    const box = event.target;
    setState({ busy: true, error: null });
    try {
      onChanged(await patch(`/api/miners/${miner.id}`, { managed: box.checked }));
      setState({ busy: false, error: null });
    } catch (err) {
      box.checked = miner.managed;
      setState({ busy: false, error: err.message });
    }
  };
  return html`<label class="switch" title=${why ?? "Managed: hived may steer this miner"}>
    <input type="checkbox" role="switch" checked=${miner.managed} disabled=${state.busy || Boolean(why)} onChange=${turn} /><span class="knob" aria-hidden="true"></span> managed
    ${state.error && html`<span class="tone-bad" role="alert">${state.error}</span>`}</label>`;
}

export function Password({ miner, node, onChanged }) {
  const dialog = useRef(null);
  const field = useRef(null);
  const [state, setState] = useState({ busy: false, error: null, saved: false });
  const open = () => {
    setState({ busy: false, error: null, saved: false });
    dialog.current.showModal();
    field.current.focus();
  };
  const close = () => {
    field.current.value = ""; // a password is never shown again, not even to the next one at this desk
    dialog.current.close();
  };
  const save = async (event) => {
    event.preventDefault();
    const password = field.current.value;
    if (!password) return setState({ busy: false, error: "Type the password first.", saved: false });
    setState({ busy: true, error: null, saved: false });
    try {
      onChanged(await patch(`/api/miners/${miner.id}`, { unlock_pass: password }));
      setState({ busy: false, error: null, saved: true });
      close();
    } catch (err) {
      setState({ busy: false, error: err.message, saved: false });
    }
    return undefined;
  };
  if (!may("operator")) return "";
  return html`<button type="button" onClick=${open}>Unlock password…</button>
    ${state.saved && html`<span class="tone-good" role="status">${node ? `Password noted; it is handed to ${node.name} and tried there.` : "Password stored; it is tried at the next sweep."}</span>`}
    <dialog ref=${dialog} aria-labelledby="pw-title" onCancel=${close}>
      <form method="dialog" onSubmit=${save}>
        <h2 id="pw-title">Unlock password of ${miner.ip ?? miner.id}</h2>
        <p class="muted">The password of the miner's own web page. It is stored ${node ? `on the node ${node.name}` : "on this appliance"} and never shown again.</p>
        <label>Password <input ref=${field} type="password" autocomplete="new-password" maxlength="256" /></label>
        ${state.error && html`<p class="tone-bad" role="alert">${state.error}</p>`}
        <p class="buttons"><button type="button" onClick=${close}>Cancel</button><button type="submit" class="primary" disabled=${state.busy}>Store</button></p>
      </form>
    </dialog>`;
}
