"""Sitemaps and their indexes, packed or not. Pure: bytes in, URLs out; Unreadable when they are none."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from hived.clients.museums import links, text, xml
from hived.errors import Unreadable

MAX_ENTRIES = 50_000  # the protocol's own limit for one file
MAX_UNPACKED = 50 * 1024 * 1024  # likewise; it is read as a stream and never held
MAX_LOC = 2048
_GZIP = b"\x1f\x8b"


@dataclass(slots=True)
class Sitemap:
    """A sitemap (`is_index` False: pages) or an index (True: further sitemaps). `urls` are those that were kept."""

    is_index: bool = False
    urls: list[str] = field(default_factory=list)


Keep = Callable[[str, bool], str | None]
"""Given a URL and whether it is a further sitemap's, returns what to take down of it; None for nothing."""


def parse_sitemap(body: bytes, keep: Keep, since: float | None = None) -> Sitemap:
    """Return the URLs for which `keep` returns one, in their order; with `since` without pages that are older.

    `lastmod` is a hint: an entry without a readable one is kept.
    """
    reader = _Reader(keep, since)
    xml.read(_unpacked(body) if body.startswith(_GZIP) else xml.chunks(body), reader)
    if reader.root not in ("urlset", "sitemapindex"):
        raise Unreadable("the answer is no sitemap")
    return reader.found


class _Reader:
    def __init__(self, keep: Keep, since: float | None) -> None:
        self.root: str | None = None
        self.found = Sitemap()
        self._keep = keep
        self._since = since
        self._seen: set[str] = set()
        self._count = 0
        self._path: list[str] = []
        self._parts: dict[str, str] = {}

    def start(self, tag: str, _attributes: dict[str, str]) -> None:
        name = tag.rpartition("}")[2].lower()
        if self.root is None:
            self.root = name
            self.found.is_index = name == "sitemapindex"
        self._path.append(name)
        if len(self._path) == 2:
            self._parts = {}

    def data(self, data: str) -> None:
        if len(self._path) == 3 and self._path[-1] in ("loc", "lastmod"):
            told = self._parts.get(self._path[-1], "")
            if len(told) <= MAX_LOC:
                self._parts[self._path[-1]] = told + data

    def end(self, _tag: str) -> None:
        self._path.pop()
        if len(self._path) == 1 and "loc" in self._parts:
            self._entry(self._parts.pop("loc"), self._parts.get("lastmod"))

    def _entry(self, loc: str, lastmod: str | None) -> None:
        self._count += 1
        if self._count > MAX_ENTRIES:
            return
        url = links.web_url(loc)
        kept = None if url is None else self._keep(url, self.found.is_index)
        if kept is None or kept in self._seen:
            return
        at = moment(lastmod)
        if self.found.is_index or self._since is None or at is None or at >= self._since:
            self._seen.add(kept)
            self.found.urls.append(kept)


def moment(value: object) -> float | None:
    """Return UTC epoch seconds of a W3C date, at the end of a day or month that has no time; None when it is none."""
    told = text.clean(value, 40)
    if told is None:
        return None
    try:
        if len(told) == 10:
            return datetime.fromisoformat(told).replace(tzinfo=UTC).timestamp() + 86_400
        at = datetime.fromisoformat(told)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError, OSError):
        return None


def _unpacked(body: bytes) -> Iterator[bytes]:
    """Yield the content of a .gz file in pieces; it may be a thousand times as long as the file."""
    packed = zlib.decompressobj(wbits=31)
    rest, size = body, 0
    try:
        while not packed.eof:
            piece = packed.decompress(rest, xml.CHUNK)
            rest = packed.unconsumed_tail
            if not piece and not rest:
                break
            size += len(piece)
            if size > MAX_UNPACKED:
                raise Unreadable("a packed sitemap of monstrous length")
            yield piece
    except zlib.error:
        raise Unreadable("the sitemap is not packed as it should be") from None
    if not packed.eof:
        raise Unreadable("the packed sitemap is cut short")
