"""Ask the Met's API: the list of ids as seldom as possible, then one object at a time.

`GET /objects` names half a million ids in one body of several MB. It is kept as one bit for each id (about 100 kB), so
that its slices cost one request; the cursor holds the last id given and the day asked for, not the ids. After a
restart the list is fetched once more, and what changed in between comes with the next listing's `metadataDate`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice

from hived.clients.fetch import JSON, Fetcher, Reply
from hived.clients.museums import cursors, links
from hived.clients.museums.met.parse import MAX_ID, NOT_VALID, IdSet, NotAnObject, parse_ids, parse_object
from hived.errors import Unreadable
from hived.records import values
from hived.records.artifact import Fetched, Listing, ObjectRef, Source, Validators

SLICE = 500
MAX_LIST_BYTES = 16 * 1024 * 1024  # three times the list of today
MAX_OBJECT_BYTES = 1024 * 1024
KEEP_LIST_S = 24 * 3600.0
MAX_LISTS = 4  # sources of this kind whose lists are kept at a time


@dataclass(slots=True)
class _List:
    ids: IdSet
    fetched_at: float


class MetAdapter:
    """The Met, or a mirror of its API at the source's base URL."""

    kind = "met"

    def __init__(self, fetcher: Fetcher, clock: Callable[[], float] = time.time) -> None:
        self._fetcher = fetcher
        self._clock = clock
        self._lists: dict[tuple[str, str | None], _List] = {}

    async def list(self, source: Source, cursor: str | None, since: float | None) -> Listing:
        """Return the next 500 ids in their order; with `since` only those whose record changed from that day on."""
        at = cursors.cursor(cursor)
        after = values.integer(at.get("after"), -1, MAX_ID)
        day = cursors.day_before(since)
        if after is None or at.get("day") != day:
            after = -1
        ids = await self._ids(source.base_url, day)
        found = list(islice(ids.after(after), SLICE + 1))
        refs = tuple(ObjectRef(str(one), f"{source.base_url}/objects/{one}") for one in found[:SLICE])
        if len(found) > SLICE:
            return Listing(refs, cursors.as_cursor(after=found[SLICE - 1], day=day))
        self._lists.pop((source.base_url, day), None)
        return Listing(refs, None, complete=True)

    async def fetch(self, source: Source, ref: ObjectRef, validators: Validators) -> Fetched:
        """Fetch one object."""
        reply = await self._get(source.base_url, f"/objects/{ref.object_id}", validators, max_bytes=MAX_OBJECT_BYTES)
        if reply.status == 304:
            return Fetched(unchanged=True, validators=reply.validators)
        if reply.status in (404, 410):
            return Fetched(gone=_why_gone(reply, ref.object_id))
        found = parse_object(reply.body, ref.object_id, self._clock(), source.base_url)
        if isinstance(found, NotAnObject):
            if found.reason != NOT_VALID:
                raise Unreadable(f"the Met answers {found.reason!r} for object {ref.object_id}")
            return Fetched(gone=found.reason)
        return Fetched(object=found, validators=reply.validators)

    async def _ids(self, base_url: str, day: str | None) -> IdSet:
        kept = self._lists.get((base_url, day))
        now = self._clock()
        if kept is None or not 0 <= now - kept.fetched_at < KEEP_LIST_S:
            path = "/objects" + (f"?metadataDate={day}" if day else "")
            reply = await self._get(base_url, path, None, max_bytes=MAX_LIST_BYTES)
            if reply.status != 200:
                raise Unreadable(f"the Met has no list of objects at {base_url}")
            kept = self._lists[base_url, day] = _List(parse_ids(reply.body), now)
            while len(self._lists) > MAX_LISTS:
                self._lists.pop(min(self._lists, key=lambda key: self._lists[key].fetched_at))
        return kept.ids

    async def _get(self, base_url: str, path: str, validators: Validators | None, *, max_bytes: int) -> Reply:
        return await self._fetcher.get(
            base_url + path,
            kind="api",
            validators=validators,
            accept=JSON,
            max_bytes=max_bytes,
            stay_on=(links.authority(base_url),),
        )


def _why_gone(reply: Reply, asked: str) -> str:
    """A loan that is listed but not shown is gone for good, a mere 404 may come back."""
    try:
        found = parse_object(reply.body, asked, 0.0)
    except Unreadable:
        return str(reply.status)
    return found.reason if isinstance(found, NotAnObject) and found.reason == NOT_VALID else str(reply.status)
