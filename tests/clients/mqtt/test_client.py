"""The link to a broker: TLS, password, will; and brokers that lie, stall or send what nobody asked for."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from hived.clients.mqtt import client
from hived.clients.mqtt.client import MOST_HEARD, Link, Message, Subscription, connected
from hived.clients.mqtt.sockets import MAX_PACKET
from hived.errors import Transient
from hived.records.mqtt import Broker
from tests.mosquitto import Mosquitto, house
from tests.waiting import until

WILL = Message("hived/x/status", b"offline", retain=True)
CONNACK = bytes([0x20, 3, 0, 0, 0])
SUBACK = bytes([0x90, 4, 0, 1, 0, 0])


async def open_link(mosquitto: Mosquitto, password: str | None = None, **changes: Any) -> Link:
    given: dict[str, Any] = {"client_id": "x", "will": WILL, "ca": mosquitto.ca}
    return await connected(mosquitto.broker, password, **(given | changes))


@pytest.fixture
async def secured(tmp_path: Path) -> AsyncIterator[Mosquitto]:
    """A broker that wants TLS and a password."""
    broker = Mosquitto(tmp_path, user=("box", "open sesame"), tls=True)
    await broker.start()
    yield broker
    broker.kill()


async def test_it_gets_in_with_tls_and_a_password(secured: Mosquitto) -> None:
    link = await open_link(secured, "open sesame")
    async with house(secured) as home:
        await link.publish(Message("a/kept", b"1" * 5000, retain=True, sure=True))
        await link.publish(Message("a/not", b"2"))
        await home.sees(lambda: home.kept.get("a/not") == b"2")
        assert home.kept["a/kept"] == b"1" * 5000
        await link.subscribe([Subscription("a/+", kept=True)])
        await until(lambda: link._heard)
        assert [(one.topic, one.retain) for one in link.take()] == [("a/kept", True)]
        await link.leave(Message("a/end", b"3", sure=True))
        await home.sees(lambda: home.kept.get("a/end") == b"3")
        assert WILL.topic not in home.kept, "who says goodbye has no will"


async def test_a_wrong_password_is_refused_in_words(secured: Mosquitto) -> None:
    with pytest.raises(Transient, match=r"does not let us in: .*(credentials|authori[sz]ed|user name)") as refused:
        await open_link(secured, "open says me")
    assert "open says me" not in str(refused.value)


async def test_a_certificate_that_nothing_proves_is_not_taken(secured: Mosquitto, tmp_path: Path) -> None:
    with pytest.raises(Transient, match="certificate verify failed"):
        await open_link(secured, "open sesame", ca=None)
    (tmp_path / "nothing.pem").write_text("nothing")
    with pytest.raises(Transient, match=r"mqtt\.ca: .*nothing\.pem holds no certificates"):
        await open_link(secured, "open sesame", ca=tmp_path / "nothing.pem")
    with pytest.raises(Transient, match=r"mqtt\.ca: .*away\.pem holds no certificates"):
        await open_link(secured, "open sesame", ca=tmp_path / "away.pem")


async def test_a_certificate_of_another_host_is_not_taken(secured: Mosquitto) -> None:
    named = Broker("localhost", secured.port, tls=True, username="box")
    with pytest.raises(Transient, match="certificate verify failed"):
        await connected(named, "open sesame", client_id="x", will=WILL, ca=secured.ca)


async def test_what_is_published_to_be_kept_is_known_by_it(tmp_path: Path) -> None:
    """Also of a message that comes at once, which brokers else pass on without the mark."""
    mosquitto = Mosquitto(tmp_path)
    await mosquitto.start()
    try:
        link = await open_link(mosquitto)
        await link.subscribe([Subscription("c/#")])
        async with house(mosquitto) as home:
            await home.say("c/1", "x", retain=True)
            await home.say("c/2", "x")
        await until(lambda: len(link._heard) == 2)
        assert [one.retain for one in link.take()] == [True, False]
        await link.close()
        again = await open_link(mosquitto)
        await again.subscribe([Subscription("c/#")])
        async with house(mosquitto) as home:
            await home.say("c/3", "x")
        await until(lambda: again._heard)
        assert [one.topic for one in again.take()] == ["c/3"], "what is kept from before is not heard"
        await again.close()
    finally:
        mosquitto.kill()


# -- brokers that are none ---------------------------------------------------------------------------------------------

Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def impostor(answer: Answer) -> AsyncIterator[Broker]:
    """Something that listens where the broker should."""
    over = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await answer(reader, writer)
            await over.wait()
        except OSError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield Broker("127.0.0.1", server.sockets[0].getsockname()[1], tls=False)
        over.set()


def says(*packets: bytes) -> Answer:
    """Let in, then say this."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1024)
        for packet in packets:
            writer.write(packet)
            await writer.drain()

    return answer


