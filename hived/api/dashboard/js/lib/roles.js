/* The three roles, and what each may do. */
import { html } from "./html.js";

export const ROLE_WORDS = {
  __proto__: null,
  viewer: "sees everything, changes nothing",
  operator: "steers miners, sources and sweeps too",
  admin: "manages nodes, users and tokens too",
};

/* Choose one of the three roles; the words beside say what it may. */
export function RoleChoice({ value, onChange, ...rest }) {
  return html`<select name="role" value=${value} onChange=${(event) => onChange(event.target.value)} ...${rest}>
    ${Object.entries(ROLE_WORDS).map(([role, words]) => html`<option key=${role} value=${role} title=${words} selected=${role === value}>${role}</option>`)}
  </select>`;
}
