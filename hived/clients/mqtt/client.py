"""A link to an MQTT broker: what is sent waits until it is on its way, what is heard is bounded.

The package below it is imported by the first link: a box without a broker does not pay for it.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hived.clients.mqtt.sockets import MAX_PACKET, opened
from hived.errors import Transient
from hived.records.mqtt import Broker

if TYPE_CHECKING:
    import aiomqtt

WAIT_S = 10.0
"""How long the broker may take for one step: to be reached, to let us in, to take or to confirm a message."""
KEEPALIVE_S = 30
"""A broker that has been silent for so long and half as long again is gone; it thinks the same of us."""
CLOSE_S = 1.0
MOST_HEARD = 1000
"""Messages that wait to be taken: ten times what a house says in a second. What is beyond is not heard."""

_log = logging.getLogger("hived.mqtt.package")
_log.setLevel(logging.CRITICAL)  # what matters of its words is in the error; at DEBUG it writes topics and payloads


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent. `sure`: the broker confirms it. `retain`: the broker keeps it for whoever comes later."""

    topic: str
    payload: bytes
    retain: bool = False
    sure: bool = False


@dataclass(frozen=True, slots=True)
class Heard:
    """What came. `retain`: it was published to be kept, whenever that was."""

    topic: str
    payload: bytes
    retain: bool


@dataclass(frozen=True, slots=True)
class Subscription:
    """`kept`: also what the broker has kept under this topic; else only what is said from now on."""

    topic: str
    kept: bool = False


class Link:
    """One connection to a broker, from `connected` to `close`. What fails raises Transient, and the link is lost."""

    def __init__(self, client: aiomqtt.Client, sock: socket.socket, broker: Broker) -> None:
        self._client, self._sock, self._broker = client, sock, broker
        self._heard: deque[Heard] = deque()
        self.unheard = 0
        """How many messages were too many."""
        self.lost: str | None = None
        """Why it is lost; None while it stands."""
        self._reading = asyncio.create_task(self._read(), name="mqtt")

    async def subscribe(self, subscriptions: Sequence[Subscription]) -> None:
        """Ask to hear what is said under these topics. Transient when the broker does not let us."""
        from paho.mqtt.subscribeoptions import SubscribeOptions

        for one in subscriptions:
            # As published: else a broker takes the mark of being kept from what it passes on at once.
            how = SubscribeOptions(qos=0, retainAsPublished=True, retainHandling=0 if one.kept else 2)
            with self._ours():
                (code, *_) = await self._client.subscribe(one.topic, options=how, timeout=WAIT_S)
            if getattr(code, "is_failure", False):
                raise Transient(f"the broker {self._broker} does not let us hear {one.topic}: {code}")

    async def publish(self, message: Message) -> None:
        """Send a message, and return when it is on its way. Transient when it cannot be sent in time."""
        with self._ours():
            await self._client.publish(
                message.topic, message.payload, qos=int(message.sure), retain=message.retain, timeout=WAIT_S
            )

    def take(self) -> list[Heard]:
        """Return what was heard since the last call. Transient when the link is lost."""
        if self.lost is not None:
            raise Transient(f"the broker {self._broker} is gone: {self.lost}")
        heard = list(self._heard)
        self._heard.clear()
        return heard

    async def leave(self, last: Message) -> None:
        """Send a last message and end the link, as well as the broker lets us. Raises nothing."""
        with suppress(Transient, TimeoutError):
            async with asyncio.timeout(CLOSE_S):
                await self.publish(last)
        await self.close()

    async def close(self) -> None:
        """End it without the will, as well as the broker lets us. Raises nothing."""
        self._reading.cancel()
        await asyncio.wait([self._reading])
        if self.lost is None:
            with suppress(Transient, TimeoutError), self._ours():
                async with asyncio.timeout(CLOSE_S):
                    await self._client.__aexit__(None, None, None)
        _shut(self._client, self._sock)

    async def _read(self) -> None:
        import aiomqtt

        try:
            async for message in self._client.messages:
                self._hear(message)
        except aiomqtt.MqttError as err:
            self.lost = "it hung up" if "code:128" in str(err.__cause__) else str(err.__cause__ or err)

    def _hear(self, message: aiomqtt.Message) -> None:
        if len(self._heard) >= MOST_HEARD:
            self.unheard += 1
            return
        payload = message.payload if isinstance(message.payload, bytes) else b""
        self._heard.append(Heard(str(message.topic), payload, bool(message.retain)))

    @contextmanager
    def _ours(self) -> Iterator[None]:
        import aiomqtt

        try:
            yield
        except (aiomqtt.MqttError, OSError, ValueError) as err:
            self.lost = self.lost or str(err)
            raise Transient(f"the broker {self._broker} takes nothing: {err}") from None


async def connected(
    broker: Broker, password: str | None, *, client_id: str, will: Message, ca: Path | None = None
) -> Link:
    """Return a link to a broker, which publishes `will` when it is lost.

    Transient when nobody answers there in time, when the certificate is not proven by `ca` (None: by what this host
    trusts), or when we are not let in.
    """
    try:
        async with asyncio.timeout(WAIT_S):
            sock = await opened(broker, ca)
    except TimeoutError:
        raise Transient(f"no broker answers at {broker}: no connection in time") from None
    except OSError as err:
        raise Transient(f"no broker answers at {broker}: {err.strerror or err}") from None
    client = _client(broker, password, client_id, will, sock)
    try:
        await _let_in(client, broker, sock)
    except BaseException:
        _shut(client, sock)
        raise
    return Link(client, sock, broker)


def _client(broker: Broker, password: str | None, client_id: str, will: Message, sock: socket.socket) -> aiomqtt.Client:
    import aiomqtt

    client = aiomqtt.Client(
        broker.host, broker.port, username=broker.username, password=password, identifier=client_id, logger=_log,
        protocol=aiomqtt.ProtocolVersion.V5, clean_start=True, keepalive=KEEPALIVE_S, properties=_properties(),
        will=aiomqtt.Will(will.topic, will.payload, qos=1, retain=will.retain), timeout=WAIT_S,
        max_queued_incoming_messages=MOST_HEARD,
    )  # fmt: skip
    # It would connect in a thread that nobody can end, and read packets of any size.
    client._client._create_socket = lambda: sock  # type: ignore[method-assign]  # noqa: SLF001
    return client


async def _let_in(client: aiomqtt.Client, broker: Broker, sock: socket.socket) -> None:
    import aiomqtt

    gone = client._disconnected  # noqa: SLF001
    try:
        await client.__aenter__()
        if gone.done() or sock.fileno() == -1:  # the package forgets that it was, when that is sooner than it looks
            raise ConnectionError("it hung up at once")
    except (aiomqtt.MqttError, OSError, ValueError) as err:
        why = str(err)
        if "time" in why:  # one of an older protocol hangs up, or says what nobody understands
            why = "it does not answer in MQTT 5"
        raise Transient(f"the broker {broker} does not let us in: {why}") from None
    finally:
        if gone.done():
            gone.exception()  # else its end would be in the log as an error that nobody looked at


def _properties() -> Any:
    from paho.mqtt.packettypes import PacketTypes
    from paho.mqtt.properties import Properties

    properties: Any = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.MaximumPacketSize = MAX_PACKET
    return properties


def _shut(client: aiomqtt.Client, sock: socket.socket) -> None:
    """Close a connection that the package may still watch, whatever state it is in."""
    client._client._sock_close()  # noqa: SLF001
    sock.close()
