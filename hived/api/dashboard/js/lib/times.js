/* Fields for times: by the wall clock of the box, with 24 hours in every browser; and moments in the reader's own time. */
import { html } from "./html.js";
import { useRead } from "./ui.js";

export const DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/* "6:00" as the server wants it. */
export const wallOf = (text) => text.trim().padStart(5, "0");

export function WallTime({ label, name, value, required = false, onChange }) {
  return html`<label>${label} <input name=${name} inputmode="numeric" autocomplete="off" spellcheck="false" maxlength="5" placeholder="22:00" title="Hours and minutes, such as 22:00" pattern="([01]?[0-9]|2[0-3]):[0-5][0-9]"
    required=${required} value=${value} onInput=${(event) => onChange(event.target.value)} /></label>`;
}

/* The days of the week, in one row where there is room. */
export function Days({ days, onChange }) {
  const turn = (day) => (event) => onChange(DAYS.filter((one) => (one === day ? event.target.checked : days.includes(one))));
  return html`<p class="days">${DAYS.map((day) => html`<label key=${day} class="tick"><input type="checkbox" name=${day} checked=${days.includes(day)} onChange=${turn(day)} /> ${day}</label> `)}</p>`;
}

/* What "by the clock of the box" means. */
export function BoxClock() {
  const { data } = useRead("/api/v1/health", { everyMs: 20000 });
  const [, time, offset] = /T(\d\d:\d\d):[\d.]+(.*)$/.exec(data?.clock ?? "") ?? [];
  return html`<p class="small boxclock">By the clock of the box that hived runs on${time ? html`: there it is ${time} now <span class="muted">(UTC${offset === "+00:00" ? "" : offset})</span>` : ""}.</p>`;
}

/* The local time that a field of the browser takes, of epoch milliseconds. */
export function localField(ms) {
  return new Date(ms - new Date(ms).getTimezoneOffset() * 60000).toISOString().slice(0, 16);
}

/* What such a field holds, as the server wants it. */
export const momentOf = (text) => new Date(text).toISOString();
