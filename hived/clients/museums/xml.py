"""XML from outside, read as a stream: no entities of its own, bounded depth. Nothing is kept of it here.

What is well formed is read strictly. Any other document is mended first (signs that XML forbids, ampersands, comments,
what stands before its beginning or behind its end), then read item by item: a flaw costs the item that it stands in.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterable, Sequence
from html.entities import html5
from typing import Protocol, TypeVar
from xml.etree.ElementTree import ParseError

from defusedxml.ElementTree import DefusedXMLParser

from hived.clients.fetch import charset
from hived.errors import Unreadable

MAX_DEPTH = 64
CHUNK = 1 << 16
MAX_MENDED = 8 * 1024 * 1024  # of a broken document: more than a body has that is not packed
MAX_HEAD = 64 * 1024  # before the first item
MAX_PREFIXES = 20

_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_AMPERSAND = re.compile(r"&(?:#(?P<number>[0-9]{1,7}|[xX][0-9a-fA-F]{1,6});|(?P<name>[A-Za-z][A-Za-z0-9]{0,31});)?")
_KNOWN = frozenset(("amp", "lt", "gt", "quot", "apos"))
_ENDS = {"<![CDATA[": "]]>", "<!--": "-->", "<?": "?>"}
_OPENINGS = re.compile("|".join(map(re.escape, _ENDS)))
_DOCTYPE = re.compile(r"\A(\s*)<!DOCTYPE[^\[<>]{0,1000}>", re.IGNORECASE)
_PREFIX = re.compile(r"</?([A-Za-z_][\w.-]{0,40}):|\s([A-Za-z_][\w.-]{0,40}):[\w.-]{1,60}\s{0,8}=")
_DECLARED = re.compile(r"\sxmlns:([A-Za-z_][\w.-]{0,40})\s{0,8}=")
_ROOT = re.compile(r"<[A-Za-z_][\w.:-]{0,80}")


class Reader(Protocol):
    """What hears the elements. Tags are `{namespace}name`."""

    def start(self, tag: str, attributes: dict[str, str]) -> None: ...

    def end(self, tag: str) -> None: ...

    def data(self, text: str) -> None: ...

    def resume(self) -> None:
        """Forget what is open: what surrounds the items is told again, then comes the next item."""


AnyReader = TypeVar("AnyReader", bound=Reader)


class _Bounded:
    """Passes on to a reader what does not nest too deeply. `closed`: the whole document was told."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self.depth = 0
        self.closed = False
        self.data = reader.data

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise Unreadable("the XML nests too deeply")
        self._reader.start(tag, attributes)

    def end(self, tag: str) -> None:
        self.depth -= 1
        self._reader.end(tag)
        self.closed = self.depth == 0

    def close(self) -> None:
        """Expat calls it at the end."""


def read(
    chunks: Callable[[], Iterable[bytes]], make: Callable[[], AnyReader], items: Sequence[str]
) -> tuple[AnyReader, str | None]:
    """Return a reader that was told a document, and what could not be read of it; None: nothing was lost.

    `items` are the names of the elements that stand for themselves. Unreadable: it holds what only an attack needs.
    """
    reader = make()
    try:
        _feed(chunks(), reader)
        return reader, None
    except (ParseError, ValueError, LookupError, AssertionError, Unreadable):
        pass
    text = _mended(chunks())
    reader = make()
    try:
        _feed([text], reader)
        return reader, None
    except (ParseError, Unreadable):
        pass
    except (ValueError, LookupError, AssertionError) as err:  # what defusedxml forbids
        raise Unreadable(f"the answer holds XML that is not read ({type(err).__name__})") from None
    reader = make()
    return reader, _by_item(text, reader, items)


def chunks(body: bytes) -> Iterable[bytes]:
    """Return a body in pieces."""
    return (body[at : at + CHUNK] for at in range(0, len(body), CHUNK))


def _feed(pieces: Iterable[bytes], reader: Reader) -> None:
    bounded = _Bounded(reader)
    parser = DefusedXMLParser(target=bounded, forbid_dtd=True)
    try:
        for piece in pieces:
            parser.feed(piece)
        parser.close()
    except ParseError:
        if not bounded.closed:
            raise


def _by_item(document: bytes, reader: Reader, items: Sequence[str]) -> str:
    """Tell `reader` the items of a document, each by itself; return what is wrong with the document."""
    names = "|".join(items).encode()
    starts = [found.start() for found in re.finditer(rb"<(?:[\w.-]+:)?(?:" + names + rb")(?=[\s/>])", document)]
    head = document[: starts[0]] if starts else document
    lost, why, closed = 0, "", False
    for start, end in zip(starts or [0], [*starts[1:], len(document)], strict=True):
        reader.resume()
        bounded = _Bounded(reader)
        parser = DefusedXMLParser(target=bounded, forbid_dtd=True)
        try:
            parser.feed(head[:MAX_HEAD])
            around = bounded.depth
            parser.feed(document[start:end] if starts else b"")
            whole = bounded.depth <= around
        except (ParseError, ValueError, Unreadable) as err:
            whole, why = bounded.closed, why or str(err)[:80]
        lost += not whole
        closed = closed or bounded.closed
    if lost:
        return f"{lost} of {len(starts) or 1} entries cannot be read ({why or 'one has no end'})"
    return "the end is missing" if not closed else "it is not well formed"


def _mended(pieces: Iterable[bytes]) -> bytes:
    """Return a document in UTF-8 with what XML forbids taken out or escaped, comments and instructions left out."""
    body = bytearray()
    for piece in pieces:
        body += piece
        if len(body) >= MAX_MENDED:
            break
    text = charset.decode(bytes(body[:MAX_MENDED])).text.lstrip("\ufeff \t\r\n")
    parts: list[str] = []
    at, missing = 0, set[str]()
    for found in _OPENINGS.finditer(text):
        close = _ENDS[found[0]]
        if found.start() < at or close in missing:
            continue
        end = text.find(close, found.end())
        if end < 0:
            missing.add(close)
            continue
        parts.append(_AMPERSAND.sub(_reference, text[at : found.start()]))
        if found[0] == "<![CDATA[":
            parts.append(html.escape(text[found.end() : end], quote=False))
        at = end + len(close)
    parts.append(_AMPERSAND.sub(_reference, text[at:]))
    text = _DOCTYPE.sub("", _FORBIDDEN.sub("", "".join(parts)))
    return _declared(text).encode("utf-8", "replace")


def _reference(found: re.Match[str]) -> str:
    """Return what an ampersand is meant for: XML's own names stay, those of HTML become their character."""
    name, number = found["name"], found["number"]
    if number is not None:
        code = int(number[1:], 16) if number[0] in "xX" else int(number)
        return found[0] if code <= 0x10FFFF and not _FORBIDDEN.match(chr(code)) else ""
    if name is None or name in _KNOWN:
        return found[0] if name else "&amp;"
    return html.escape(html5[f"{name};"]) if f"{name};" in html5 else f"&amp;{name};"


def _declared(text: str) -> str:
    """Declare at the root the prefixes that are used without a declaration."""
    used = {one or other for one, other in _PREFIX.findall(text)} - {"xml", "xmlns"} - set(_DECLARED.findall(text))
    root = _ROOT.search(text)
    if not used or root is None:
        return text
    added = "".join(f' xmlns:{prefix}="urn:undeclared:{prefix}"' for prefix in sorted(used)[:MAX_PREFIXES])
    return text[: root.end()] + added + text[root.end() :]
