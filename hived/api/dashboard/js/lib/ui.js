/* Small pieces that several pages share. */
import { get } from "./api.js";
import { ago, exact, hashrate, known, number, percent, span, UNKNOWN } from "./format.js";
import { html, useEffect, useRef, useState } from "./html.js";
import { useNow } from "./live.js";

/* A time as an age that keeps counting, the exact time in its title. */
export function When({ ms, empty = UNKNOWN }) {
  const nowMs = useNow();
  if (ms === null || ms === undefined) return html`<span class="muted">${empty}</span>`;
  return html`<time title=${exact(ms)} datetime=${new Date(ms).toISOString()}>${ago(ms, nowMs)}</time>`;
}

/* For how long a box has been in its state, counting; of one that left, when that was. */
export function InState({ state, ms }) {
  const nowMs = useNow();
  if (ms === null) return UNKNOWN;
  const words = state === "left" ? ago(ms, nowMs) : `for ${span((nowMs - ms) / 1000)}`;
  return html`<time title=${exact(ms)} datetime=${new Date(ms).toISOString()}>${words}</time>`;
}

/* A bar that fills up to `share` percent (of 100) and is coloured by how much that is. */
export function Bar({ share, label }) {
  const width = known(share) ? Math.max(0, Math.min(100, share)) : 0;
  const tone = !known(share) ? "none" : share >= 90 ? "good" : share >= 60 ? "warn" : "bad";
  return html`<span class="bar bar-${tone}" role=${label ? "img" : undefined} aria-label=${label} aria-hidden=${label ? undefined : "true"}>
    <span style=${{ width: `${width}%` }}></span>
  </span>`;
}

export function Badge({ tone, children, title }) {
  return html`<span class="badge tone-${tone}" title=${title}><span class="dot"></span>${children}</span>`;
}

/* A figure with its unit, a heading and a line of small print. */
export function Figure({ label, value, unit, children, title, tone }) {
  return html`<div class="figure ${tone ? `tone-${tone}` : ""}" title=${title}>
    <h2>${label}</h2>
    <p class="value"><b>${value}</b>${value !== UNKNOWN && unit ? html` <span>${unit}</span>` : ""}</p>
    ${children}
  </div>`;
}

export function HashrateFigure({ now, expected, children }) {
  const [value, unit] = hashrate(now);
  const [whole, wholeUnit] = hashrate(expected);
  const share = known(now) && known(expected) && expected > 0 ? (100 * now) / expected : null;
  return html`<${Figure} label="Hashrate" value=${value} unit=${unit} title="Expected: the catalogue's rate of the preset that was asked for, with all boards">
    <${Bar} share=${share} label=${`${percent(share, 1)} of expected`} />
    <p class="small"><b>${percent(share, 1)}</b> of ${whole} ${known(expected) ? wholeUnit : ""} expected</p>
    ${children}
  <//>`;
}

/* A table that scrolls by itself where it does not fit. `of`: the id of its heading. `head`: the words of each column, or
   [words, class, title]. */
export function Table({ of, kind = "", head, children }) {
  return html`<div class="scroller" tabindex="0" role="region" aria-labelledby=${of}><table class="plain-table ${kind}">
    <thead><tr>${head.filter(Boolean).map((column) => {
      const [words, css, title] = [column].flat();
      return html`<th scope="col" class=${css} title=${title}>${words}</th>`;
    })}</tr></thead>${children}</table></div>`;
}

/* The heading of a column of buttons, for those who cannot see them. */
export const ACTIONS = html`<span class="hidden">Actions</span>`;

/* Read a URL, and again every `everyMs` and whenever `mark` changes: {data, error, again}. */
export function useRead(url, { everyMs = null, mark = null } = {}) {
  const [state, setState] = useState({ url, data: null, error: null });
  const wanted = useRef(0);
  const read = async (signal) => {
    const mine = ++wanted.current;
    try {
      const data = await get(url, signal);
      if (mine === wanted.current) setState({ url, data, error: null });
    } catch (err) {
      if (mine === wanted.current && !signal?.aborted) setState((old) => ({ url, data: old.url === url ? old.data : null, error: err }));
    }
  };
  useEffect(() => {
    if (!url) return undefined;
    const stop = new AbortController();
    read(stop.signal);
    const timer = everyMs ? setInterval(() => document.visibilityState === "visible" && read(stop.signal), everyMs) : null;
    return () => {
      stop.abort();
      clearInterval(timer);
    };
  }, [url, everyMs, mark]);
  const fits = state.url === url;
  return { data: fits ? state.data : null, error: fits ? state.error : null, again: () => read() };
}

/* What to show while there is nothing yet, or when reading failed. */
export function Pending({ read, what }) {
  if (read.error) {
    return html`<p class="note tone-bad" role="alert">${what} cannot be shown: ${read.error.message}.
      <button type="button" onClick=${read.again}>Try again</button></p>`;
  }
  return html`<p class="note muted">Reading ${what.toLowerCase()}…</p>`;
}

/* Set the title of the page while the component is shown. */
export function useTitle(words) {
  useEffect(() => {
    document.title = `${words} - hived`;
  }, [words]);
}

export function range(low, high, places = 0) {
  if (!known(low) && !known(high)) return UNKNOWN;
  if (!known(low) || low === high) return number(high, places);
  if (!known(high)) return number(low, places);
  return `${number(low, places)}–${number(high, places)}`;
}
