/* "Scan now": leaves a wish for hive-discoverd and says what came of it. */
import { get, post } from "../lib/api.js";
import { count, number } from "../lib/format.js";
import { html, useEffect, useRef, useState } from "../lib/html.js";
import { Only } from "../lib/session.js";

const LOOK_EVERY_MS = 1000;
const LONGEST_SCAN_MS = 120000; // a sweep of a /16 takes about that long

function words(result) {
  if (!result || typeof result !== "object") return "Done.";
  if (result.error) return `Failed: ${result.error}`;
  return `Done: ${count(result.addresses, "address", "addresses")} tried, ${number(result.responders)} answered: ${count(result.miners, "miner")}, ${count(result.strangers, "other device")}, ${number(result.unreadable)} unreadable.`;
}

/* Nothing for those who may not ask for one. */
export function ScanNow() {
  return html`<${Only} role="operator"><${Scan} /><//>`;
}

function Scan() {
  const [state, setState] = useState({ busy: false, text: "", tone: "" });
  const alive = useRef(true);
  useEffect(() => () => {
    alive.current = false;
  }, []);
  const say = (next) => alive.current && setState(next);

  const scan = async () => {
    say({ busy: true, text: "Asked hive-discoverd for a sweep…", tone: "muted" });
    try {
      const { id } = await post("/api/v1/scan", {});
      const until = Date.now() + LONGEST_SCAN_MS;
      while (alive.current && Date.now() < until) {
        const command = await get(`/api/v1/commands/${id}`);
        if (command.done_at) {
          say({ busy: false, text: words(command.result), tone: command.result?.error ? "tone-bad" : "tone-good" });
          return;
        }
        await new Promise((resume) => setTimeout(resume, LOOK_EVERY_MS));
      }
      say({ busy: false, text: "No answer within two minutes: is hive-discoverd running?", tone: "tone-warn" });
    } catch (err) {
      say({ busy: false, text: `Not possible: ${err.message}.`, tone: "tone-bad" });
    }
  };
  return html`<p class="scan"><button type="button" class="primary" disabled=${state.busy} onClick=${scan}>${state.busy ? "Scanning…" : "Scan now"}</button>
    <span class=${state.tone} role="status">${state.text}</span></p>`;
}
