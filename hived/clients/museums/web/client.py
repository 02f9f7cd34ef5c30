"""Walk the pages of a web site: those of its sitemaps, or one page and what it links to, within host and path.

A base URL that ends in "/" is a collection: the sitemaps that robots.txt names (else /sitemap.xml) and the links of
that very page. One that ends in .xml or .xml.gz is a sitemap. Any other is a single page.
"""

from __future__ import annotations

import asyncio
import logging
import time
import zlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

from yarl import URL

from hived.clients.fetch import GZIP, XML, Fetcher, RobotsRules, shown
from hived.clients.museums import cursors, links
from hived.clients.museums.web.parse import Page
from hived.clients.museums.web.reader import read_page
from hived.clients.museums.web.scope import Scope, is_sitemap
from hived.clients.museums.web.sitemap import Sitemap, parse_sitemap
from hived.errors import NotAllowed, Refused, Unreadable
from hived.records import values
from hived.records.artifact import Fetched, Listing, ObjectRef, Source, Validators

log = logging.getLogger(__name__)

HTML = ("text/html", "application/xhtml+xml")
SITEMAPS = (*XML, *GZIP, "application/octet-stream", "text/plain")  # what they really come as
ROBOTS = "robots.txt"
SLICE = 500
MAX_READS = 4  # sitemaps that one step asks for
MAX_NESTED = 3  # an index, an index within it, pages
MAX_KEPT, KEEP_S = 8, 3600.0


@dataclass(slots=True)
class _Kept:
    at: float
    is_index: bool
    packed: bytes
    """The URLs, a line each, compressed: fifty thousand of them take some hundred kB."""

    def urls(self) -> list[str]:
        return zlib.decompress(self.packed).decode().split("\n") if self.packed else []


