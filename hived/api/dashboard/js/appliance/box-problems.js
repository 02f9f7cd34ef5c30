/* What is wrong with this box itself, on every page until it is over. */
import { stamp } from "../lib/format.js";
import { html } from "../lib/html.js";
import { useRead, When } from "../lib/ui.js";

export function BoxProblems() {
  const read = useRead("/api/v1/health", { everyMs: 30000 });
  const problems = read.data?.problems ?? [];
  return problems.map(
    (one) => html`<p class="banner tone-bad" role="alert" key=${one.kind + one.text}>
      ${one.text}${one.at && html` (<${When} ms=${stamp(one.at)} />)`}. <span class="muted">Next: ${one.next}</span>
    </p>`,
  );
}
