"""Bodies that are huge, slow or packed: what they cost us."""

from __future__ import annotations

import asyncio
import gzip
import json
import random
import time
import tracemalloc
import zlib
from collections.abc import Callable
from contextlib import suppress

import pytest
from backports import zstd

from hived.api.http import body
from hived.errors import BadRequest
from hived.store import Store
from tests import access
from tests.api import farm
from tests.api.farm import MAC, Api
from tests.api.http.listener import WITHIN_S
from tests.clock import FakeClock

MOST = 64 * 1024
PACK: dict[str, Callable[[bytes], bytes]] = {"gzip": gzip.compress, "zstd": zstd.compress}
PATH = f"/api/miners/{MAC}"
MIB = 1024 * 1024


@pytest.mark.parametrize("encoding", PACK)
async def test_a_packed_body_is_read_like_a_plain_one(api: Api, encoding: str) -> None:
    body = PACK[encoding](json.dumps({"managed": True}).encode())
    assert (await api.ask("PATCH", PATH, body, **{"Content-Encoding": encoding}))[0] == 200
    for broken in (body[:-3], body + b"x", b"not packed at all", body[:1]):
        code, _ = await api.ask("PATCH", PATH, broken, **{"Content-Encoding": encoding})
        assert code == 400, broken
    for odd in ("deflate", "br", "gzip, gzip", "x"):
        assert (await api.ask("PATCH", PATH, body, **{"Content-Encoding": odd}))[0] == 415


def test_several_frames_are_one_body() -> None:
    for encoding, pack in PACK.items():
        assert body.unpacked(pack(b"ab") + pack(b"") + pack(b"cd"), encoding, MOST) == b"abcd"
        with pytest.raises(BadRequest, match="frames"):
            body.unpacked(pack(b"") * 1000, encoding, MOST)
        assert body.unpacked(pack(b"x" * MOST), encoding, MOST) == b"x" * MOST
        with pytest.raises(body.TooLarge):
            body.unpacked(pack(b"x" * (MOST + 1)), encoding, MOST)


@pytest.mark.parametrize("encoding", PACK)
def test_a_bomb_is_never_unpacked_beyond_the_limit(encoding: str) -> None:
    bomb = PACK[encoding](b"\0" * (256 * MIB))
    tracemalloc.start()
    try:
        with pytest.raises(body.TooLarge):
            body.unpacked(bomb, encoding, MOST)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 2 * MIB, most


def test_a_frame_that_asks_for_a_huge_window_gets_none() -> None:
    options: dict[int, int] = {zstd.CompressionParameter.window_log: 27, zstd.CompressionParameter.content_size_flag: 0}
    packer = zstd.ZstdCompressor(options=options)
    noise = random.Random(1).randbytes(1000)
    frame = packer.compress(noise, packer.FLUSH_BLOCK) + packer.flush()
    with pytest.raises(BadRequest, match="not zstd"):
        body.unpacked(frame, "zstd", MOST)


@pytest.mark.parametrize("encoding", PACK)
async def test_the_server_holds_and_works_little_for_a_bomb(store: Store, clock: FakeClock, encoding: str) -> None:
    """What is left of the body is thrown away packed: nobody unpacks what nobody reads."""
    bomb = PACK[encoding](b"[" * (1024 * MIB))[: 8 * MIB]
    async with farm.serve(store, clock) as api:
        head = (
            f"PATCH {PATH} HTTP/1.1\r\nHost: localhost\r\n{access.HEADER}Content-Type: application/json\r\n"
            f"Content-Encoding: {encoding}\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        reader, writer = await asyncio.open_connection("127.0.0.1", api.port)
        tracemalloc.start()
        began = time.process_time()
        try:
            writer.write(head.encode() + b"%x\r\n%b\r\n0\r\n\r\n" % (len(bomb), bomb))
            async with asyncio.timeout(WITHIN_S):
                assert (await reader.readline()).split()[1] == b"413"
                with suppress(ConnectionResetError):
                    await reader.read()
            _, most = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
            writer.transport.abort()
        assert most - len(bomb) < 4 * MIB, most
        assert time.process_time() - began < 2.0, "a gibibyte takes longer than that to unpack"
        assert await api.get("/healthz")


async def test_a_body_is_refused_by_its_length_before_it_comes(store: Store, clock: FakeClock) -> None:
    async with farm.serve(store, clock) as api:
        reader, writer = await asyncio.open_connection("127.0.0.1", api.port)
        writer.write(
            f"PATCH {PATH} HTTP/1.1\r\nHost: localhost\r\n{access.HEADER}Content-Type: application/json\r\n"
            "Content-Length: 999999999\r\n\r\n{".encode()
        )
        async with asyncio.timeout(WITHIN_S):
            assert (await reader.readline()).split()[1] == b"413"
        writer.transport.abort()


async def test_whoever_is_nobody_cannot_make_us_read_a_body(store: Store, clock: FakeClock) -> None:
    async with farm.serve(store, clock) as api:
        reader, writer = await asyncio.open_connection("127.0.0.1", api.port)
        writer.write(
            f"PATCH {PATH} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            "Content-Length: 60000\r\n\r\n{".encode()
        )
        async with asyncio.timeout(WITHIN_S):
            assert (await reader.readline()).split()[1] == b"401"
        writer.transport.abort()


def test_deflate_bytes_are_no_gzip() -> None:
    with pytest.raises(BadRequest):
        body.unpacked(zlib.compress(b"x"), "gzip", MOST)
