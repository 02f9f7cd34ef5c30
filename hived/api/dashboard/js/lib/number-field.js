/* A number within bounds: `onChange` is told null as long as it is none, and the field then says what is expected. */
import { known, number } from "./format.js";
import { html, useState } from "./html.js";

function fits(text, low, high, whole) {
  const value = Number(text);
  return text.trim() !== "" && Number.isFinite(value) && (!whole || Number.isInteger(value)) && value >= low && value <= high;
}

export function NumberField({ label, name, low, high, whole = true, value, onChange, ...rest }) {
  const [text, setText] = useState(known(value) ? String(value) : "");
  const type = ({ target }) => {
    setText(target.value);
    onChange(fits(target.value, low, high, whole) ? Number(target.value) : null);
  };
  const wrong = text !== "" && !fits(text, low, high, whole);
  return html`<label>${label} <input type="number" inputmode=${whole ? "numeric" : "decimal"} name=${name} min=${low} max=${high} step=${whole ? "1" : "any"} required value=${text} aria-invalid=${wrong ? "true" : undefined} onInput=${type} ...${rest} />
    <small class=${wrong ? "tone-bad" : "muted"} role=${wrong ? "alert" : undefined}>${wrong ? `Expected a ${whole ? "whole " : ""}number ` : ""}from ${number(low)} to ${number(high)}</small></label>`;
}
