/* The frame around every page: navigation, the state of the connection, the theme. */
import { Account } from "./access/account.js";
import { AlertPill } from "./alerts/pill.js";
import { span } from "./lib/format.js";
import { html, render, useEffect, useLayoutEffect, useState } from "./lib/html.js";
import { live, retryNow, startLive, useLive, useNow, useUnknownSince } from "./lib/live.js";
import { enterByLink, SessionEnded } from "./access/login.js";
import { go, restoreScroll, startRouter, useRoute } from "./lib/router.js";
import { may, startSession, useSession } from "./lib/session.js";
import { BoxProblems } from "./appliance/box-problems.js";
import { PAGES } from "./pages.js";

const OLD_DATA_S = 60; // four polls of 15 s without a single status of a whole fleet: the poller stands still

/* Seconds since the newest status of the whole fleet; null when there is none. */
function dataAge(nowMs) {
  let newest = null;
  for (const row of live.rows.values()) {
    if (row.online && row.statusMs !== null && (newest === null || row.statusMs > newest)) newest = row.statusMs;
  }
  return newest === null ? null : Math.max(0, (nowMs - newest) / 1000);
}

function Connection() {
  useLive();
  const { ended } = useSession();
  const nowMs = useNow();
  const age = live.loaded ? dataAge(nowMs) : null;
  let tone = "good";
  let words = "live";
  let title = "Changes arrive as they happen.";
  if (ended) {
    [tone, words, title] = ["warn", "logged out", "Your session ended. What you see is from before."];
  } else if (live.link === "connecting") {
    [tone, words, title] = ["idle", "connecting…", "Waiting for hive-apid."];
  } else if (live.link === "lost") {
    const wait = Math.max(0, Math.ceil((live.retryAt - Date.now()) / 1000));
    const old = live.heardAt ? `, data is ${span((Date.now() - live.heardAt) / 1000)} old` : "";
    [tone, words] = ["bad", `connection lost, retrying${wait > 1 ? ` in ${wait} s` : ""}${old}`];
    title = `${live.reason ?? "no connection"}. Press to retry now.`;
  } else if (age !== null && (age > OLD_DATA_S || live.fleet?.stale)) {
    tone = "warn";
    words = age > OLD_DATA_S ? `data is ${span(age)} old` : live.fleet.stale_because ?? "data may be old";
    title = `Connected, but ${live.fleet?.stale_because ?? "no miner was polled lately"}.`;
  } else if (live.fleet?.stale) {
    [tone, words, title] = ["warn", live.fleet.stale_because ?? "data may be old", "Connected, but no new data arrives."];
  }
  // Said aloud once for each change; the seconds that count down are for the eye only.
  const aloud = live.link === "lost" ? "Connection lost" : tone === "warn" ? "Data is old" : live.link === "live" ? "Live" : "";
  return html`<span class="hidden" role="status">${aloud}</span><div class="connection" data-link=${live.link}>
    ${live.link === "lost" && !ended
      ? html`<button type="button" class="quiet tone-${tone}" title=${title} onClick=${retryNow}><span class="dot"></span>${words}</button>`
      : html`<span class="tone-${tone}" title=${title}><span class="dot"></span>${words}</span>`}
  </div>`;
}

const THEMES = { __proto__: null, auto: ["◐", "Theme: as the system"], light: ["☀", "Theme: light"], dark: ["☾", "Theme: dark"] };
const NEXT_THEME = { __proto__: null, auto: "light", light: "dark", dark: "auto" };

function ThemeSwitch() {
  const [choice, setChoice] = useState(window.hivedTheme.chosen());
  const turn = () => {
    window.hivedTheme.choose(NEXT_THEME[choice]);
    setChoice(window.hivedTheme.chosen());
  };
  const [sign, words] = THEMES[choice];
  return html`<button type="button" class="quiet theme" title="${words}" aria-label="${words}. Change" onClick=${turn}>
    <span aria-hidden="true">${sign}</span>
  </button>`;
}

