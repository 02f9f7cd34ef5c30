/* Lists that are read in pages, the newest first, by ids that grow. */
import { get } from "./api.js";
import { html, useEffect, useRef, useState } from "./html.js";
import { useLive } from "./live.js";
import { Pending } from "./ui.js";

const FOLLOWED = 96; // of a long list the newest are kept up to date

const NOTHING = { items: null, more: false, error: null, unseen: 0 };

/* The list after its newest were read again: they are replaced, what lies below them stays if nothing is missing in
   between. While the reader is `away`, further down the page, new ones are only counted: what is being read does not move. */
function followed(old, fresh, limit, away) {
  const known = old.items ?? [];
  const newest = known[0]?.id ?? -Infinity;
  const unseen = away ? fresh.filter((one) => one.id > newest).length : 0;
  const full = fresh.length === limit;
  if (unseen === limit) return { ...old, error: null, unseen };
  const below = full && fresh.at(-1).id <= newest ? known.filter((one) => one.id < fresh.at(-1).id) : [];
  return { items: [...fresh.slice(unseen), ...below], more: below.length ? old.more : full, error: null, unseen };
}

/* And after older ones were read: the answers may overtake each other. */
function continued(old, fresh, limit) {
  const last = old.items?.at(-1)?.id ?? Infinity;
  return { ...old, items: [...(old.items ?? []), ...fresh.filter((one) => one.id < last)], more: fresh.length === limit, error: null };
}

/* What fits the `filters`, `page` at a time: {items, more, error, unseen, again, older, refresh, add}. `items` is null before the
   first answer; `refresh(isAway)` reads the newest again, `add(item, most)` takes one that just came to be. */
export function usePaged(path, filters, page) {
  const query = new URLSearchParams(Object.entries(filters).filter(([, value]) => value)).toString();
  const [found, setFound] = useState(NOTHING);
  const asked = useRef(0); // grows with every other question: answers to the one before are dropped
  const latest = useRef(null);
  latest.current = { query, items: found.items };

  const read = async ({ limit = page, before = null, merge }) => {
    const mine = asked.current;
    const wanted = new URLSearchParams(latest.current.query);
    wanted.set("limit", String(limit));
    if (before !== null) wanted.set("before", String(before));
    try {
      const fresh = await get(`${path}?${wanted}`);
      if (mine === asked.current) setFound((old) => merge(old, fresh, limit));
    } catch (error) {
      if (mine === asked.current) setFound((old) => ({ ...old, error }));
    }
  };
  const again = () => {
    asked.current += 1;
    setFound(NOTHING);
    read({ merge: continued });
  };
  const refresh = (isAway = () => false) => {
    const limit = Math.min(Math.max(latest.current.items?.length ?? 0, page), FOLLOWED);
    read({ limit, merge: (old, fresh) => followed(old, fresh, limit, isAway()) });
  };
  const older = () => read({ before: latest.current.items?.at(-1)?.id ?? null, merge: continued });
  const add = (item, most) =>
    setFound((old) => {
      if (old.items === null) return old;
      const items = [item, ...old.items.filter((one) => one.id !== item.id)].sort((a, b) => b.id - a.id);
      return { ...old, items: items.slice(0, most), more: old.more || items.length > most };
    });
  useEffect(() => {
    again();
    return () => {
      asked.current += 1;
    };
  }, [path, query]);
  return { ...found, again, older, refresh, add };
}

/* Around such a list: that it is being read, cannot be read or is empty, and the way to older ones. */
export function Paged({ read, what, none, older, children }) {
  const { link } = useLive();
  const state = read.items === null || (read.error && link === "live")
    ? html`<${Pending} read=${read} what=${what} />`
    : read.items.length === 0
      ? html`<p class="note muted">${none}</p>`
      : "";
  return html`${state}${children}
    ${read.items?.length > 0 && read.more && html`<p class="center"><button type="button" class="older" onClick=${read.older}>${older}</button></p>`}`;
}
