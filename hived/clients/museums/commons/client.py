"""Ask Wikimedia Commons: the files of a category, of a search, or all of them, fifty with their metadata a call.

One call at a time, `maxlag` so that a lagging database is left alone, and the fetcher's User-Agent with its contact:
what their policy asks for.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from urllib.parse import parse_qs, quote, urlsplit

from hived.clients.fetch import JSON, Fetcher
from hived.clients.museums import cursors, licence, links
from hived.clients.museums.commons.parse import CommonsAnswer, go_on, parse_answer
from hived.clients.museums.listed_objects import ListedObjects
from hived.errors import Refused, Throttled, Transient, Unreadable
from hived.records.artifact import Fetched, Listing, ObjectRef, Source, Validators

BATCH = 50  # as many as come with imageinfo in one call
IMAGE_WIDTH = 800
MAX_SUMS = 10_000  # files known by their contents: about 1 MB
LAG_S, LIMIT_S = 5.0, 60.0
_BUSY = {"maxlag": LAG_S, "ratelimited": LIMIT_S}
_PASSING = ("readonly", "internal_api_error", "busy")

_PROPS = (
    f"prop=imageinfo&iiprop=url|size|mime|sha1|extmetadata&iiurlwidth={IMAGE_WIDTH}"
    "&iiextmetadatafilter=License|LicenseUrl|Restrictions|AttributionRequired|NonFree|Copyrighted|ObjectName|Artist"
    "|DateTimeOriginal|Credit|Categories|ImageDescription"
)


class CommonsAdapter:
    """Wikimedia Commons, or another MediaWiki with its metadata at the source's base URL (its api.php)."""

    kind = "commons"

    def __init__(self, fetcher: Fetcher, clock: Callable[[], float] = time.time) -> None:
        self._fetcher = fetcher
        self._clock = clock
        self._listed = ListedObjects(clock)
        self._sums: OrderedDict[tuple[int, str], int] = OrderedDict()

    async def list(self, source: Source, cursor: str | None, since: float | None) -> Listing:
        """Return the next files; with `since` those added from the day before on (a search is walked again)."""
        at = cursors.cursor(cursor)
        day = cursors.day_before(since)
        more = go_on(at.get("continue")) if at.get("day") == day else None
        answer = await self._ask(source, _generator(source.base_url, day) + _written(more or {}))
        refs = []
        for file in answer.files:
            if file.missing or not self._is_first(source, file.pageid, file.sha1):
                continue
            if file.object is not None:
                self._listed.put(source.id, str(file.pageid), Fetched(object=file.object))
            refs.append(ObjectRef(str(file.pageid), f"{_api(source.base_url)}?pageids={file.pageid}"))
        if answer.go_on is None or answer.go_on == more:
            return Listing(tuple(refs), None, complete=True)
        return Listing(tuple(refs), cursors.as_cursor(**{"continue": answer.go_on, "day": day}))

    async def fetch(self, source: Source, ref: ObjectRef, _validators: Validators) -> Fetched:
        """Return the file that a listing brought, else fetch it. The API has no validators for a single file."""
        kept = self._listed.take(source.id, ref.object_id)
        if kept is not None:
            return kept
        answer = await self._ask(source, f"&pageids={quote(ref.object_id, safe='')}")
        file = next((one for one in answer.files if str(one.pageid) == ref.object_id), None)
        if file is None or file.missing:
            return Fetched(gone="404")
        if file.object is None and answer.go_on is not None:
            raise Unreadable(f"the answer leaves out what it has to say of file {ref.object_id}")
        if file.object is None:  # hidden, or without metadata: silence is refusal
            raise Refused(licence.UNSTATED)
        return Fetched(object=file.object)

    def _is_first(self, source: Source, pageid: int, sha1: str | None) -> bool:
        """Say whether no other file of this source has the same contents: the same picture is one object."""
        if sha1 is None:
            return True
        known = self._sums.setdefault((source.id, sha1), pageid)
        while len(self._sums) > MAX_SUMS:
            self._sums.popitem(last=False)
        return known == pageid

    async def _ask(self, source: Source, query: str) -> CommonsAnswer:
        api = _api(source.base_url)
        reply = await self._fetcher.get(
            f"{api}?action=query&format=json&formatversion=2&maxlag=5&{_PROPS}{query}",
            kind="api",
            accept=JSON,
            stay_on=(links.authority(api),),
        )
        if reply.status != 200:
            raise Unreadable(f"there is no api.php at {api}")
        answer = parse_answer(reply.body, api, self._clock())
        if answer.error in _BUSY:
            raise Throttled(f"Commons wants a pause: {answer.error}", reply.retry_after_s or _BUSY[answer.error])
        if answer.error is not None:
            kind = Transient if answer.error.startswith(_PASSING) else Refused
            raise kind(f"Commons answers {answer.error}")
        return answer


def _api(base_url: str) -> str:
    return base_url.partition("?")[0]


def _generator(base_url: str, day: str | None) -> str:
    """Return what is listed: the base URL says so by `gcmtitle` or `gsrsearch`; without them it is all files."""
    asked = parse_qs(urlsplit(base_url).query)
    start = f"{day}T00:00:00Z" if day else None
    if title := asked.get("gcmtitle", [""])[0]:
        return f"&generator=categorymembers&gcmtype=file&gcmlimit={BATCH}&gcmsort=timestamp&gcmdir=newer" + _written(
            {"gcmtitle": title} | ({"gcmstart": start} if start else {})
        )
    if search := asked.get("gsrsearch", [""])[0]:
        return f"&generator=search&gsrnamespace=6&gsrlimit={BATCH}" + _written({"gsrsearch": search})
    return f"&generator=allimages&gaisort=timestamp&gaidir=newer&gailimit={BATCH}" + _written(
        {"gaistart": start} if start else {}
    )


def _written(parameters: Mapping[str, str | int]) -> str:
    return "".join(f"&{name}={quote(str(value), safe='')}" for name, value in parameters.items())
