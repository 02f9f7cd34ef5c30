/* Who is logged in, in the header: name, role, and what one may do with one's own account. */
import { post } from "../lib/api.js";
import { NewPassword } from "../lib/credentials.js";
import { Dialog, FormDialog } from "../lib/dialog.js";
import { html, useLayoutEffect, useRef, useState } from "../lib/html.js";
import { logout, useSession } from "../lib/session.js";

export function Account() {
  const { user, role, local, ended } = useSession();
  const [open, setOpen] = useState(false);
  const [changing, setChanging] = useState(false);
  const [said, setSaid] = useState(null);
  const place = useRef(null);
  useLayoutEffect(() => {
    if (!open) return undefined;
    const away = (event) => !place.current?.contains(event.target) && setOpen(false);
    const escape = (event) => {
      if (event.key !== "Escape") return;
      setOpen(false);
      place.current?.querySelector("button")?.focus();
    };
    document.addEventListener("pointerdown", away);
    document.addEventListener("focusin", away);
    document.addEventListener("keydown", escape);
    return () => {
      document.removeEventListener("pointerdown", away);
      document.removeEventListener("focusin", away);
      document.removeEventListener("keydown", escape);
    };
  }, [open]);
  if (user === null || ended) return html`<span class="account"><a href=${`/login?next=${encodeURIComponent(location.pathname + location.search)}`}>Log in</a></span>`;
  const leave = async () => {
    try {
      await logout();
    } catch (err) {
      setSaid(`Not logged out: ${err.message}.`);
    }
  };
  const change = () => {
    setOpen(false);
    setChanging(true);
  };
  return html`<div class="account" ref=${place}>
    <button type="button" class="quiet who" aria-expanded=${open ? "true" : "false"} aria-controls="account" title=${`Logged in as ${user}, ${role}`} onClick=${() => setOpen(!open)}>
      <span class="hidden">Account: </span><b>${user}</b> <small>${role}</small> <span aria-hidden="true">▾</span></button>
    ${open && html`<div id="account" class="menu">
      <p>Logged in as <b>${user}</b>, ${role}.</p>
      ${local ? html`<p class="small">A login link let this browser in.</p>` : html`<button type="button" onClick=${change}>Change password…</button>`}
      <button type="button" onClick=${leave}>Log out</button>
      ${said && html`<p class="tone-bad" role="alert">${said}</p>`}
    </div>`}
    ${changing && html`<${ChangePassword} user=${user} onClose=${() => setChanging(false)} />`}
  </div>`;
}

function ChangePassword({ user, onClose }) {
  const [old, setOld] = useState("");
  const [fresh, setFresh] = useState(null);
  const [done, setDone] = useState(false);
  const change = async () => {
    if (fresh === null) throw new Error("the two must be equal and long enough");
    await post("/api/v1/session/password", { old, new: fresh });
    setDone(true);
  };
  if (done) {
    return html`<${Dialog} title="Password changed" onClose=${onClose}><p>It applies from now on. Your other sessions were ended.</p>
      <p class="buttons"><button type="button" class="primary" autofocus onClick=${onClose}>Close</button></p><//>`;
  }
  return html`<${FormDialog} title=${`Change the password of ${user}`} verb="Change" failed="Not changed" act=${change} stays onClose=${onClose}>
    <input class="hidden" type="text" name="username" autocomplete="username" value=${user} readonly tabindex="-1" aria-hidden="true" />
    <label>Present password <input type="password" name="old" autocomplete="current-password" required maxlength="256" autofocus value=${old} onInput=${(event) => setOld(event.target.value)} /></label>
    <${NewPassword} onChange=${setFresh} /><//>`;
}
