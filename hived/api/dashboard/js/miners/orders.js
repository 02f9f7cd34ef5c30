/* All orders, the newest first. */
import { number, stamp } from "../lib/format.js";
import { html, useEffect } from "../lib/html.js";
import { Paged, usePaged } from "../lib/paged.js";
import { Badge, Table, When } from "../lib/ui.js";
import { countWords, orderPath, orderTone } from "./order.js";
import { Plans } from "./plans.js";
import { capital } from "./verbs.js";

const PAGE = 50;
const REREAD_MS = 5000;

export function OrdersPage() {
  const read = usePaged("/api/v1/orders", {}, PAGE);
  useEffect(() => {
    const timer = setInterval(() => document.visibilityState === "visible" && read.refresh(), REREAD_MS);
    return () => clearInterval(timer);
  }, []);
  return html`<section><div class="pagehead"><h1 tabindex="-1" id="orders">Orders</h1></div>
    <${Paged} read=${read} what="Orders" none="No order was given so far. Select miners in the fleet to give one." older="Older orders">
      ${read.items?.length > 0 && html`<${Table} of="orders" kind="stacked orders" head=${["ID", "When", "What", "Who", "State", "Miners"]}><tbody>${read.items.map((order) => html`<tr key=${order.id}>
        <td data-label="ID">${number(order.id)}</td><td data-label="When" class="nowrap"><${When} ms=${stamp(order.created_at)} /></td>
        <th scope="row"><a href=${orderPath(order.id)}>${capital(order.words)}</a></th>
        <td data-label="Who">${order.by}${order.via ? html` <span class="muted">${order.via}</span>` : ""}</td>
        <td data-label="State"><${Badge} tone=${orderTone(order)}>${order.state}<//></td>
        <td data-label="Miners">${countWords(order.counts)}</td></tr>`)}</tbody><//>`}<//>
  </section><${Plans} />`;
}
