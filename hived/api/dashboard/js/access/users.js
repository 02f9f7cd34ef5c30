/* Users: add, role, a new password, remove. The last admin stays. */
import { patch, post, remove } from "../lib/api.js";
import { NewPassword } from "../lib/credentials.js";
import { Confirm, FormDialog, useOutcome } from "../lib/dialog.js";
import { count, stamp } from "../lib/format.js";
import { html, useState } from "../lib/html.js";
import { ACTIONS, Pending, Table, useRead, When } from "../lib/ui.js";
import { RoleChoice, ROLE_WORDS } from "../lib/roles.js";
import { session } from "../lib/session.js";

const LAST_ADMIN = "The last admin stays: without one nobody could manage this site";
const path = (name) => `/api/v1/users/${encodeURIComponent(name)}`;

export function Users() {
  const read = useRead("/api/v1/users", { everyMs: 30000 });
  const [outcome, say, attempt] = useOutcome();
  const [asked, setAsked] = useState(null); // {what, user}
  if (!read.data) return html`<section><h2>Users</h2><${Pending} read=${read} what="Users" /></section>`;
  const users = read.data;
  const admins = users.filter((user) => user.role === "admin").length;
  const close = () => setAsked(null);
  const good = (text) => {
    say(text);
    read.again();
  };
  const promote = async (user, role, select) => {
    const done = await attempt(() => patch(path(user.name), { role }), "Not changed");
    if (done) good(`${user.name} is ${role} now: ${ROLE_WORDS[role]}.`);
    else select.value = user.role;
  };
  return html`<section aria-labelledby="users"><div class="sectionhead"><h2 id="users">Users <small>${users.length ? count(users.length, "user") : ""}</small></h2>
      <button type="button" onClick=${() => setAsked({ what: "add" })}>Add a user…</button></div>
    ${users.length === 0 && html`<p class="note muted">None yet. A login link lets in one browser on this machine for a while; all others need a user.</p>`}
    ${users.length > 0 && html`<${Table} of="users" kind="stacked users" head=${["Name", "Role", "Last login", "Added", ACTIONS]}>
      <tbody>${users.map((user) => {
        const last = user.role === "admin" && admins === 1;
        return html`<tr key=${user.name} data-user=${user.name}>
          <th scope="row">${user.name}${user.name === session.user && !session.local ? html` <span class="tag">you</span>` : ""}</th>
          <td data-label="Role"><${RoleChoice} value=${user.role} aria-label=${`Role of ${user.name}`} disabled=${last} title=${last ? LAST_ADMIN : ROLE_WORDS[user.role]}
            onChange=${(role) => promote(user, role, document.querySelector(`tr[data-user="${CSS.escape(user.name)}"] select`))} /></td>
          <td class="nowrap" data-label="Last login"><${When} ms=${stamp(user.login_at)} empty="never" /></td>
          <td class="nowrap" data-label="Added"><${When} ms=${stamp(user.created_at)} /></td>
          <td class="nowrap actions"><button type="button" onClick=${() => setAsked({ what: "password", user })}>New password…</button>
            <button type="button" disabled=${last} title=${last ? LAST_ADMIN : undefined} onClick=${() => setAsked({ what: "remove", user })}>Remove…</button></td></tr>`;
      })}</tbody><//>`}
    ${outcome}
    ${asked?.what === "add" && html`<${AddUser} onClose=${close} onDone=${(name) => good(`${name} can log in now.`)} />`}
    ${asked?.what === "password" && html`<${ResetPassword} user=${asked.user} onClose=${close} onDone=${(name) => good(`${name} has a new password; old sessions were ended.`)} />`}
    ${asked?.what === "remove" && html`<${Confirm} title=${`Remove ${asked.user.name}?`} verb="Remove" onClose=${close}
      act=${async () => {
        await remove(path(asked.user.name));
        good(`${asked.user.name} is removed.`);
      }}><p>${asked.user.name === session.user ? "This is you: you are logged out at once." : "They are logged out at once, wherever they are."} What they did stays in the audit.</p><//>`}
  </section>`;
}

function AddUser({ onClose, onDone }) {
  const [wish, setWish] = useState({ name: "", role: "viewer" });
  const [password, setPassword] = useState(null);
  const add = async () => {
    if (password === null) throw new Error("the two passwords must be equal and long enough");
    const name = wish.name.trim();
    await post("/api/v1/users", { name, role: wish.role, password });
    onDone(name);
  };
  return html`<${FormDialog} title="Add a user" verb="Add" failed="Not added" act=${add} onClose=${onClose}>
    <label>Name <input name="user" required maxlength="64" autocomplete="off" autocapitalize="none" spellcheck="false" autofocus value=${wish.name} onInput=${(event) => setWish({ ...wish, name: event.target.value })} /></label>
    <label>Role <${RoleChoice} value=${wish.role} onChange=${(role) => setWish({ ...wish, role })} /></label>
    <p class="small">A ${wish.role} ${ROLE_WORDS[wish.role]}.</p>
    <${NewPassword} name="Password" onChange=${setPassword} /><//>`;
}

function ResetPassword({ user, onClose, onDone }) {
  const [password, setPassword] = useState(null);
  const set = async () => {
    if (password === null) throw new Error("the two must be equal and long enough");
    await patch(path(user.name), { password });
    onDone(user.name);
  };
  return html`<${FormDialog} title=${`New password for ${user.name}`} verb="Set" failed="Not changed" act=${set} onClose=${onClose}>
    <p class="small">Tell it to them in person; they can change it after they have logged in.</p>
    <${NewPassword} onChange=${setPassword} /><//>`;
}
