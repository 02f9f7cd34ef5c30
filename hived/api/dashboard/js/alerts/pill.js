/* In the header of every page: how many alerts are open that nobody has in hand, as bad as the worst of them. */
import { count, number } from "../lib/format.js";
import { html } from "../lib/html.js";
import { useLive } from "../lib/live.js";

export function AlertPill() {
  const { bad, warn } = useLive().alerts;
  const open = bad + warn;
  if (!open) return "";
  const words = `${count(open, "alert")} open${bad && warn ? `, ${number(bad)} bad` : ""}`;
  return html`<a class="pill tone-${bad ? "bad" : "warn"}" href="/alerts" title=${words} aria-label=${words}><span class="dot"></span>${number(open)}<span class="of"> ${open === 1 ? "alert" : "alerts"}</span></a>`;
}
