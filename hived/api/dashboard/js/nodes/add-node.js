/* Adding a node: a code that is used once, or a key for an external collector. */
import { post } from "../lib/api.js";
import { useCountdown } from "../lib/credentials.js";
import { Copy, Dialog, FormDialog, Secret, useAct } from "../lib/dialog.js";
import { stamp } from "../lib/format.js";
import { html, useEffect, useState } from "../lib/html.js";
import { now } from "../lib/live.js";
import { Only } from "../lib/session.js";

export function AddNode({ say }) {
  const [open, setOpen] = useState(null);
  const close = () => setOpen(null);
  return html`<${Only} role="admin"><span class="pageactions">
      <button type="button" class="primary" onClick=${() => setOpen("node")}>Add a node…</button>
      <button type="button" onClick=${() => setOpen("collector")}>Add an external collector…</button></span>
    ${open === "node" && html`<${EnrollCode} onClose=${close} />`}
    ${open === "collector" && html`<${Collector} onClose=${close} say=${say} />`}<//>`;
}

const isLoopback = /^(localhost|127(\.\d+){3}|\[::1\])$/.test(location.hostname);

function EnrollCode({ onClose }) {
  const [made, setMade] = useState(null);
  const [state, act] = useAct();
  const [left, countDown] = useCountdown();
  const make = () => act(async () => {
    const fresh = await post("/api/v1/enroll-codes", {});
    setMade(fresh);
    countDown((stamp(fresh.expires_at) - now()) / 1000);
  });
  useEffect(() => {
    make();
  }, []);
  const line = `sudo hivectl join ${location.origin} ${made?.code}`;
  const over = left === 0;
  return html`<${Dialog} title="Add a node" onClose=${onClose} wide>
    <p>Install <code>hived</code> on the new box, then type this line there:</p>
    ${state.error && html`<p class="tone-bad" role="alert">No code: ${state.error}.</p>`}
    ${made !== null && html`<p class="secret-line"><code class="line ${over ? "over" : ""}" tabindex="0">${line}</code> ${!over && html`<${Copy} text=${line} />`}</p>
      ${isLoopback && html`<p class="tone-warn">You are viewing this page on the machine itself. On the other box, put this machine's name or address in place of <code>${location.hostname}</code>.</p>`}
      <p class=${over ? "tone-warn" : "muted"}>${over ? "This code has expired." : html`The code <b>${made.code}</b> works once, for another <span class="countdown">${clock(left)}</span>.`}</p>`}
    <p class="small">It needs no approval: anybody with the code may join, but not as a node that is already known. The new node appears on this page within seconds.</p>
    <p class="buttons">${over && html`<button type="button" onClick=${make}>Make another code</button>`}<button type="button" class="primary" autofocus onClick=${onClose}>Close</button></p><//>`;
}

/* Seconds as "9:05". */
const clock = (seconds) => (seconds === null ? "" : `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`);

function Collector({ onClose, say }) {
  const [wish, setWish] = useState({ node_id: "", name: "" });
  const [made, setMade] = useState(null);
  const write = (field) => (event) => setWish({ ...wish, [field]: event.target.value });
  const add = async () => {
    setMade(await post("/api/v1/nodes", { node_id: wish.node_id.trim(), name: wish.name.trim() }));
    say(`${wish.name} is added.`);
  };
  if (made) {
    return html`<${Dialog} title=${`Key of ${wish.name}`} onClose=${onClose} wide>
      <${Secret} text=${made.key}>This is the only time it is shown: copy it now. It may send contributions under the id ${made.node_id}, and nothing else.<//>
      <p class="small">The collector sends it with each call:</p><pre>${`POST ${location.origin}/master/ingest\nAuthorization: Bearer KEY\nContent-Type: application/json`}</pre>
      <p class="buttons"><button type="button" class="primary" autofocus onClick=${onClose}>I have copied it</button></p><//>`;
  }
  return html`<${FormDialog} title="Add an external collector" verb="Add" failed="Not added" act=${add} stays onClose=${onClose}>
    <p class="small">A program that collects artifacts and sends them to <code>/master/ingest</code>. It gets a key, and watches no miners.</p>
    <label>Its id, as it sends it (node_id) <input name="node_id" required maxlength="64" autocomplete="off" autocapitalize="none" spellcheck="false" autofocus value=${wish.node_id} onInput=${write("node_id")} /></label>
    <label>Name, for people <input name="name" required maxlength="64" autocomplete="off" value=${wish.name} onInput=${write("name")} /></label><//>`;
}
