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

/* What a button or a form does: [{busy, error}, act]; `act(work)` keeps in words what `work` throws, and tells whether it
   went well. */
export function useAct() {
  const [state, setState] = useState({ busy: false, error: null });
  const act = async (work) => {
    setState({ busy: true, error: null });
    try {
      await work();
      setState({ busy: false, error: null });
      return true;
    } catch (err) {
      setState({ busy: false, error: `${err.message}${err.retryAfter ? `; try again in ${err.retryAfter} s` : ""}` });
      return false;
    }
  };
  return [state, act];
}

/* What came of the last action, on a line of the page: [line, say(text, tone), attempt(work, failed)]. `attempt` says after
   `failed` what `work` throws, and tells whether it went well. */
export function useOutcome() {
  const [said, setSaid] = useState({ text: "", tone: "" });
  const say = (text, tone = "tone-good") => setSaid({ text, tone });
  const attempt = async (work, failed) => {
    try {
      await work();
      return true;
    } catch (err) {
      say(`${failed}: ${err.message}.`, "tone-bad");
      return false;
    }
  };
  return [html`<p class=${said.tone} role="status">${said.text}</p>`, say, attempt];
}

/* A form in a dialog. `act` may throw: its words are shown after `failed`; when it went well the dialog is closed, unless it `stays`. */
export function FormDialog({ title, verb, failed = "Not done", act, onClose, danger = false, stays = false, children }) {
  const [state, run] = useAct();
  const submit = async (event) => {
    event.preventDefault();
    if ((await run(act)) && !stays) onClose();
  };
  return html`<${Dialog} title=${title} onClose=${onClose}><form onSubmit=${submit}>${children}
    <div role="alert">${state.error && html`<p class="tone-bad">${failed}: ${state.error}.</p>`}</div>
    <p class="buttons"><button type="button" autofocus=${danger} onClick=${onClose}>Cancel</button><button type="submit" class=${danger ? "danger" : "primary"} disabled=${state.busy}>${verb}</button></p>
  </form><//>`;
}

/* A question before something that cannot be undone. */
export function Confirm({ children, ...rest }) {
  return html`<${FormDialog} ...${rest} danger><div class="words">${children}</div><//>`;
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
