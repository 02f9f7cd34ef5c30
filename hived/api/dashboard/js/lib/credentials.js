/* Forms that take a password: what they share. */
import { get } from "./api.js";
import { html, useEffect, useState } from "./html.js";

export const SHORTEST = 10; // characters; the server has the last word

/* Seconds until a time that `start(seconds)` sets, counting down to 0; null before. */
export function useCountdown() {
  const [until, setUntil] = useState(0);
  const [left, setLeft] = useState(null);
  useEffect(() => {
    if (!until) return undefined;
    const tell = () => setLeft(Math.max(0, Math.ceil((until - Date.now()) / 1000)));
    tell();
    const timer = setInterval(tell, 250);
    return () => clearInterval(timer);
  }, [until]);
  return [left, (seconds) => setUntil(Date.now() + seconds * 1000)];
}

/* Sending credentials: {waits, send, refusal}. `send(work)` tells whether it went well, `refusal(failed)` is what to show
   when it did not; after too many failures the server wants a pause. */
export function useCredentials() {
  const [state, setState] = useState({ busy: false, error: null, paused: false });
  const [left, countDown] = useCountdown();
  const send = async (work) => {
    setState({ busy: true, error: null, paused: false });
    try {
      await work();
      return true;
    } catch (err) {
      const paused = Boolean(err.status === 429 && err.retryAfter);
      if (paused) countDown(err.retryAfter);
      setState({ busy: false, error: paused ? null : err.message, paused });
      return false;
    }
  };
  const refusal = (failed) => html`<div role="alert">${state.error && html`<p class="tone-bad">${failed}: ${state.error}.</p>`}${state.paused && html`<p class="tone-bad">Too many failures: for a while even the right answer is refused.</p>`}</div>
    ${state.paused && html`<p class="countdown ${left > 0 ? "tone-warn" : "tone-good"}">${left > 0 ? `You can try again in ${left} s.` : "You can try again now."}</p>`}`;
  return { busy: state.busy, waits: state.busy || left > 0, send, refusal };
}

/* On a page that came over plain HTTP: where it is to be had over TLS, and by which certificate. */
export function TlsHint() {
  const [fingerprint, setFingerprint] = useState(null);
  useEffect(() => {
    if (location.protocol === "http:") get("/api/v1/hello").then((hello) => setFingerprint(hello.fingerprint), () => {});
  }, []);
  if (fingerprint === null) return "";
  const place = `https://${location.hostname}:${location.port || 80}`;
  return html`<p class="small tls-hint">This page came over plain HTTP: anyone on the path can read what you type.
    The same page over TLS: <a href=${place + location.pathname + location.search}>${place}</a>. Your browser does not know its certificate, whose SHA-256 is
    <code>${fingerprint}</code></p>`;
}

/* How good a password is, by its length alone: {text, tone, enough}. */
export function strength(password) {
  const { length } = [...password];
  if (length === 0) return { text: `At least ${SHORTEST} characters. Length is what counts: a few words do well.`, tone: "muted", enough: false };
  if (length < SHORTEST) return { text: `${SHORTEST - length} more to go: at least ${SHORTEST} characters.`, tone: "tone-warn", enough: false };
  if (length < 16) return { text: `${length} characters: long enough. Longer is better.`, tone: "tone-good", enough: true };
  return { text: `${length} characters: good.`, tone: "tone-good", enough: true };
}

/* A new password, typed twice. `onChange(password)` gets null while the two differ or it is too short. */
export function NewPassword({ onChange, name = "New password" }) {
  const [first, setFirst] = useState("");
  const [second, setSecond] = useState("");
  const rating = strength(first);
  const write = (one, two) => {
    setFirst(one);
    setSecond(two);
    onChange(strength(one).enough && one === two ? one : null);
  };
  const differ = second !== "" && first !== second;
  return html`<label>${name} <input type="password" name="password" autocomplete="new-password" maxlength="256" required aria-describedby="strength"
      value=${first} onInput=${(event) => write(event.target.value, second)} /></label>
    <p id="strength" class="small ${rating.tone}">${rating.text}</p>
    <label>The same again <input type="password" name="again" autocomplete="new-password" maxlength="256" required aria-describedby="same"
      value=${second} onInput=${(event) => write(first, event.target.value)} /></label>
    <p id="same" class="small ${differ ? "tone-warn" : "muted"}" role="status">${differ ? "The two differ." : ""}</p>`;
}
