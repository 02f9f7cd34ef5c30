"""Sitemaps and their indexes, packed or not. Pure: bytes in, URLs out; Unreadable when they are none.

What could be read of a broken one is kept: one bad entry of fifty thousand costs itself.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from hived.clients.fetch import charset
from hived.clients.museums import links, text, xml
from hived.errors import Unreadable

MAX_ENTRIES = 50_000  # the protocol's own limit for one file
MAX_UNPACKED = 50 * 1024 * 1024  # likewise; it is read as a stream and never held
MAX_LOC = 2048
MAX_LOCS = 8  # of one entry
_GZIP = b"\x1f\x8b"
_ADDRESS = re.compile(r"\s*https?://", re.IGNORECASE)


Entries = list[tuple[str, bool]]
"""Addresses, each with whether it is a further sitemap's."""


@dataclass(slots=True)
class Sitemap:
    """What a sitemap or an index names and was kept, in its order."""

    entries: Entries = field(default_factory=list)
    named: int = 0
    """Entries before any choice."""
    flaw: str | None = None
    """What of it could not be read."""


Keep = Callable[[str, bool], str | None]
"""Given a URL and whether it is a further sitemap's, returns what to take down of it; None for nothing."""


def parse_sitemap(body: bytes, url: str, keep: Keep, since: float | None = None) -> Sitemap:
    """Return the URLs for which `keep` returns one, in their order; with `since` without pages that are older.

    `lastmod` is a hint: an entry without a readable one is kept. Relative addresses are taken as the page's at `url`.
    A mere list of addresses is a sitemap too.
    """

    def pieces() -> Iterable[bytes]:
        return _unpacked(body) if body.startswith(_GZIP) else xml.chunks(body)

    start = next(iter(pieces()), b"")
    if b"<" not in start:
        return _plain(b"".join(pieces()), url, keep)
    reader, flaw = xml.read(pieces, lambda: _Reader(url, keep, since), ("url", "sitemap"))
    if reader.root not in ("urlset", "sitemapindex"):
        raise Unreadable("the answer is no sitemap")
    reader.found.flaw = flaw
    return reader.found


def _plain(body: bytes, url: str, keep: Keep) -> Sitemap:
    """Read an address a line."""
    reader = _Reader(url, keep, None)
    for line in charset.decode(body).text.splitlines():
        if _ADDRESS.match(line):
            reader.entry("url", line, None)
    if not reader.found.named:
        raise Unreadable("the answer is no sitemap")
    return reader.found


class _Reader:
    def __init__(self, url: str, keep: Keep, since: float | None) -> None:
        self.root: str | None = None
        self.found = Sitemap()
        self._url = url
        self._keep = keep
        self._since = since
        self._seen: set[str] = set()
        self._path: list[str] = []
        self._locs: list[str] = []
        self._lastmod = ""

    def start(self, tag: str, _attributes: dict[str, str]) -> None:
        name = tag.rpartition("}")[2].lower()
        self.root = self.root or name
        self._path.append(name)
        if len(self._path) == 2:
            self._locs, self._lastmod = [], ""
        elif len(self._path) == 3 and name == "loc":
            self._locs.append("")

    def data(self, data: str) -> None:
        if len(self._path) != 3:
            return
        if self._path[-1] == "loc" and len(self._locs[-1]) <= MAX_LOC:
            self._locs[-1] += data
        elif self._path[-1] == "lastmod" and len(self._lastmod) <= MAX_LOC:
            self._lastmod += data

    def end(self, _tag: str) -> None:
        name = self._path.pop()
        if len(self._path) == 1:
            for loc in self._locs[:MAX_LOCS]:
                self.entry(name, loc, self._lastmod)
            self._locs = []

    def resume(self) -> None:
        self._path, self._locs = [], []

    def entry(self, kind: str, loc: str, lastmod: str | None) -> None:
        """Take down one address if it is wanted."""
        self.found.named += 1
        if self.found.named > MAX_ENTRIES:
            return
        is_sitemap = kind == "sitemap"
        url = links.web_url(loc, self._url)
        kept = None if url is None else self._keep(url, is_sitemap)
        if kept is None or kept in self._seen:
            return
        at = moment(lastmod)
        if is_sitemap or self._since is None or at is None or at >= self._since:
            self._seen.add(kept)
            self.found.entries.append((kept, is_sitemap))


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
    """Yield the content of a .gz file in pieces, up to a flaw; it may be a thousand times as long as the file."""
    packed = zlib.decompressobj(wbits=31)
    rest, size = body, 0
    while not packed.eof and size <= MAX_UNPACKED:
        try:
            piece = packed.decompress(rest, xml.CHUNK)
        except zlib.error:
            return
        rest = packed.unconsumed_tail
        if not piece and not rest:
            return
        size += len(piece)
        yield piece
