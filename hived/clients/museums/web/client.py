"""Walk the pages of a web site: those of its sitemaps, or one page and what it links to, within host and path.

A base URL that ends in "/" is a collection: the sitemaps that robots.txt names (else /sitemap.xml) and the links of
that very page. One that ends in .xml or .xml.gz is a sitemap. Any other is a single page.
"""

from __future__ import annotations

import asyncio
import time
import zlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from itertools import takewhile
from urllib.parse import urljoin, urlsplit

from yarl import URL

from hived.clients.fetch import GZIP, XML, Fetcher, RobotsRules, shown
from hived.clients.museums import cursors, links
from hived.clients.museums.web.parse import Page
from hived.clients.museums.web.reader import read_page
from hived.clients.museums.web.scope import Scope, is_sitemap
from hived.clients.museums.web.sitemap import Entries, Sitemap, parse_sitemap
from hived.errors import NotAllowed, Refused, Unreadable
from hived.records import values
from hived.records.artifact import Fetched, Listing, ObjectRef, Source, Validators

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
    packed: bytes
    """The entries, a line each, compressed: fifty thousand of them take some hundred kB."""

    def entries(self) -> Entries:
        lines = zlib.decompress(self.packed).decode().splitlines()
        return [(line[1:], line[0] == _SITEMAP_MARK) for line in lines]


_SITEMAP_MARK, _PAGE_MARK = "s", "p"


class WebAdapter:
    """Pages of any site that state an open licence."""

    kind = "web"

    def __init__(self, fetcher: Fetcher, clock: Callable[[], float] = time.time) -> None:
        self._fetcher = fetcher
        self._clock = clock
        self._sitemaps: OrderedDict[tuple[int, str, float | None], _Kept] = OrderedDict()
        self._led_to: dict[str, str] = {}
        """Where requests to a base URL's site ended: a site is asked by the name that it has itself."""

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
        troubles: dict[str, None] = {}
        while way and reads < MAX_READS and len(refs) < SLICE:
            (url, at), above = way[-1], way[:-1]
            entries = await self._sitemap(source, url, since, troubles)
            reads += 1
            pages = list(takewhile(lambda entry: not entry[1], entries[at : at + SLICE - len(refs)]))
            refs += [ObjectRef(page, page) for page, _ in pages]
            at += len(pages)
            way = [*above, (url, at)] if at < len(entries) else above
            if at < len(entries) and entries[at][1]:
                way = [*above, (url, at + 1)]
                if sum(1 for step, _ in way if step != ROBOTS) < MAX_NESTED:
                    way.append((entries[at][0], 0))
        return Listing(
            tuple(refs), cursors.as_cursor(way=way) if way else None, complete=not way,
            trouble="; ".join(troubles) or None,
        )  # fmt: skip

    async def fetch(self, source: Source, ref: ObjectRef, validators: Validators) -> Fetched:
        """Fetch one page; NotAllowed when it asks robots not to store it or not to show it to a model."""
        reply = await self._fetcher.get(
            ref.url, kind="page", validators=validators, accept=HTML, stay_on=_hosts(source.base_url)
        )
        scope = self._scope(source, reply.url if ref.url == source.base_url else None)
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

    async def _sitemap(self, source: Source, url: str, since: float | None, troubles: dict[str, None]) -> Entries:
        """Return the entries of a sitemap, from a while ago or fresh; none of a broken one among several.

        What is wrong with it is added to `troubles`.
        """
        key = (source.id, url, since)
        kept = self._sitemaps.get(key)
        if kept is not None and 0 <= self._clock() - kept.at < KEEP_S:
            return kept.entries()
        try:
            found = await self._named(source) if url == ROBOTS else await self._read(source, url, since)
        except (Refused, Unreadable) as err:
            if url == source.base_url:
                raise
            found = Sitemap(flaw=str(err))
        if found.flaw:
            troubles[found.flaw if shown(url) in found.flaw else f"the sitemap {shown(url)}: {found.flaw}"] = None
        elif found.named and not found.entries and since is None:
            troubles[f"the sitemap {shown(url)}: none of its {found.named} addresses is below {source.base_url}"] = None
        lines = (f"{_SITEMAP_MARK if is_sitemap else _PAGE_MARK}{entry}" for entry, is_sitemap in found.entries)
        self._sitemaps[key] = _Kept(self._clock(), zlib.compress("\n".join(lines).encode(), 1))
        while len(self._sitemaps) > MAX_KEPT:
            self._sitemaps.popitem(last=False)
        return found.entries

    async def _named(self, source: Source) -> Sitemap:
        """Return the sitemaps that robots.txt names on this site, else the usual one."""
        origin = urljoin(source.base_url, "/")
        reply = await self._fetcher.get(f"{origin}robots.txt", kind="robots", stay_on=_hosts(source.base_url))
        self._scope(source, reply.url)
        rules = RobotsRules.parse(reply.status, reply.content_type, reply.body)
        named = [links.web_url(line, reply.url) for line in rules.sitemaps]
        own = [url for url in named if url and links.same_site(url, origin)] or [f"{origin}sitemap.xml"]
        return Sitemap([(url, True) for url in own], named=len(own))

    async def _read(self, source: Source, url: str, since: float | None) -> Sitemap:
        reply = await self._fetcher.get(url, kind="page", accept=SITEMAPS, stay_on=_hosts(source.base_url))
        if reply.status != 200:
            raise Unreadable(f"there is no sitemap at {shown(url)}")
        scope = self._scope(source, reply.url)

        def keep(entry: str, is_sitemap_url: bool) -> str | None:
            if not is_sitemap_url:
                return scope.accepted(entry)
            return entry if links.same_site(entry, source.base_url) else None

        # Fifty thousand entries take a second of a small board's time, and the loop has other things to do.
        return await asyncio.to_thread(parse_sitemap, reply.body, reply.url, keep, _overlap(since))

    def _scope(self, source: Source, led_to: str | None = None) -> Scope:
        """Return what belongs to a source; `led_to` is where a request to its site has just ended."""
        if led_to is not None and links.same_site(led_to, source.base_url):
            self._led_to[source.base_url] = led_to
        return Scope.of(source.base_url, self._led_to.get(source.base_url))


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
