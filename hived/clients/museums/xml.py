"""XML from outside, read as a stream: no DTD, no entities, no references, bounded depth. Nothing is kept of it here."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol
from xml.etree.ElementTree import ParseError

from defusedxml.ElementTree import DefusedXMLParser

from hived.errors import Unreadable

MAX_DEPTH = 64
CHUNK = 1 << 16


class Reader(Protocol):
    """What hears the elements. Tags are `{namespace}name`."""

    def start(self, tag: str, attributes: dict[str, str]) -> None: ...

    def end(self, tag: str) -> None: ...

    def data(self, text: str) -> None: ...


class _Bounded:
    """Passes on to a reader what does not nest too deeply."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._depth = 0
        self.data = reader.data

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise Unreadable("the XML nests too deeply")
        self._reader.start(tag, attributes)

    def end(self, tag: str) -> None:
        self._depth -= 1
        self._reader.end(tag)

    def close(self) -> None:
        """Expat calls it at the end."""


def read(chunks: Iterable[bytes], reader: Reader) -> None:
    """Tell `reader` the elements of a document; Unreadable when it is broken, or holds what only an attack needs."""
    parser = DefusedXMLParser(target=_Bounded(reader), forbid_dtd=True)
    try:
        for chunk in chunks:
            parser.feed(chunk)
        parser.close()
    except ParseError as err:
        raise Unreadable(f"the answer is no XML, or cut short ({str(err)[:80]})") from None
    except (ValueError, LookupError, AssertionError) as err:  # what defusedxml forbids; encodings that are none
        raise Unreadable(f"the answer holds XML that is not read ({type(err).__name__})") from None


def chunks(body: bytes) -> Iterable[bytes]:
    """Return a body in pieces."""
    return (body[at : at + CHUNK] for at in range(0, len(body), CHUNK))