def published(topic: bytes, payload: bytes, length: int | None = None) -> bytes:
    body = struct.pack("!H", len(topic)) + topic + b"\0" + payload
    length = len(body) if length is None else length
    size = bytearray()
    while True:
        length, digit = divmod(length, 128)
        size.append(digit | (128 if length else 0))
        if not length:
            return b"\x30" + bytes(size) + body


@pytest.mark.parametrize(
    "packet",
    [
        published(b"a", b"x" * MAX_PACKET),
        published(b"a", b"x", length=268_435_455),
        published(b"\xff\xfe", b"x"),
        published(b"", b"x"),
        b"\x30\x03\x00\xff\x00",
        b"\xff\xff\xff\xff\xff\xff",
        b"\x00\x00",
        b"HTTP/1.1 400 Bad Request\r\n" * 10,
    ],
    ids=["large", "endless", "no-text", "no-topic", "cut", "no-length", "no-kind", "http"],
)
async def test_what_is_no_message_ends_the_link_and_nothing_else(packet: bytes) -> None:
    async with impostor(says(CONNACK, packet)) as broker:
        with pytest.raises(Transient, match=r"hung up at once|is gone"):
            await _until_lost(broker)


async def _until_lost(broker: Broker) -> None:
    link = await connected(broker, None, client_id="x", will=WILL)
    try:
        async with asyncio.timeout(10):
            while True:
                link.take()
                await asyncio.sleep(0.01)
    finally:
        await link.close()


async def test_messages_beyond_the_bound_are_not_heard() -> None:
    flood = published(b"a", b"x") * (3 * MOST_HEARD)
    async with impostor(says(CONNACK, flood)) as broker:
        link = await connected(broker, None, client_id="x", will=WILL)
        await until(lambda: link.unheard)
        assert len(link.take()) == MOST_HEARD
        await link.close()


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (says(), "does not let us in: it does not answer in MQTT 5"),
        (says(b"SSH-2.0-x\r\n"), "does not let us in"),
        (says(bytes([0x20, 3, 0, 0x84, 0])), "does not let us in: .*nsupported protocol version"),
        (says(bytes([0x20, 2, 0, 1])), "does not let us in"),
    ],
    ids=["silent", "ssh", "refused", "of-mqtt-3"],
)
async def test_who_does_not_let_us_in_is_tried_again_later(
    answer: Answer, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "WAIT_S", 0.3)
    async with impostor(answer) as broker:
        with pytest.raises(Transient, match=words):
            await connected(broker, None, client_id="x", will=WILL)


async def test_a_handshake_that_never_ends_takes_the_time_of_one_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "WAIT_S", 0.2)
    async with impostor(says()) as broker:
        secure = Broker(broker.host, broker.port, tls=True)
        with pytest.raises(Transient, match="no connection in time"):
            await connected(secure, None, client_id="x", will=WILL)


async def test_nobody_there_is_said_so(free_port: int) -> None:
    with pytest.raises(Transient, match=f"no broker answers at 127.0.0.1:{free_port}"):
        await connected(Broker("127.0.0.1", free_port, tls=False), None, client_id="x", will=WILL)


async def test_who_gives_up_in_the_middle_leaves_nothing_open() -> None:
    async with impostor(says()) as broker:
        going = asyncio.create_task(connected(broker, None, client_id="x", will=WILL))
        await asyncio.sleep(0.1)
        going.cancel()
        await asyncio.wait([going])
        assert going.cancelled()
