/* Client-side routes: deep links, Back and Forward, titles, scroll positions and the query string as state. */
import { watched } from "./watched.js";

const [useCurrent, tell] = watched();
const scrolls = new Map(); // entry key -> scrollY, for Back and Forward within this visit

function readable(path) {
  try {
    return decodeURI(path);
  } catch (malformed) {
    return path;
  }
}

function parse() {
  const path = readable(location.pathname).replace(/(.)\/+$/, "$1");
  for (const page of pages) {
    const match = new RegExp(`^${page.path.replace(/\{\w+\}/, "([\\w:.-]+)")}$`).exec(path);
    if (match) return { page, arg: match[1] ?? null, query: new URLSearchParams(location.search), path };
  }
  return { page: null, arg: null, query: new URLSearchParams(), path };
}

let pages = [];
let current = null;

function changed() {
  current = parse();
  tell();
}

function entry() {
  return history.state?.entry ?? 0;
}

let standing = 0; // the entry whose page is on the screen

export function go(url, { replace = false } = {}) {
  scrolls.set(entry(), window.scrollY);
  const state = { entry: Date.now() + Math.random() };
  if (replace) history.replaceState(state, "", url);
  else history.pushState(state, "", url);
  changed();
}

/* Change query parameters without a new history entry; null removes one. */
export function setQuery(changes) {
  const query = new URLSearchParams(current.query);
  for (const [key, value] of Object.entries(changes)) {
    if (value === null || value === "") query.delete(key);
    else query.set(key, value);
  }
  const text = query.toString();
  history.replaceState(history.state, "", text ? `${location.pathname}?${text}` : location.pathname);
  changed();
}

export function useRoute() {
  useCurrent();
  return current;
}

/* Scroll to where this entry was left; a new page starts at the top. Call when its content is there. */
export function restoreScroll() {
  standing = entry();
  window.scrollTo(0, scrolls.get(standing) ?? 0);
}

/* True when the reader came here by a link within the dashboard, not by loading this page. */
export function cameByLink() {
  return entry() !== 0;
}

/* `rows`: the table of pages. */
export function startRouter(rows) {
  pages = rows;
  current = parse();
  history.scrollRestoration = "manual"; // lists are rendered in windows: the browser would restore too early
  window.addEventListener("popstate", changed);
  window.addEventListener("scroll", () => entry() === standing && scrolls.set(standing, window.scrollY), { passive: true });
  document.addEventListener("click", (event) => {
    const link = event.target instanceof Element ? event.target.closest("a[href]") : null;
    if (!link || link.target || link.origin !== location.origin || event.defaultPrevented) return;
    if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    if (link.pathname.startsWith("/api/") || link.pathname.startsWith("/static/")) return;
    if (link.hash && link.pathname === location.pathname) return;
    event.preventDefault();
    go(link.pathname + link.search);
  });
}

export function minerPath(mac) {
  return `/miners/${mac}`;
}
