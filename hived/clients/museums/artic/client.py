"""Ask the Art Institute of Chicago's API: pages of a hundred full records, one call a second, one at a time.

A page brings whole records, so the objects wait in memory and are rarely asked for one by one. There is no
dependable call for "changed since": the list is walked again, and only what changed is named. Above 10,000 records the
museum would rather have its nightly dump used; one walk of the whole list is about 1,300 calls, at most once a day.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from hived.clients.fetch import JSON, Fetcher, Reply
from hived.clients.museums import cursors, links
from hived.clients.museums.artic.parse import FIELDS, MAX_PAGE, parse_artwork, parse_page
from hived.clients.museums.listed_objects import ListedObjects
from hived.errors import Unreadable
from hived.records import values
from hived.records.artifact import Fetched, Listing, ObjectRef, Source, Validators

MAX_PAGES = 100_000


class ArticAdapter:
    """The Art Institute of Chicago, or a server like its at the source's base URL."""

    kind = "artic"

    def __init__(self, fetcher: Fetcher, clock: Callable[[], float] = time.time) -> None:
        self._fetcher = fetcher
        self._clock = clock
        self._listed = ListedObjects(clock)

    async def list(self, source: Source, cursor: str | None, since: float | None) -> Listing:
        """Return the objects of the next page; with `since` those that changed, or do not say when they did."""
        place = cursors.cursor(cursor)
        number = values.integer(place.get("page"), 1, MAX_PAGES) or 1
        reply = await self._get(source, f"/artworks?page={number}&limit={MAX_PAGE}&fields={','.join(FIELDS)}")
        if reply.status != 200:
            raise Unreadable(f"there is no list of artworks at {source.base_url}")
        try:
            page = parse_page(reply.body, self._clock(), source.base_url)
        except Unreadable as err:
            return cursors.stuck(cursor, f"page {number} of its list: {err}", place, page=number + 1)
        refs = []
        for one in page.objects:
            at = page.changed_at[one.object_id]
            if since is None or at is None or at >= since - cursors.OVERLAP_S:
                refs.append(ObjectRef(one.object_id, f"{source.base_url}/artworks/{one.object_id}"))
                self._listed.put(source.id, one.object_id, Fetched(object=one))
        if page.is_last or number >= MAX_PAGES:
            return Listing(tuple(refs), None, complete=True)
        return Listing(tuple(refs), cursors.as_cursor(page=number + 1))

    async def fetch(self, source: Source, ref: ObjectRef, validators: Validators) -> Fetched:
        """Return the object that a listing brought, else fetch it."""
        kept = self._listed.take(source.id, ref.object_id)
        if kept is not None:
            return kept
        reply = await self._get(source, f"/artworks/{ref.object_id}?fields={','.join(FIELDS)}", validators)
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
            headers={"AIC-User-Agent": self._fetcher.user_agent},  # their wish: project and contact
        )
