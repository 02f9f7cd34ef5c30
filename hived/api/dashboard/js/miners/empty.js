/* What to do when no miner was found yet. */
import { number, stamp } from "../lib/format.js";
import { html } from "../lib/html.js";
import { useRead, When } from "../lib/ui.js";
import { ScanNow } from "./scan.js";
import { kindWords } from "../appliance/site.js";

export function EmptySite({ fleet }) {
  const sweep = fleet?.last_sweep ?? null;
  const others = Object.entries(fleet?.strangers ?? {});
  const read = useRead("/api/v1/daemons", { everyMs: 10000 });
  const discoverd = read.data?.find((daemon) => daemon.name === "hive-discoverd");
  const says = discoverd?.alive ? discoverd.status : "";
  const looked = sweep !== null && sweep.addresses > 0;
  return html`<section class="plain empty">
    <h1 tabindex="-1">No miner found yet</h1>
    ${sweep === null && says && html`<p>No network was swept so far. hive-discoverd says: <b>${says}</b>.</p>`}
    ${sweep === null && !says && html`<p>hive-discoverd has not swept the network so far. Is it running? <a href="/site">The daemons of this site</a>, or <code>systemctl status hive-discoverd</code>.</p>`}
    ${sweep !== null && !looked && html`<p>The last sweep (<${When} ms=${stamp(sweep.finished_at ?? sweep.started_at)} />) had no address to try: no subnet is configured.${sweep.note ? ` It says: ${sweep.note}.` : ""}</p>`}
    ${looked && html`<p>The last sweep tried <b>${number(sweep.addresses)}</b> addresses <${When} ms=${stamp(sweep.finished_at ?? sweep.started_at)} />;
      ${sweep.responders ? ` ${number(sweep.responders)} answered, none of them as a miner that can be read.` : " none of them answered."}
      ${sweep.note ? ` It says: ${sweep.note}.` : ""}</p>`}
    ${others.length > 0 && html`<p>What did answer: ${others.map(([kind, n]) => `${n} × ${kindWords(kind)}`).join(", ")}. <a href="/site">See which and why</a>.</p>`}
    <h2>What to do</h2>
    <ol>
      <li>Name the networks your miners are in, in the configuration that the daemons read (on an appliance <code>/etc/hived/hived.yaml</code>):
        <pre>${"network:\n  subnets: [192.168.1.0/24]"}</pre></li>
      <li>Let the daemon read it: <pre>systemctl reload hive-discoverd</pre></li>
      <li>The next sweep starts within seconds; a miner appears here as soon as it answers. No need to reload this page.</li>
    </ol>
    <${ScanNow} />
    <p class="muted">No miner at hand? <code>hive-sim fleet --count 60</code> starts a simulated site on loopback addresses.</p>
  </section>`;
}
