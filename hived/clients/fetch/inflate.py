"""Bodies as they stream in: decompressed, counted, never larger than asked for."""

from __future__ import annotations

import zlib
from typing import Protocol

from hived.errors import Unreadable

MAX_MEMBERS = 256  # of one gzip stream: an endless row of empty ones costs time and gives nothing

_GZIP = 16 + zlib.MAX_WBITS


class _Inflate(Protocol):
    """What zlib.decompressobj returns."""

    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = ..., /) -> bytes: ...


class Body:
    """Collect a body. With `cut` the first `max_bytes` are kept and `full` says so, else more is Unreadable."""

    def __init__(self, encoding: str, max_bytes: int, *, cut: bool = False) -> None:
        """Unreadable for a content encoding that we did not ask for and could not bound."""
        self._encoding = _known(encoding)
        self._max = max_bytes
        self._cut = cut
        self._body = bytearray()
        self._wire = 0
        self._held = b""
        self._inflate: _Inflate | None = zlib.decompressobj(_GZIP) if self._encoding == "gzip" else None
        self._members = 1
        self.full = False

    def feed(self, chunk: bytes) -> None:
        """Take what came over the wire; Unreadable when it is too much, or not what its encoding says."""
        self._wire += len(chunk)
        if self.full:
            return
        if self._encoding == "identity":
            self._take(chunk)
            return
        if self._wire > self._max + self._max // 16 + 4096:  # packed is hardly ever larger than unpacked
            self._overflow()
            return
        try:
            self._unpack(self._held + chunk)
        except zlib.error:
            raise Unreadable("the answer is not packed as it says") from None

    def finish(self) -> bytes:
        """Return the whole body; Unreadable when the packed stream ended too early."""
        if self._encoding != "identity" and self._wire and not self.full and (self._inflate is None or not self._ended):
            raise Unreadable("the packed answer was cut short")
        return bytes(self._body)

    @property
    def _ended(self) -> bool:
        return self._inflate is not None and self._inflate.eof

    def _unpack(self, data: bytes) -> None:
        self._held = b""
        if self._inflate is None:
            if len(data) < 2:
                self._held = data
                return
            has_header = data[0] & 0x0F == 8 and (data[0] << 8 | data[1]) % 31 == 0
            self._inflate = zlib.decompressobj(zlib.MAX_WBITS if has_header else -zlib.MAX_WBITS)
        while data and not self.full:
            if self._inflate.eof:
                if self._encoding != "gzip" or data[0] != 0x1F:
                    return  # padding behind the end
                self._members += 1
                if self._members > MAX_MEMBERS:
                    raise Unreadable("the answer is packed in too many pieces")
                self._inflate = zlib.decompressobj(_GZIP)
            # One byte more than there is room for: whether it comes tells a full body from a too large one.
            self._take(self._inflate.decompress(data, self._max - len(self._body) + 1))
            data = self._inflate.unused_data

    def _take(self, piece: bytes) -> None:
        self._body += piece
        if len(self._body) > self._max:
            del self._body[self._max :]
            self._overflow()

    def _overflow(self) -> None:
        if not self._cut:
            raise Unreadable(f"the answer is larger than {self._max:,} bytes")
        self.full = True


def _known(encoding: str) -> str:
    name = encoding.strip().lower().removeprefix("x-")
    if name in ("", "identity"):
        return "identity"
    if name not in ("gzip", "deflate"):
        raise Unreadable("the answer is packed in a way that was not asked for")
    return name
