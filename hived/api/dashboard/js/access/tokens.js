/* Tokens of programs: made with a role and an end, shown once, revoked at once. */
import { post, remove } from "../lib/api.js";
import { Confirm, Dialog, FormDialog, Secret, useOutcome } from "../lib/dialog.js";
import { count, exact, stamp } from "../lib/format.js";
import { html, useState } from "../lib/html.js";
import { now } from "../lib/live.js";
import { ACTIONS, Badge, Pending, Table, useRead, When } from "../lib/ui.js";
import { RoleChoice, ROLE_WORDS } from "../lib/roles.js";

const AREAS = {
  __proto__: null,
  miners: "miners and models",
  collecting: "sources and artifacts",
  nodes: "nodes and joining",
  site: "sweeps, other devices, daemons, events",
  access: "users, tokens, audit",
  steer: "orders to miners, which no token gives without this",
  metrics: "numbers for Prometheus, and nothing else",
  alerts: "alerts, their rules, maintenance and channels",
};

const DAY_S = 86400;
const LIVES = [
  [90, "90 days"],
  [1, "1 day"],
  [7, "7 days"],
  [30, "30 days"],
  [365, "a year"],
  [0, "until it is revoked"],
];

export function Tokens() {
  const read = useRead("/api/v1/tokens", { everyMs: 30000 });
  const [asked, setAsked] = useState(null); // "add", or the token to revoke
  const [outcome, say] = useOutcome();
  if (!read.data) return html`<section><h2>API tokens</h2><${Pending} read=${read} what="API tokens" /></section>`;
  const tokens = read.data;
  const close = () => setAsked(null);
  return html`<section aria-labelledby="tokens"><div class="sectionhead"><h2 id="tokens">API tokens <small>${tokens.length ? count(tokens.length, "token") : ""}</small></h2>
      <button type="button" onClick=${() => setAsked("add")}>Make a token…</button></div>
    ${tokens.length === 0
      ? html`<p class="note muted">None. A program that reads or steers this site sends one with each call: <code>Authorization: Bearer …</code></p>`
      : html`<${Table} of="tokens" kind="stacked tokens" head=${["Name", "Role", "For", "Made", "Last used", "Ends", ACTIONS]}>
          <tbody>${tokens.map((token) => html`<${Row} key=${token.id} token=${token} onRevoke=${() => setAsked(token)} />`)}</tbody><//>`}
    <p class="note muted">What can be asked and how: <a href="/api/docs" target="_blank">the description of the API</a>.</p>
    ${outcome}
    ${asked === "add" && html`<${MakeToken} onClose=${close} onMade=${read.again} />`}
    ${asked !== null && asked !== "add" && html`<${Confirm} title=${`Revoke ${asked.name}?`} verb="Revoke" onClose=${close}
      act=${async () => {
        await remove(`/api/v1/tokens/${encodeURIComponent(asked.id)}`);
        say(`${asked.name} is revoked: it no longer works.`);
        read.again();
      }}><p>Programs that use it are refused from then on. It cannot be taken back.</p><//>`}
  </section>`;
}

function Row({ token, onRevoke }) {
  const ends = stamp(token.expires_at);
  const over = token.revoked_at ? "revoked" : ends !== null && ends <= now() ? "expired" : null;
  return html`<tr data-token=${token.id} class=${over ? "muted" : ""}>
    <th scope="row">${token.name}</th>
    <td data-label="Role" title=${ROLE_WORDS[token.role]}>${token.role}</td>
    <td class="reason" data-label="For">${token.scopes?.length ? token.scopes.join(", ") : "everything its role may but orders"}</td>
    <td data-label="Made"><${When} ms=${stamp(token.created_at)} />${token.created_by ? html` <span class="small">by ${token.created_by}</span>` : ""}</td>
    <td class="nowrap" data-label="Last used"><${When} ms=${stamp(token.used_at)} empty="never" /></td>
    <td class="nowrap" data-label="Ends">${over ? html`<${Badge} tone="off">${over}<//>` : ends === null ? "never" : html`<${Until} ms=${ends} />`}</td>
    <td class="actions">${!over && html`<button type="button" aria-label=${`Revoke ${token.name}`} onClick=${onRevoke}>Revoke…</button>`}</td></tr>`;
}

/* A time to come. */
function Until({ ms }) {
  const days = (ms - now()) / 1000 / DAY_S;
  const words = days >= 2 ? `in ${Math.round(days)} days` : `in ${Math.max(1, Math.round(days * 24))} h`;
  return html`<time datetime=${new Date(ms).toISOString()} title=${exact(ms)}>${words}</time>`;
}

function MakeToken({ onClose, onMade }) {
  const [wish, setWish] = useState({ name: "", role: "viewer", days: 90, scopes: [] });
  const [made, setMade] = useState(null);
  const make = async () => {
    const expires = wish.days ? new Date(now() + wish.days * DAY_S * 1000).toISOString() : null;
    const body = { name: wish.name.trim(), role: wish.role, ...(wish.scopes.length ? { scopes: wish.scopes } : {}), ...(expires ? { expires_at: expires } : {}) };
    setMade(await post("/api/v1/tokens", body));
    onMade();
  };
  if (made) {
    return html`<${Dialog} title=${`Token ${made.name}`} onClose=${onClose} wide>
      <${Secret} text=${made.token}>This is the only time it is shown: copy it now. Whoever has it may do what ${made.name} may.<//>
      <p class="small">Try it:</p><pre>curl -H "Authorization: Bearer TOKEN" ${location.origin}/api/miners</pre>
      <p class="buttons"><button type="button" class="primary" autofocus onClick=${onClose}>I have copied it</button></p><//>`;
  }
  const turn = (area) => (event) => setWish({ ...wish, scopes: event.target.checked ? [...wish.scopes, area] : wish.scopes.filter((one) => one !== area) });
  return html`<${FormDialog} title="Make a token" verb="Make" failed="Not made" act=${make} stays onClose=${onClose}>
    <label>Name, of the program that uses it <input name="name" required maxlength="64" autocomplete="off" spellcheck="false" autofocus value=${wish.name} onInput=${(event) => setWish({ ...wish, name: event.target.value })} /></label>
    <label>Role <${RoleChoice} value=${wish.role} onChange=${(role) => setWish({ ...wish, role })} /></label>
    <p class="small">A ${wish.role} ${ROLE_WORDS[wish.role]}.</p>
    <fieldset><legend>Only for (nothing chosen: everything but orders)</legend>
      ${Object.entries(AREAS).map(([area, words]) => html`<label key=${area} class="tick"><input type="checkbox" name=${area} checked=${wish.scopes.includes(area)} onChange=${turn(area)} /> ${area} <span class="small">${words}</span></label>`)}
    </fieldset>
    <label>Ends after <select name="days" onChange=${(event) => setWish({ ...wish, days: Number(event.target.value) })}>
      ${LIVES.map(([days, words]) => html`<option key=${days} value=${days} selected=${days === wish.days}>${words}</option>`)}
    </select></label><//>`;
}
