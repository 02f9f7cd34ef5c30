"""Ask the Rijksmuseum's OAI-PMH service: ListRecords brings whole records, so objects are rarely asked for alone.

Resumption tokens expire, and a box may run for less time than a list takes: a listing whose token is not taken any more
goes on in windows of fewer days, so that what was listed once is not listed again.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

from hived.clients.fetch import XML, Fetcher
from hived.clients.museums import cursors, links
from hived.clients.museums.listed_objects import ListedObjects
from hived.clients.museums.rijksmuseum.parse import HOSTS, MAX_TOKEN, OaiAnswer, parse_answer, record_url
from hived.errors import Refused, Unreadable
from hived.records import values
from hived.records.artifact import Fetched, Listing, ObjectRef, Source, Validators

MAX_BEGINNINGS = 3  # of a single day
MAX_DAYS = 40_000
FIRST_DAY = date(2001, 1, 1)  # the protocol is as old
DELETED = "deleted by the museum"


@dataclass(frozen=True, slots=True)
class _Window:
    """The part of a list that is read at a time: `days` days of changes from `start` on, both None: all of them.

    Tokens that expire before the end of a list would make it begin anew for ever. What a smaller window gave is done.
    """

    day: str | None
    """The day that the whole list begins with: only what changed since is asked for."""
    start: date | None = None
    days: int | None = None
    token: str | None = None
    begun: int = 1

    @classmethod
    def of(cls, at: dict[str, Any], day: str | None) -> _Window:
        """Return the window of a cursor; the first one when the cursor is another list's."""
        if at.get("day") != day:
            at = {}
        token = at.get("token")
        return cls(
            day=day,
            start=_date(at.get("start")) or _date(day),
            days=values.integer(at.get("days"), 1, MAX_DAYS),
            token=token if isinstance(token, str) and 0 < len(token) <= MAX_TOKEN else None,
            begun=values.integer(at.get("begun"), 1, MAX_BEGINNINGS) or 1,
        )

    def cursor(self) -> str:
        start = None if self.start is None else self.start.isoformat()
        return cursors.as_cursor(token=self.token, day=self.day, start=start, days=self.days, begun=self.begun)

    def query(self, source: Source, today: date) -> str:
        if self.token:
            return f"verb=ListRecords&resumptionToken={quote(self.token, safe='')}"
        only = parse_qs(urlsplit(source.base_url).query).get("set", [""])[0]
        last = self._last(today)
        return "verb=ListRecords&metadataPrefix=edm" + "".join(
            f"&{name}={quote(str(value), safe='')}"
            for name, value in (("set", only), ("from", self.start), ("until", last))
            if value
        )

    def after(self, today: date) -> _Window | None:
        """Return the window that follows, twice as long; None at the end of the list."""
        last = self._last(today)
        if last is None or self.days is None:
            return None
        return _Window(self.day, last + timedelta(days=1), min(2 * self.days, MAX_DAYS))

    def _last(self, today: date) -> date | None:
        """Return the last day of the window; None when it reaches to the present."""
        if self.days is None:
            return None
        last = (self.start or FIRST_DAY) + timedelta(days=self.days - 1)
        return last if last < today else None


def _date(value: object) -> date | None:
    try:
        return date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None


class RijksmuseumAdapter:
    """The Rijksmuseum, or another OAI-PMH service with EDM at the source's base URL; `?set=` narrows it."""

    kind = "rijksmuseum"

    def __init__(self, fetcher: Fetcher, clock: Callable[[], float] = time.time) -> None:
        self._fetcher = fetcher
        self._clock = clock
        self._listed = ListedObjects(clock)

    async def list(self, source: Source, cursor: str | None, since: float | None) -> Listing:
        """Return the next batch of records; with `since` those changed from the day before on, deleted ones too."""
        day = cursors.day_before(since)
        today = datetime.fromtimestamp(self._clock(), UTC).date()
        window = _Window.of(cursors.cursor(cursor), day)
        answer = await self._ask(source, window.query(source, today))
        if answer is None:
            raise Unreadable(f"there is no OAI-PMH service at {source.base_url}")
        if answer.error == "badResumptionToken" and window.token:
            return self._broken_off(window, today)
        is_empty = answer.error == "noRecordsMatch" or (answer.error == "badArgument" and window.days is not None)
        if answer.error is not None and not is_empty:
            raise Refused(f"the service does not list its records: {answer.error}")
        refs = self._keep(source, answer, deleted=day is not None)
        if answer.token is None and not answer.is_whole:
            return Listing(refs, cursor, trouble=f"a page of the list: {answer.flaw}", is_stuck=True)
        trouble = f"a page of the list: {answer.flaw}" if answer.flaw else None
        if answer.token and answer.token == window.token:
            answer.token, trouble = None, trouble or "a page of the list leads to itself"
        next_one = replace(window, token=answer.token) if answer.token else window.after(today)
        if next_one is None:
            return Listing(refs, None, complete=True, trouble=trouble)
        return Listing(refs, next_one.cursor(), trouble=trouble)

    def _broken_off(self, window: _Window, today: date) -> Listing:
        """Begin the window anew, with half its days; a single day a few times, then without what it did not give."""
        days = window.days or (today - (window.start or FIRST_DAY)).days
        if days > 1:
            return Listing((), replace(window, token=None, days=days // 2).cursor())
        if window.begun < MAX_BEGINNINGS:
            return Listing((), replace(window, token=None, days=1, begun=window.begun + 1).cursor())
        where = f"from {window.start or FIRST_DAY}"
        trouble = f"the list of records {where} broke off several times: its tokens are not taken back"
        next_one = replace(window, days=1).after(today)
        return Listing(
            (), next_one.cursor() if next_one else None, complete=next_one is None, trouble=trouble, code="source_cut"
        )

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
            refs.append(ObjectRef(record.identifier, record_url(base, record.identifier)))
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
