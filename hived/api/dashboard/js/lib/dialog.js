/* Dialogs: the focus stays inside, Escape closes, and afterwards it is where it was. */
import { html, useEffect, useLayoutEffect, useRef, useState } from "./html.js";

let named = 0;

/* Rendered while it is open. `onClose` is called when the reader closes it. */
export function Dialog({ title, onClose, wide = false, children }) {
  const place = useRef(null);
  const [id] = useState(() => `dialog-${(named += 1)}`);
  useLayoutEffect(() => {
    const dialog = place.current;
    dialog.showModal();
    return () => dialog.close();
  }, []);
  const cancel = (event) => {
    event.preventDefault();
    onClose();
  };
  return html`<dialog ref=${place} aria-labelledby=${id} class=${wide ? "wide" : ""} onCancel=${cancel}><h2 id=${id}>${title}</h2>${children}</dialog>`;
}

/* A question before something that cannot be undone; `act` may throw, and its words are shown. */
export function Confirm({ title, verb, act, onClose, children }) {
  const [state, setState] = useState({ busy: false, error: null });
  const go = async (event) => {
    event.preventDefault();
    setState({ busy: true, error: null });
    try {
      await act();
      onClose();
    } catch (err) {
      setState({ busy: false, error: err.message });
    }
  };
  return html`<${Dialog} title=${title} onClose=${onClose}><form onSubmit=${go}>
    <div class="words">${children}</div>
    ${state.error && html`<p class="tone-bad" role="alert">Not done: ${state.error}.</p>`}
    <p class="buttons"><button type="button" autofocus onClick=${onClose}>Cancel</button><button type="submit" class="danger" disabled=${state.busy}>${verb}</button></p>
  </form><//>`;
}

/* Puts a text on the clipboard. Browsers have one for pages only over TLS or on this machine: else there is no button. */
export function Copy({ text, label = "Copy" }) {
  const [copied, setCopied] = useState(false);
  const timer = useRef(null);
  useEffect(() => () => clearTimeout(timer.current), []);
  if (!navigator.clipboard) return "";
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
    } catch (refused) {
      return; // it can still be marked by hand
    }
    setCopied(true);
    timer.current = setTimeout(() => setCopied(false), 2000);
  };
  return html`<button type="button" class="copy" aria-label=${copied ? "Copied" : `${label}: ${text.slice(0, 60)}`} onClick=${copy}>${copied ? "Copied" : label}</button>`;
}

/* A line to type somewhere else, or a secret to take along: marked with one click. */
export function Line({ text, label }) {
  return html`<code class="line">${text}</code> <${Copy} text=${text} label=${label} />`;
}

/* A secret that is shown this one time. */
export function Secret({ text, children }) {
  return html`<div class="secret"><p class="secret-line"><code class="line" tabindex="0">${text}</code> <${Copy} text=${text} /></p>
    <p class="tone-warn">${children}</p></div>`;
}
