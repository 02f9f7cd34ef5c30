"""What goes out to a remote write receiver, and what its answers mean."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from cramjam import snappy

from hived.clients.remote_write.client import MOST_SAID, RemoteWrite, pack
from hived.clients.remote_write.encode import SERIES_AT_ONCE, requests
from hived.errors import Refused, Throttled, Transient
from hived.records.metrics import COUNTER, GAUGE, Family, Metric, labels
from tests.clients.master.tls import certificate

POWER = Metric("power_watts", GAUGE, "Power.")


def test_a_message_is_what_the_protocol_says() -> None:
    """Written out by hand from the protocol's own description: labels by name, none empty, milliseconds."""
    told = labels(node='a "b"\n', empty="", mac="02:00")
    ((count, message),) = requests([Family(POWER, {"": ([told], [1.5])})], 1_800_000_000.25, {"job": "hived"})
    label = [
        b"\x0a\x1d\x0a\x08__name__\x12\x11hived_power_watts",
        b"\x0a\x0c\x0a\x03job\x12\x05hived",
        b"\x0a\x0c\x0a\x03mac\x12\x0502:00",
        b'\x0a\x0e\x0a\x04node\x12\x06a "b"\n',
    ]
    sample = b"\x12\x10\x09\x00\x00\x00\x00\x00\x00\xf8\x3f\x10\xfa\xa1\xf1\xc2\xb1\x34"
    series = b"".join(label) + sample
    assert count == 1
    assert message == b"\x0a" + bytes([len(series)]) + series


def test_what_has_no_value_is_left_out_and_many_come_in_several_messages() -> None:
    many = SERIES_AT_ONCE + 5
    at = [labels(mac=str(n)) for n in range(many)]
    values = [float(n) for n in range(many)]
    found = list(requests([Family(POWER, {"": ([*at, "x"], [*values, None])})], 1.0, {}))
    assert [count for count, _ in found] == [SERIES_AT_ONCE, 5]


def test_a_histogram_has_its_three_names() -> None:
    metric = Metric("poll_duration_seconds", COUNTER, "x")
    parts = {"_bucket": ([labels(le="+Inf")], [2.0]), "_sum": ([""], [3.0]), "_count": ([""], [2.0])}
    ((count, message),) = requests([Family(metric, parts)], 1.0, {})
    assert count == 3
    for end in parts:
        assert f"hived_poll_duration_seconds{end}".encode() in message


@asynccontextmanager
async def receiver(answer: web.StreamResponse, seen: list[web.Request], bodies: list[bytes]) -> AsyncIterator[str]:
    async def take(request: web.Request) -> web.StreamResponse:
        seen.append(request)
        bodies.append(await request.read())
        return answer

    app = web.Application()
    app.router.add_post("/api/v1/write", take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def sent(answer: web.StreamResponse) -> tuple[web.Request, bytes]:
    seen: list[web.Request] = []
    bodies: list[bytes] = []
    async with receiver(answer, seen, bodies) as place:
        client = RemoteWrite(f"http://me:p%40ss@{place}/api/v1/write", version="1")
        assert client.place == f"http://{place}"
        try:
            await client.send(pack(b"hello" * 100))
        finally:
            assert len(seen) == 1
    return seen[0], bodies[0]


async def test_it_goes_out_as_receivers_want_it() -> None:
    request, body = await sent(web.Response(status=204))
    assert bytes(snappy.decompress_raw(body)) == b"hello" * 100
    assert request.headers["Authorization"] == "Basic bWU6cEBzcw=="
    assert request.headers["Content-Encoding"] == "snappy"
    assert request.headers["Content-Type"] == "application/x-protobuf"
    assert request.headers["X-Prometheus-Remote-Write-Version"] == "0.1.0"


@pytest.mark.parametrize("status", [400, 409, 413, 422])
async def test_what_is_about_the_data_is_refused_for_good(status: int) -> None:
    with pytest.raises(Refused, match=f"HTTP {status}: out of order"):
        await sent(web.Response(status=status, text="out of order\x1b[2J" + "x" * 5000))


@pytest.mark.parametrize("status", [301, 401, 403, 404, 500, 502, 503])
async def test_what_somebody_may_mend_waits(status: int) -> None:
    with pytest.raises(Transient, match=f"HTTP {status}") as found:
        await sent(web.Response(status=status, text="y" * 5000, headers={"Location": "http://127.0.0.1:1/"}))
    assert len(str(found.value)) < MOST_SAID + 20


@pytest.mark.parametrize(("said", "pause"), [("30", 30.0), ("999999999999", 3600.0)])
async def test_a_receiver_may_ask_for_a_pause(said: str, pause: float) -> None:
    with pytest.raises(Throttled) as found:
        await sent(web.Response(status=429, headers={"Retry-After": said}))
    assert found.value.retry_after_s == pause


async def test_nobody_there_is_said_without_the_password(free_port: int) -> None:
    client = RemoteWrite(f"http://me:secret@127.0.0.1:{free_port}/x")
    with pytest.raises(Transient) as found:
        await client.send(b"")
    assert "secret" not in str(found.value)
    assert "secret" not in client.place


@pytest.mark.parametrize(
    "answer",
    [
        b"", b"HTTP/1.1", b"SSH-2.0-OpenSSH_9.2\r\n", b"HTTP/1.1 999 x\r\n\r\n", b"x" * 100_000,
        b"HTTP/1.1 500 x\r\n" + b"a: b\r\n" * 10_000, b"HTTP/1.1 500 x\r\na: " + b"b" * 100_000,
    ],
)  # fmt: skip
async def test_an_answer_that_is_none_waits(answer: bytes) -> None:
    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()

    async with await asyncio.start_server(speak, "127.0.0.1", 0) as server:
        client = RemoteWrite(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/x")
        with pytest.raises(Transient):
            await client.send(b"x")


async def test_who_says_nothing_is_waited_for_so_long_and_no_longer() -> None:
    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with await asyncio.start_server(hang, "127.0.0.1", 0) as server:
        client = RemoteWrite(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/x", answer_s=0.05)
        with pytest.raises(Transient, match="no answer within"):
            await client.send(b"x")


async def test_a_certificate_that_nobody_vouches_for_gets_no_password(tmp_path: Path) -> None:
    made = certificate(tmp_path).context()
    heard: list[bytes] = []

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.read(100))
        writer.close()

    async with await asyncio.start_server(listen, "127.0.0.1", 0, ssl=made) as server:
        client = RemoteWrite(f"https://me:secret@127.0.0.1:{server.sockets[0].getsockname()[1]}/x")
        with pytest.raises(Transient, match="CERTIFICATE_VERIFY_FAILED"):
            await client.send(b"x")
    assert heard == []
