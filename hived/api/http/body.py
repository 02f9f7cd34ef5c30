"""Bodies of requests: read within a time and a size, unpacked here and never beyond that size.

The server hands them over as they came (`listener.LIMITS`): aiohttp would unpack for as long as a client sends, even
what nobody reads, and with windows as large as a zstd frame asks for.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Mapping
from typing import Any

from aiohttp import web
from backports import zstd

from hived.errors import BadRequest

WINDOW_LOG = 23  # 8 MiB, what RFC 8878 wants a decoder to take; a frame may ask for 2 GiB
MAX_FRAMES = 64  # a client that packs as it reads makes some; a thousand empty ones are a trick
IDENTITY = ("", "identity")


class TooLarge(BadRequest):
    """A body has more bytes than are allowed, packed or unpacked. `limits` are for a sender that can split it."""

    def __init__(self, text: str, limits: Mapping[str, Any] | None = None) -> None:
        super().__init__(text)
        self.limits = limits


class UnknownPacking(BadRequest):
    """A Content-Encoding that is not understood."""


async def read(request: web.Request, most: int, within_s: float, limits: Mapping[str, Any] | None = None) -> bytes:
    """Return a body of at most `most` bytes, unpacked.

    TooLarge with the `limits`, UnknownPacking, BadRequest for one that is cut or not packed as it says,
    HTTPRequestTimeout when it is slow. The caller closes the connection then: the rest of the body is not wanted.
    """
    encoding = request.headers.get("Content-Encoding", "").strip().lower()
    if encoding not in (*IDENTITY, "gzip", "zstd"):
        raise UnknownPacking("Content-Encoding: gzip, zstd or none are understood")
    too_large = TooLarge(f"the body is too large, {most // 1024} KiB are allowed", limits)
    if (request.content_length or 0) > most:
        raise too_large
    packed = bytearray()
    try:
        async with asyncio.timeout(within_s):
            async for piece in request.content.iter_any():
                packed += piece
                if len(packed) > most:
                    raise too_large
    except TimeoutError:
        raise web.HTTPRequestTimeout from None
    except (ConnectionError, web.RequestPayloadError):  # the sender left, or its chunks are none
        raise BadRequest("the body is truncated, or not framed as it says") from None
    try:
        return bytes(packed) if encoding in IDENTITY else unpacked(bytes(packed), encoding, most)
    except TooLarge as err:
        raise TooLarge(str(err), limits) from None


def unpacked(packed: bytes, encoding: str, most: int) -> bytes:
    """Return what gzip or zstd bytes hold, in one frame or several; TooLarge before more than `most` bytes are made.

    BadRequest for what is cut, broken, or asks for a larger window than anybody needs.
    """
    body = b""
    for _ in range(MAX_FRAMES):
        if not packed:
            return body
        frame = _frame(encoding)
        try:
            body += frame.decompress(packed, most + 1 - len(body))
        except (zlib.error, zstd.ZstdError) as err:
            raise BadRequest(f"the body is not {encoding}: {err}") from None
        if len(body) > most:
            raise TooLarge(f"the body is too large, {most // 1024} KiB are allowed when it is unpacked")
        if not frame.eof:
            raise BadRequest(f"the body is not {encoding}, or is cut")
        packed = frame.unused_data
    raise BadRequest(f"the body has more than {MAX_FRAMES} frames of {encoding}")


def _frame(encoding: str) -> Any:
    if encoding == "gzip":
        return zlib.decompressobj(16 + zlib.MAX_WBITS)
    return zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: WINDOW_LOG})
