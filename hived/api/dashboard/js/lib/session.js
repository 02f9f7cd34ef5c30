/* Who is logged in on this browser, and what they may do. The server decides; this only spares them useless buttons. */
import { get, post, remove, whenRefused } from "./api.js";
import { html } from "./html.js";
import { watched } from "./watched.js";

const ROLES = ["viewer", "operator", "admin"]; // each may what those before it may
const ARTICLES = { __proto__: null, viewer: "a viewer", operator: "an operator", admin: "an admin" };
const RETRY_MS = 2000;

export const session = {
  checked: false, // the server was asked
  user: null,
  role: null,
  local: false, // let in by a login link, on the machine itself
  setupNeeded: false,
  ended: false, // it was there, and is not any more: the page stays, and asks for a new login
  error: null,
  linkError: null, // why a login link did not let this browser in
};

const [useChanges, draw] = watched();

export function useSession() {
  useChanges();
  return session;
}

/* Ask the server who this browser is; true when somebody is logged in. */
export async function refreshSession() {
  try {
    const current = await get("/api/v1/session");
    const user = current.user ?? null;
    if (user === null && session.user !== null) session.ended = true;
    else {
      if (user !== null) session.ended = false;
      Object.assign(session, { user, role: user === null ? null : (current.role ?? null), local: Boolean(current.local) });
    }
    Object.assign(session, { checked: true, error: null, setupNeeded: Boolean(current.setup_needed) });
  } catch (err) {
    session.error = err.message;
  }
  draw();
  return session.user !== null && !session.ended;
}

/* Ask until there is an answer. */
export async function startSession() {
  whenRefused(refused);
  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && session.ended && refreshSession());
  await refreshSession();
  if (!session.checked) setTimeout(startSession, RETRY_MS);
}

let asking = false;

/* A refused call says that something changed, not what: the server is asked once, however many calls it refused. */
async function refused() {
  if (asking || session.user === null || session.ended) return;
  asking = true;
  await refreshSession();
  asking = false;
}

/* Throws what the server said when it does not let them in. */
export async function login(user, password) {
  await post("/api/v1/session", { user, password });
  await refreshSession();
}

/* Log in with the code in the fragment of the address, which it leaves at once; true when that let this browser in. */
export async function loginByLink() {
  const code = new URLSearchParams(location.hash.slice(1)).get("code");
  if (code === null) return false;
  history.replaceState(history.state, "", location.pathname + location.search);
  try {
    await post("/api/v1/session/link", { code });
    session.linkError = null;
    return await refreshSession();
  } catch (err) {
    session.linkError = err.message;
    draw();
    return false;
  }
}

export async function setUp(code, user, password) {
  await post("/api/v1/setup", { code, user, password });
  await refreshSession();
}

/* Nothing of what was shown stays in this browser's memory: the page is loaded again. */
export async function logout() {
  await remove("/api/v1/session");
  location.replace("/login");
}

export function may(role) {
  return ROLES.indexOf(session.role) >= ROLES.indexOf(role);
}

/* Why the one who is logged in may not do what needs this role; undefined when they may. */
export function whyNot(role) {
  return may(role) ? undefined : `Only ${ARTICLES[role]} may do this; you are ${ARTICLES[session.role] ?? "not logged in"}`;
}

/* Shows its content to those alone who may use it. */
export function Only({ role, children, instead = "" }) {
  useSession();
  return may(role) ? html`${children}` : instead;
}
