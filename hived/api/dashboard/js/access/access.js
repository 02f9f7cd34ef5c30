/* Who may come in and what they did: users, tokens of programs, the audit. For admins. */
import { AuditList } from "./audit.js";
import { html } from "../lib/html.js";
import { useSession, whyNot } from "../lib/session.js";
import { Tokens } from "./tokens.js";
import { Users } from "./users.js";

export function AccessPage() {
  useSession();
  const why = whyNot("admin");
  return html`<div class="pagehead"><h1 tabindex="-1">Access</h1></div>
    ${why ? html`<p class="note muted">${why}.</p>` : html`<${Users} /><${Tokens} /><${AuditList} />`}`;
}
