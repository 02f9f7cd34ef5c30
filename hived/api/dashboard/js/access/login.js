/* Logging in: a page of its own, and a dialog over a page whose session ended. */
import { TlsHint, useCredentials } from "../lib/credentials.js";
import { Dialog } from "../lib/dialog.js";
import { html, useEffect, useLayoutEffect, useRef, useState } from "../lib/html.js";
import { go } from "../lib/router.js";
import { login, loginByLink, useSession } from "../lib/session.js";

/* Where a reader came from, when that is a path of ours; else the fleet. */
export function wayBack(query) {
  try {
    const url = new URL(query.get("next") ?? "/", location.origin);
    // A path that begins with // leads to another host; it may have come from /.// or from backslashes.
    const inside = url.origin === location.origin && !/^\/(\/|(login|setup)$)/.test(url.pathname);
    return inside ? url.pathname + url.search : "/";
  } catch (none) {
    return "/";
  }
}

/* A link that was printed on the machine leads here. */
export async function enterByLink() {
  if (await loginByLink()) go(wayBack(new URLSearchParams(location.search)), { replace: true });
}

function LoginForm({ user = "", onDone }) {
  const [wish, setWish] = useState({ user, password: "" });
  const { waits, send, refusal } = useCredentials();
  const password = useRef(null);
  const write = (field) => (event) => setWish({ ...wish, [field]: event.target.value });
  const enter = async (event) => {
    event.preventDefault();
    if (await send(() => login(wish.user, wish.password))) return onDone();
    setWish({ ...wish, password: "" });
    return password.current?.focus();
  };
  return html`<form class="credentials" onSubmit=${enter}>
    <label>Name <input name="user" autocomplete="username" required maxlength="64" autocapitalize="none" spellcheck="false" autofocus=${!user}
      value=${wish.user} onInput=${write("user")} /></label>
    <label>Password <input ref=${password} type="password" name="password" autocomplete="current-password" required maxlength="256" autofocus=${Boolean(user)}
      value=${wish.password} onInput=${write("password")} /></label>
    ${refusal("Not logged in")}
    <p class="buttons"><button type="submit" class="primary" disabled=${waits}>Log in</button></p>
  </form>`;
}

export function LoginPage({ query }) {
  const { user, role, setupNeeded, ended, linkError } = useSession();
  useEffect(() => {
    if (setupNeeded && linkError === null) go("/setup", { replace: true });
  }, [setupNeeded, linkError]);
  useLayoutEffect(() => document.querySelector(".credentials input")?.focus(), []);
  // The document itself is loaded again: what it may show depends on who asks for it.
  const enter = () => location.replace(wayBack(query));
  return html`<section class="gate card">
    <h1 tabindex="-1">Log in</h1>
    ${linkError !== null && html`<p class="tone-bad" role="alert">Not logged in: ${linkError}.</p>`}
    ${setupNeeded && html`<p>There is no user yet: <a href="/setup">make the first admin</a>.</p>`}
    ${user !== null && !ended && html`<p class="small">You are logged in as ${user} (${role}). <a href=${wayBack(query)}>Go on as ${user}</a>, or log in as somebody else.</p>`}
    <${LoginForm} onDone=${enter} />
    <${TlsHint} />
    <p class="small">No account? An admin makes one on the Access page, or on the machine itself: <code>sudo hivectl users add NAME --role admin</code></p>
  </section>`;
}

/* Over the page that the reader was on: it is still there when they are back. */
export function SessionEnded() {
  const { ended, user, local, setupNeeded } = useSession();
  const [put, setPut] = useState(false); // away, by Escape
  useLayoutEffect(() => setPut(false), [ended]); // at once: Escape may follow on its heels
  if (!ended || put) return "";
  if (local) {
    return html`<${Dialog} title="Your session ended" onClose=${() => setPut(true)}>
      <p>This browser was let in by a login link. On the machine itself, this prints another one:</p>
      <p><code>sudo hivectl login-link</code></p>
      <p class="buttons"><a href="/login">Log in with a password</a></p><//>`;
  }
  if (setupNeeded) {
    return html`<${Dialog} title="There are no users any more" onClose=${() => setPut(true)}>
      <p>This machine has a new database: the one before was damaged, or taken away. On the machine itself, this says what happened, and how a backup is brought back:</p>
      <p><code>sudo hivectl doctor</code></p>
      <p>To go on without a backup, make the first admin again.</p>
      <p class="buttons"><button type="button" class="primary" onClick=${() => location.assign("/setup")}>Set up</button></p><//>`;
  }
  return html`<${Dialog} title="Your session ended" onClose=${() => setPut(true)}>
    <p>Log in again to go on. The page behind this stays as it is.</p>
    <${LoginForm} user=${user ?? ""} onDone=${() => setPut(false)} /><//>`;
}
