/* The first admin: made once, by whoever can read the log of hive-apid. */
import { NewPassword, TlsHint, useCredentials } from "../lib/credentials.js";
import { html, useLayoutEffect, useState } from "../lib/html.js";
import { setUp, useSession } from "../lib/session.js";

export function SetupPage() {
  const { setupNeeded, user } = useSession();
  const [wish, setWish] = useState({ code: "", user: "" });
  const [password, setPassword] = useState(null);
  const { busy, waits, send, refusal } = useCredentials();
  useLayoutEffect(() => document.querySelector(".credentials input")?.focus(), [setupNeeded]);
  const write = (field) => (event) => setWish({ ...wish, [field]: event.target.value });
  const make = async (event) => {
    event.preventDefault();
    const done = await send(async () => {
      if (password === null) throw new Error("the two passwords must be equal and long enough");
      await setUp(wish.code.trim(), wish.user.trim(), password);
    });
    if (done) location.replace("/");
  };
  if (!setupNeeded && !busy) {
    return html`<section class="gate card"><h1 tabindex="-1">Set up</h1>
      <p>This is done: there is an admin already. <a href=${user === null ? "/login" : "/"}>${user === null ? "Log in" : "To the fleet"}</a></p>
      <p class="small">Nobody remembers the password? On the machine itself: <code>sudo hivectl users passwd NAME</code></p></section>`;
  }
  return html`<section class="gate card">
    <h1 tabindex="-1">Set up</h1>
    <p>Nobody can log in yet. Make the first admin; others are added later, on the Access page.</p>
    <p>The code shows that this machine is yours. It is in the log of hive-apid:</p>
    <pre>journalctl -u hive-apid</pre>
    <form class="credentials" onSubmit=${make}>
      <label>Code from the log <input name="code" required maxlength="64" autocomplete="one-time-code" autocapitalize="none" spellcheck="false" value=${wish.code} onInput=${write("code")} /></label>
      <label>Your name <input name="user" required maxlength="64" autocomplete="username" autocapitalize="none" spellcheck="false" value=${wish.user} onInput=${write("user")} /></label>
      <${NewPassword} name="Password" onChange=${setPassword} />
      ${refusal("Not made")}
      <p class="buttons"><button type="submit" class="primary" disabled=${waits}>Make the admin and log in</button></p>
    </form>
    <${TlsHint} />
  </section>`;
}
