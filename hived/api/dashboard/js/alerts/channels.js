/* The ways to people: masked, added and removed, tried; and what did not arrive. For admins. */
import { patch, post, remove } from "../lib/api.js";
import { Confirm, FormDialog, useOutcome } from "../lib/dialog.js";
import { count, exact, stamp } from "../lib/format.js";
import { html, useState } from "../lib/html.js";
import { ACTIONS, Badge, Pending, Table, useRead, When } from "../lib/ui.js";
import { SEVERITIES } from "./words.js";

const CHANNELS = "/api/v1/channels";
const LEAST = { __proto__: null, warn: "everything", bad: "what is bad" };
const pathOf = (one) => `${CHANNELS}/${encodeURIComponent(one.name)}`;

export function Channels() {
  const read = useRead(CHANNELS, { everyMs: 30000 });
  const [asked, setAsked] = useState(null); // "add", or the channel to remove
  const [trying, setTrying] = useState(null);
  const [outcome, say, attempt] = useOutcome();
  if (!read.data) return html`<section><h2>Channels</h2><${Pending} read=${read} what="Channels" /></section>`;
  const close = () => setAsked(null);
  const test = async (one) => {
    setTrying(one.name);
    say(`A message is on its way to ${one.name}…`, "muted");
    await attempt(async () => {
      const { ok, status, said } = await post(`${pathOf(one)}/test`, {});
      const answer = [status, said].filter((part) => part !== null && part !== "").join(": ");
      say(`${one.name} ${ok ? "took it" : "did not take it"}${answer ? `: ${answer}` : "."}`, ok ? "tone-good" : "tone-bad");
    }, "Not tried");
    setTrying(null);
    read.again();
  };
  const change = async (one, changes) => {
    await attempt(() => patch(pathOf(one), changes), "Not changed");
    read.again();
  };
  return html`<section aria-labelledby="channels"><div class="sectionhead"><h2 id="channels">Channels</h2><button type="button" class="addchannel" onClick=${() => setAsked("add")}>Add a channel…</button></div>
    <p class="muted">How notices come to people. An address is a secret: it is kept sealed, and only its kind and server are shown.</p>
    ${read.data.length === 0
      ? html`<p class="note tone-warn">None: alerts are shown here, and nobody is told.</p>`
      : html`<${Table} of="channels" kind="stacked channels" head=${["Name", "To", "Gets", "Since", "State", ACTIONS]}><tbody>${read.data.map((one) => html`<tr key=${one.name} data-channel=${one.name} class=${one.enabled ? "" : "off"}>
          <th scope="row">${one.name}</th><td data-label="To" class="reason">${one.url ?? html`<span class="tone-bad">its address is gone</span>`}</td>
          <td data-label="Gets"><select aria-label=${`What goes to ${one.name}`} onChange=${(event) => change(one, { least: event.target.value })}>${SEVERITIES.map((word) => html`<option key=${word} value=${word} selected=${word === one.least}>${LEAST[word]}</option>`)}</select></td>
          <td data-label="Since">${one.configured ? "the configuration" : html`<${When} ms=${stamp(one.created_at)} /> <span class="muted">by ${one.by}</span>`}</td>
          <td data-label="State" class="reason"><${State} one=${one} /></td>
          <td class="actions"><button type="button" class="test" disabled=${trying !== null} onClick=${() => test(one)}>Test</button>
            <button type="button" onClick=${() => change(one, { enabled: !one.enabled })}>${one.enabled ? "Switch off" : "Switch on"}</button>
            ${!one.configured && html`<button type="button" onClick=${() => setAsked(one)}>Remove…</button>`}</td></tr>`)}</tbody><//>`}
    <div class="outcome">${outcome}</div>
    <${Undelivered} channels=${read.data} />
    ${asked === "add" && html`<${AddChannel} again=${read.again} say=${say} onClose=${close} />`}
    ${asked !== null && asked !== "add" && html`<${Confirm} title=${`Remove ${asked.name}?`} verb="Remove" onClose=${close} act=${async () => {
      await remove(pathOf(asked));
      await read.again();
    }}><p>Nothing goes there any more. What was told stays.</p><//>`}
  </section>`;
}

function State({ one }) {
  if (!one.enabled) return html`<${Badge} tone="off">off<//>`;
  return one.undelivered.length ? html`<${Badge} tone="warn">${count(one.undelivered.length, "notice")} not arrived<//>` : html`<${Badge} tone="good">on<//>`;
}

function Undelivered({ channels }) {
  const all = channels.flatMap((channel) => channel.undelivered.map((one) => ({ ...one, channel: channel.name })));
  if (!all.length) return "";
  return html`<h3 id="undelivered">Not arrived</h3><${Table} of="undelivered" kind="stacked undelivered" head=${["Channel", "Notice", "Told", "Answer", "Next"]}><tbody>${all.map((one) => html`<tr key=${`${one.channel} ${one.at} ${one.title}`}>
    <th scope="row">${one.channel}</th><td data-label="Notice">${one.title}</td><td data-label="Told" class="nowrap"><${When} ms=${stamp(one.at)} /></td><td data-label="Answer" class="reason">${one.said}</td>
    <td data-label="Next">${one.next_try_at ? exact(stamp(one.next_try_at)) : html`<span class="muted">given up</span>`} <span class="muted">${count(one.attempts, "attempt")}</span></td></tr>`)}</tbody><//>`;
}

function AddChannel({ again, say, onClose }) {
  const [wish, setWish] = useState({ name: "", url: "", least: "warn" });
  const set = (changes) => setWish({ ...wish, ...changes });
  const act = async () => {
    const made = await post(CHANNELS, { ...wish, url: wish.url.trim() });
    say(`${made.name} is added. Press Test to see whether it works.`);
    await again();
  };
  return html`<${FormDialog} title="Add a channel" verb="Add" failed="Not added" act=${act} onClose=${onClose}>
    <label>Name <input name="name" required maxlength="32" pattern="[a-z0-9][a-z0-9_\\-]*" title="small letters, digits, - and _" autocomplete="off" autofocus value=${wish.name} onInput=${(event) => set({ name: event.target.value })} /></label>
    <label>Address, as apprise writes it <input name="url" required maxlength="1000" autocomplete="off" spellcheck="false" placeholder="ntfys://ntfy.sh/my-secret-topic" value=${wish.url} onInput=${(event) => set({ url: event.target.value })} /></label>
    <p class="small">Such as <code>mailtos://user:password@mail.example.com?to=me@example.com</code>, <code>slack://…</code>, <code>tgram://…</code> or <code>jsons://…</code> for a program of yours.</p>
    <label>Gets <select name="least" onChange=${(event) => set({ least: event.target.value })}>${SEVERITIES.map((word) => html`<option key=${word} value=${word} selected=${word === wish.least}>${LEAST[word]}</option>`)}</select></label><//>`;
}
