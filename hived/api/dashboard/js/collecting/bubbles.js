/* What several nodes say of one artifact, side by side. All words from outside are text nodes. */
import { nodeName, nodePath } from "../nodes/fleet-nodes.js";
import { count, stamp } from "../lib/format.js";
import { html } from "../lib/html.js";
import { When } from "../lib/ui.js";

const ASIDE = new Set(["title", "summary", "description", "seconds", "tokens"]);
const ALIKE = 0.5; // texts that share half their words are versions of one text: then every other word matters

export const joined = (value) => (Array.isArray(value) ? value.map(joined).filter(Boolean).join(", ") : value === null || value === undefined ? "" : typeof value === "object" ? JSON.stringify(value) : String(value));

/* The content of a bubble as {title, summary, more}; other collectors may send a bare text, or JSON in a text. */
export function contentOf({ content }) {
  const read = typeof content === "string" ? document(content) : content;
  if (read === null || typeof read !== "object" || Array.isArray(read)) return { title: "", summary: joined(read ?? content), more: [] };
  const more = Object.entries(read).filter(([name, value]) => !ASIDE.has(name) && joined(value) !== "");
  return { title: joined(read.title), summary: joined(read.summary ?? read.description), more: more.map(([name, value]) => [name, joined(value)]) };
}

function document(text) {
  if (!text.startsWith("{")) return text;
  try {
    return JSON.parse(text);
  } catch (plain) {
    return text;
  }
}

/* Bubbles are of two kinds: who described it, and who collected it. */
export const descriptions = (bubbles) => bubbles.filter(({ kind }) => kind !== "facts");
export const readings = (bubbles) => bubbles.filter(({ kind }) => kind === "facts");

const Old = () => html`<span class="tag old" title="An older version of hived wrote it: it may say what the record does not. It is described anew.">old</span>`;

/* Whose bubble it is and since when, in the words of hivectl. */
export const Who = ({ bubble }) => html`<p class="small writer">${bubble.is_old && html`<${Old} /> `}${bubble.who}, <${When} ms=${stamp(bubble.collected_at)} /></p>`;

export const said = (bubble) => contentOf(bubble).summary;

const WORD = /[\p{L}\p{N}]+(?:[.,'’-][\p{L}\p{N}]+)*/gu;
const plain = (word) => word.toLocaleLowerCase();
const wordsOf = (text) => new Set([...text.matchAll(WORD)].map(([word]) => plain(word)));

/* A number, or a name: a capital that does not begin a sentence. */
function isFact(word, before) {
  if (/\p{N}/u.test(word)) return true;
  return /^\p{Lu}/u.test(word) && /[^.!?:\s]["'”’)\]]*\s*$/u.test(before);
}

/* Each text in pieces [{text, differs}]: what differs is a word that no other text has. In texts of one mould that is
   each such word, in texts of their own only numbers and names, which they should agree on. */
export function compared(texts) {
  const times = new Map(); // word -> in how many texts
  for (const word of texts.flatMap((text) => [...wordsOf(text)])) times.set(word, (times.get(word) ?? 0) + 1);
  const shared = [...times.values()].filter((n) => n === texts.length).length;
  const alike = times.size > 0 && shared / times.size >= ALIKE;
  return texts.map((text) => {
    const pieces = [];
    let at = 0;
    for (const { 0: word, index } of text.matchAll(WORD)) {
      const differs = texts.length > 1 && times.get(plain(word)) === 1 && (alike || isFact(word, text.slice(0, index)));
      if (!differs) continue;
      if (index > at) pieces.push({ text: text.slice(at, index), differs: false });
      pieces.push({ text: word, differs: true });
      at = index + word.length;
    }
    if (at < text.length) pieces.push({ text: text.slice(at), differs: false });
    return pieces;
  });
}

/* "1 of 3 nodes": how many say it in these words. */
function sameWords(bubbles, text) {
  const n = bubbles.filter((bubble) => said(bubble) === text).length;
  return `${n} of ${count(bubbles.length, "node")}`;
}

/* In columns where there is room, one below the other on a phone. */
export function Bubbles({ bubbles, nodes }) {
  const contents = bubbles.map(contentOf);
  const pieces = compared(contents.map(({ summary }) => summary));
  const marked = pieces.some((one) => one.some((piece) => piece.differs));
  const fields = contents.map(({ more }) => new Map(more));
  return html`${marked && html`<p class="small">Underlined: what no other node says.</p>`}
    <ul class="bubbles">${bubbles.map((bubble, i) => html`<li key=${`${bubble.node_id} ${bubble.id ?? i}`} class="card bubble" data-bubble=${bubble.node_id}>
      <header><h3><a href=${nodePath(bubble.node_id)}>${bubble.node_name ?? nodeName(nodes, bubble.node_id)}</a></h3>
        ${bubbles.length > 1 && html`<span class="tag" title="How many nodes say it in these very words">${sameWords(bubbles, contents[i].summary)}</span>`}</header>
      ${contents[i].title && html`<p class="bubbletitle">${contents[i].title}</p>`}
      <p class="description">${pieces[i].map((piece, n) => (piece.differs ? html`<mark key=${n}>${piece.text}</mark>` : piece.text))}</p>
      ${contents[i].more.length > 0 && html`<dl class="pairs">${contents[i].more.map(([name, value]) => {
        const others = fields.filter((other, n) => n !== i && other.has(name));
        const differs = others.length > 0 && others.every((other) => other.get(name) !== value);
        return html`<div key=${name}><dt>${name.replaceAll("_", " ")}</dt><dd>${differs ? html`<mark>${value}</mark>` : value}</dd></div>`;
      })}</dl>`}
      <${Who} bubble=${bubble} /></li>`)}</ul>`;
}
