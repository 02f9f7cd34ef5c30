"""Ask Cleveland's API: ids by skip and limit, then the single record of each, which alone states the licence."""

from __future__ import annotations

import time
from collections.abc import Callable

from hived.clients.fetch import JSON, BadStatus, Fetcher, Reply
from hived.clients.museums import cursors, links
from hived.clients.museums.cleveland.parse import parse_artwork, parse_list
from hived.errors import Unreadable
from hived.records import values
from hived.records.artifact import Fetched, Listing, ObjectRef, Source, Validators

SLICE = 250  # were `fields` ignored, as many whole records still fit in one answer
MAX_SKIP = 10_000_000


class ClevelandAdapter:
    """The Cleveland Museum of Art, or a server like its at the source's base URL."""

    kind = "cleveland"

    def __init__(self, fetcher: Fetcher, clock: Callable[[], float] = time.time) -> None:
        self._fetcher = fetcher
        self._clock = clock

    async def list(self, source: Source, cursor: str | None, since: float | None) -> Listing:
        """Return the next open records with a picture; with `since` those that changed from the day before on."""
        at = cursors.cursor(cursor)
        day = cursors.day_before(since)
        skip = values.integer(at.get("skip"), 0, MAX_SKIP) or 0
        if at.get("day") != day:
            skip = 0
        query = f"cc0=1&has_image=1&limit={SLICE}&skip={skip}&fields=id,updated_at"
        try:
            reply = await self._get(source, f"/artworks/?{query}" + (f"&updated_after={day}" if day else ""))
        except BadStatus as err:
            if day is None or err.status not in (400, 422):
                raise
            reply = await self._get(source, f"/artworks/?{query}")  # a server that knows no updated_after: all, then
        if reply.status != 200:
            raise Unreadable(f"there is no list of artworks at {source.base_url}")
        try:
            page = parse_list(reply.body)
        except Unreadable as err:
            return cursors.stuck(cursor, f"its list from {skip} on: {err}", at, skip=skip + SLICE, day=day)
        refs = tuple(ObjectRef(str(one), f"{source.base_url}/artworks/{one}") for one in page.ids)
        skip += page.records
        # A server may give fewer than were asked for: the total says whether that was all.
        if (
            not page.records
            or (page.total is None and page.records < SLICE)
            or skip >= min(page.total or skip + 1, MAX_SKIP)
        ):
            return Listing(refs, None, complete=True)
        return Listing(refs, cursors.as_cursor(skip=skip, day=day))

    async def fetch(self, source: Source, ref: ObjectRef, validators: Validators) -> Fetched:
        """Fetch one record."""
        reply = await self._get(source, f"/artworks/{ref.object_id}", validators)
        if reply.status == 304:
            return Fetched(unchanged=True, validators=reply.validators)
        if reply.status != 200:
            return Fetched(gone=str(reply.status))
        found = parse_artwork(reply.body, ref.object_id, self._clock(), source.base_url)
        return Fetched(object=found, validators=reply.validators)

    async def _get(self, source: Source, path: str, validators: Validators | None = None) -> Reply:
        return await self._fetcher.get(
            source.base_url + path,
            kind="api",
            validators=validators,
            accept=JSON,
            stay_on=(links.authority(source.base_url),),
        )
