"""Ask the Rijksmuseum's OAI-PMH service: ListRecords brings whole records, so objects are rarely asked for alone.

Resumption tokens expire: a listing whose token is not taken any more begins anew, a few times, with the same `from`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from urllib.parse import parse_qs, quote, urlsplit

from hived.clients.fetch import XML, Fetcher
from hived.clients.museums import cursors, links
from hived.clients.museums.listed_objects import ListedObjects
from hived.clients.museums.rijksmuseum.parse import HOSTS, MAX_TOKEN, OaiAnswer, parse_answer
from hived.errors import Refused, Transient, Unreadable
from hived.records import values
from hived.records.artifact import Fetched, Listing, ObjectRef, Source, Validators

MAX_BEGINNINGS = 3
DELETED = "deleted by the museum"


class RijksmuseumAdapter:
    """The Rijksmuseum, or another OAI-PMH service with EDM at the source's base URL; `?set=` narrows it."""

    kind = "rijksmuseum"

    def __init__(self, fetcher: Fetcher, clock: Callable[[], float] = time.time) -> None:
        self._fetcher = fetcher
        self._clock = clock
        self._listed = ListedObjects(clock)

    async def list(self, source: Source, cursor: str | None, since: float | None) -> Listing:
        """Return the next batch of records; with `since` those changed from the day before on, deleted ones too."""
        at = cursors.cursor(cursor)
        day = cursors.day_before(since)
        token = at.get("token") if at.get("day") == day else None
        begun = values.integer(at.get("begun"), 1, MAX_BEGINNINGS) or 1
        if isinstance(token, str) and 0 < len(token) <= MAX_TOKEN:
            query = f"verb=ListRecords&resumptionToken={quote(token, safe='')}"
        else:
            only = parse_qs(urlsplit(source.base_url).query).get("set", [""])[0]
            query = "verb=ListRecords&metadataPrefix=edm" + (f"&set={quote(only, safe='')}" if only else "")
            query += f"&from={day}" if day else ""
        answer = await self._ask(source, query)
        if answer is None:
            raise Unreadable(f"there is no OAI-PMH service at {source.base_url}")
        if answer.error == "badResumptionToken" and token:
            if begun >= MAX_BEGINNINGS:
                raise Transient("the list of records broke off several times: its tokens are not taken back")
            return Listing((), cursors.as_cursor(token=None, day=day, begun=begun + 1))
        if answer.error not in (None, "noRecordsMatch"):
            raise Refused(f"the service does not list its records: {answer.error}")
        refs = self._keep(source, answer, deleted=day is not None)
        if answer.token is None or answer.token == token:
            return Listing(refs, None, complete=True)
        return Listing(refs, cursors.as_cursor(token=answer.token, day=day, begun=begun))

    async def fetch(self, source: Source, ref: ObjectRef, _validators: Validators) -> Fetched:
        """Return the record that a listing brought, else fetch it."""
        kept = self._listed.take(source.id, ref.object_id)
        if kept is not None:
            return kept
        # The protocol has no validators for single records: those given are of no use.
        answer = await self._ask(
            source, f"verb=GetRecord&metadataPrefix=edm&identifier={quote(ref.object_id, safe='')}"
        )
        if answer is None:
            return Fetched(gone="404")
        if answer.error == "idDoesNotExist":
            return Fetched(gone="not in the collection")
        if answer.error is not None:
            raise Refused(f"the service does not give {ref.object_id}: {answer.error}")
        record = next((one for one in answer.records if one.identifier == ref.object_id), None)
        if record is None:
            raise Unreadable(f"the answer is not about {ref.object_id}")
        return Fetched(gone=DELETED) if record.object is None else Fetched(object=record.object)

    def _keep(self, source: Source, answer: OaiAnswer, *, deleted: bool) -> tuple[ObjectRef, ...]:
        refs = []
        base = source.base_url.partition("?")[0]
        for record in answer.records:
            if record.object is None and not deleted:
                continue  # it was never ours
            url = f"{base}?verb=GetRecord&metadataPrefix=edm&identifier={quote(record.identifier, safe='')}"
            refs.append(ObjectRef(record.identifier, url))
            outcome = Fetched(gone=DELETED) if record.object is None else Fetched(object=record.object)
            self._listed.put(source.id, record.identifier, outcome)
        return tuple(refs)

    async def _ask(self, source: Source, query: str) -> OaiAnswer | None:
        base = source.base_url.partition("?")[0]
        reply = await self._fetcher.get(
            f"{base}?{query}",
            kind="api",
            accept=XML,
            stay_on=(links.authority(base), *HOSTS),
        )
        return parse_answer(reply.body, base, self._clock()) if reply.status == 200 else None
