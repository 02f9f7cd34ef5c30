/* What a rule or a window is for: a node, a model, a group, a tag, each of those that there are. */
import { html } from "../lib/html.js";
import { live } from "../lib/live.js";

/* What the miners that are known have of each. */
function choices() {
  const found = { node: new Map(), model: new Map(), group: new Map(), tag: new Map() };
  for (const row of live.rows.values()) {
    if (row.node_id) found.node.set(row.node_id, row.node_name ?? row.node_id);
    if (row.model) found.model.set(row.model, row.model_name ?? row.model);
    if (row.group) found.group.set(row.group, row.group);
    for (const tag of row.tags ?? []) found.tag.set(tag, tag);
  }
  return found;
}

const WORDS = { __proto__: null, node: "Node", model: "Model", group: "Group", tag: "Tag" };

export function ScopeFields({ scope, onChange, only = Object.keys(WORDS) }) {
  const known = choices();
  const change = (name) => (event) => {
    const { [name]: left, ...others } = scope;
    onChange(event.target.value ? { ...others, [name]: event.target.value } : others);
  };
  return html`<fieldset class="scope"><legend>For (nothing chosen: everything)</legend>${only.map((name) => {
    const all = new Map(known[name]);
    if (scope[name] && !all.has(scope[name])) all.set(scope[name], scope[name]);
    return html`<label key=${name}>${WORDS[name]} <select name=${name} onChange=${change(name)}><option value="" selected=${!scope[name]}>any</option>
      ${[...all].sort((a, b) => String(a[1]).localeCompare(String(b[1]))).map(([value, words]) => html`<option key=${value} value=${value} selected=${value === scope[name]}>${words}</option>`)}</select></label>`;
  })}</fieldset>`;
}
