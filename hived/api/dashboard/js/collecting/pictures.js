/* Pictures lie on the museums' servers, which see who asks for them: they are shown only when the operator says so.

The say-so is kept in this browser. What may be loaded is decided by the content policy of the document, so a change of
mind loads the page again: with ?pictures=1 its policy lets pictures through, without it the browser itself refuses. */
import { choose, chosen } from "../lib/choice.js";
import { html, useEffect, useState } from "../lib/html.js";

const KEY = "hived-pictures";
const PARAMETER = "pictures";

function inAddress() {
  return location.pathname === "/collecting" && new URLSearchParams(location.search).get(PARAMETER) === "1";
}

const GRANTED = inAddress(); // to this document; later changes of the address do not change its policy

const isOn = () => chosen(KEY) === "on";

/* Load the document whose policy fits the choice, when this one does not. */
function settle() {
  const on = isOn();
  if (on === GRANTED) return;
  const query = new URLSearchParams(location.search);
  if (on) query.set(PARAMETER, "1");
  else query.delete(PARAMETER);
  const text = query.toString();
  location.replace(text ? `/collecting?${text}` : "/collecting");
}

/* True when pictures are wanted and this document may have them. */
export function usePictures() {
  useEffect(settle, []);
  return GRANTED && isOn();
}

export function PictureSwitch() {
  const on = isOn();
  const turn = (event) => choose(KEY, event.target.checked ? "on" : null) && settle();
  return html`<label class="switch pictures" title="They are loaded from the museums' own servers, which then see this browser's address.">
    <input type="checkbox" role="switch" checked=${on} onChange=${turn} />
    <span class="knob" aria-hidden="true"></span>Show pictures from the museums
  </label>`;
}

/* An http(s) URL as the browser understands it; null for everything else, scripts above all. */
export function webUrl(value) {
  try {
    const url = new URL(value);
    return url.protocol === "https:" || url.protocol === "http:" ? url.href : null;
  } catch (none) {
    return null;
  }
}

/* A link to somewhere else, or its words alone where that is no web page. */
export function Outside({ to, children, ...rest }) {
  const url = webUrl(to);
  return url === null ? html`<span ...${rest}>${children}</span>` : html`<a href=${url} target="_blank" rel="noopener noreferrer" ...${rest}>${children}</a>`;
}

/* The URL of a picture that the policy lets through: https, or plain http on this machine (a simulated collection). */
export function pictureUrl(value) {
  const url = webUrl(value);
  if (url === null) return null;
  const { protocol, hostname } = new URL(url);
  return protocol === "https:" || /^127\.\d+\.\d+\.\d+$/.test(hostname) ? url : null;
}

export function Picture({ artifact }) {
  const [lost, setLost] = useState(false);
  const url = pictureUrl(artifact.image_url);
  if (url === null || lost) return html`<div class="picture none" aria-hidden="true"></div>`;
  return html`<img class="picture" src=${url} alt="" loading="lazy" decoding="async" referrerpolicy="no-referrer" onError=${() => setLost(true)} />`;
}