class WebAdapter:
    """Pages of any site that state an open licence."""

    kind = "web"

    def __init__(self, fetcher: Fetcher, clock: Callable[[], float] = time.time) -> None:
        self._fetcher = fetcher
        self._clock = clock
        self._sitemaps: OrderedDict[tuple[int, str, float | None], _Kept] = OrderedDict()

    async def list(self, source: Source, cursor: str | None, since: float | None) -> Listing:
        """Return the next pages of the sitemaps; the cursor is the way down to the place in the present one."""
        base = source.base_url
        way = _way(cursor)
        refs: list[ObjectRef] = []
        if way is None:
            if is_sitemap(base):
                way = [(base, 0)]
            else:
                refs.append(ObjectRef(base, base, priority=1))
                way = [(ROBOTS, 0)] if base.endswith("/") else []
        reads = 0
        while way and reads < MAX_READS and len(refs) < SLICE:
            (url, at), above = way[-1], way[:-1]
            found = await self._sitemap(source, url, since, is_only=url == base)
            reads += 1
            urls = found.urls() if found is not None else []
            if found is None or at >= len(urls):
                way = above
            elif found.is_index:
                deeper = sum(1 for one, _ in way if one != ROBOTS) < MAX_NESTED
                way = [*above, (url, at + 1), *([(urls[at], 0)] if deeper else [])]
            else:
                part = urls[at : at + SLICE - len(refs)]
                refs += [ObjectRef(one, one) for one in part]
                at += len(part)
                way = [*above, (url, at)] if at < len(urls) else above
        if not way:
            return Listing(tuple(refs), None, complete=True)
        return Listing(tuple(refs), cursors.as_cursor(way=way))

    async def fetch(self, source: Source, ref: ObjectRef, validators: Validators) -> Fetched:
        """Fetch one page; NotAllowed when it asks robots not to store it or not to show it to a model."""
        scope = Scope.of(source.base_url)
        reply = await self._fetcher.get(
            ref.url, kind="page", validators=validators, accept=HTML, stay_on=_hosts(source.base_url)
        )
        if reply.status == 304:
            return Fetched(unchanged=True, validators=reply.validators)
        if reply.status != 200:
            return Fetched(gone=str(reply.status))
        is_base = ref.url == source.base_url
        if not is_base and scope.accepted(reply.url) is None and reply.url != ref.url:
            raise Refused(f"{shown(ref.url)} leads to {shown(reply.url)}, outside of this source")
        page = await read_page(reply.text(), reply.url, self._clock(), reply.robots_tags)
        if page.orders.noindex:
            raise NotAllowed("the page asks robots not to store it (noindex)")
        if page.orders.noai:
            raise NotAllowed("the page asks not to be given to a model (noai)")
        more = _more(page, scope, source.base_url) if is_base and source.base_url.endswith("/") else ()
        return Fetched(object=page.object, validators=reply.validators, more=more)

    async def _sitemap(self, source: Source, url: str, since: float | None, *, is_only: bool) -> _Kept | None:
        """Return a sitemap, from a while ago or fresh; None for a broken one among several."""
        key = (source.id, url, since)
        kept = self._sitemaps.get(key)
        if kept is not None and 0 <= self._clock() - kept.at < KEEP_S:
            return kept
        try:
            found = await self._named(source) if url == ROBOTS else await self._read(source, url, since)
        except (Refused, Unreadable) as err:
            if is_only:
                raise
            log.info("%s: the sitemap %s is left out: %s", source.name, shown(url), err)
            found = Sitemap()
        packed = zlib.compress("\n".join(found.urls).encode(), 1) if found.urls else b""
        self._sitemaps[key] = _Kept(self._clock(), found.is_index, packed)
        while len(self._sitemaps) > MAX_KEPT:
            self._sitemaps.popitem(last=False)
        return self._sitemaps[key]

    async def _named(self, source: Source) -> Sitemap:
        """Return the sitemaps that robots.txt names on this site, else the usual one."""
        origin = urljoin(source.base_url, "/")
        reply = await self._fetcher.get(f"{origin}robots.txt", kind="robots", stay_on=_hosts(source.base_url))
        rules = RobotsRules.parse(reply.status, reply.content_type, reply.body)
        own = [url for one in rules.sitemaps if (url := links.web_url(one)) and links.same_site(url, origin)]
        return Sitemap(is_index=True, urls=own or [f"{origin}sitemap.xml"])

    async def _read(self, source: Source, url: str, since: float | None) -> Sitemap:
        reply = await self._fetcher.get(url, kind="page", accept=SITEMAPS, stay_on=_hosts(source.base_url))
        if reply.status != 200:
            raise Unreadable(f"there is no sitemap at {shown(url)}")
        scope = Scope.of(source.base_url)

        def keep(one: str, is_sitemap_url: bool) -> str | None:
            return (one if links.same_site(one, source.base_url) else None) if is_sitemap_url else scope.accepted(one)

        # Fifty thousand entries take a second of a small board's time, and the loop has other things to do.
        return await asyncio.to_thread(parse_sitemap, reply.body, keep, _overlap(since))


def _way(cursor: str | None) -> list[tuple[str, int]] | None:
    """Return the sitemaps of a cursor, from the outermost to the present one, with the place in each."""
    told = cursors.cursor(cursor).get("way")
    if not isinstance(told, list) or len(told) > MAX_NESTED + 1:
        return None
    way: list[tuple[str, int]] = []
    for step in told:
        if not isinstance(step, list) or len(step) != 2 or not isinstance(step[0], str):
            return None
        at = values.integer(step[1], 0, 10**9)
        if at is None:
            return None
        way.append((step[0], at))
    return way


def _more(page: Page, scope: Scope, base_url: str) -> tuple[ObjectRef, ...]:
    found = dict.fromkeys(url for one in page.links if (url := scope.accepted(one)) is not None and url != base_url)
    return tuple(ObjectRef(one, one) for one in found)


def _hosts(base_url: str) -> tuple[str, ...]:
    """Return the hosts that a page of this source may be on: its own, with and without "www."."""
    own = links.authority(base_url)
    if not URL(base_url).is_default_port():
        return (own,)
    host = urlsplit(base_url).hostname or ""
    twin = host.removeprefix("www.") if host.startswith("www.") else f"www.{host}"
    return (
        (own, f"{host}:80", f"{host}:443", f"{twin}:80", f"{twin}:443") if "." in host and ":" not in host else (own,)
    )


def _overlap(since: float | None) -> float | None:
    return None if since is None else since - cursors.OVERLAP_S