function Header({ page }) {
  const { node, version, updated } = useLive();
  return html`<header class="top">
    <a class="skip" href="#main" onClick=${skipToMain}>Skip to content</a>
    <a class="brand" href="/" title=${node ? `hived ${version ?? ""} on ${node}` : "hived"}>
      <img src="/static/icon.svg" alt="" width="22" height="22" /><span>hived</span>${node && html`<small>${node}</small>`}
    </a>
    <nav aria-label="Pages">
      ${PAGES.filter(({ nav, role }) => nav && (!role || may(role))).map((one) => html`<a href=${one.path} aria-current=${one === page ? "page" : undefined}>${one.title}</a>`)}
    </nav>
    <${AlertPill} />
    <${Connection} />
    <${Account} />
    <${ThemeSwitch} />
    <${BoxProblems} />
    ${updated && html`<p class="banner" role="alert">hived was updated. <button type="button" onClick=${() => location.reload()}>Reload this page</button></p>`}
  </header>`;
}

function skipToMain(event) {
  event.preventDefault();
  document.querySelector("#main h1, #main")?.focus();
}

function Missing({ path }) {
  return html`<section class="plain"><h1 tabindex="-1">Not found</h1><p>There is no page at <code>${path}</code>. <a href="/">To the fleet</a></p></section>`;
}

const MISSING = { title: "Not found", page: Missing };

/* Before anybody is logged in: no navigation, nothing that would be refused. */
function Gate({ children }) {
  return html`<header class="top gatehead"><span class="brand"><img src="/static/icon.svg" alt="" width="22" height="22" /><span>hived</span></span><${ThemeSwitch} /></header>
    <main id="main" tabindex="-1">${children}</main>`;
}

/* Sends whoever is not logged in to where they can, and lets the stream begin for who is. */
function useGate(page, { checked, user, setupNeeded }) {
  const [started, setStarted] = useState(false);
  useEffect(() => {
    if (!checked) return;
    if (user !== null && !page.gate && !started) {
      setStarted(true);
      startLive();
    }
    if (user !== null || page.gate) return;
    const here = location.pathname + location.search;
    go(setupNeeded ? "/setup" : here === "/" ? "/login" : `/login?next=${encodeURIComponent(here)}`, { replace: true });
  }, [checked, user, setupNeeded, page]);
}

function App() {
  const route = useRoute();
  const session = useSession();
  const page = route.page ?? MISSING;
  useGate(page, session);
  useEffect(() => {
    if (page.title) document.title = `${page.title} - hived`;
  }, [page]);
  if (!session.checked) return html`<${Gate}><section class="gate"><h1 tabindex="-1" class="hidden">hived</h1><p class=${session.error ? "tone-bad" : "muted"} role="status">${session.error ? `Not reachable: ${session.error}. Trying again…` : "Asking who you are…"}</p></section><//>`;
  if (page.gate) return html`<${Gate}><${page.page} query=${route.query} /><//>`;
  return session.user === null ? html`<${Gate} />` : html`<${Inside} page=${page} route=${route} />`;
}

function Inside({ page, route }) {
  const unknownSince = useUnknownSince();
  const { ended } = useSession();
  useEffect(() => {
    if (!ended) retryNow(); // the stream broke off when the session ended
  }, [ended]);
  const [first] = useState({ path: route.path });
  useLayoutEffect(() => {
    // After a change of page the reader starts at its heading; on the first load the browser's own focus stays.
    if (first.path !== route.path) {
      document.querySelector("#main h1")?.focus({ preventScroll: true });
      restoreScroll();
    }
    first.path = route.path;
  }, [route.path]);
  return html`<${Header} page=${page} />
    <main id="main" tabindex="-1" class=${unknownSince === null ? "" : "unheard"}><${page.page} key=${route.path} arg=${route.arg} query=${route.query} path=${route.path} /></main>
    <${SessionEnded} />`;
}

startRouter(PAGES);
render(html`<${App} />`, document.getElementById("app"));
enterByLink().then(startSession);
window.addEventListener("hashchange", enterByLink); // a link that was put into the address of this page
