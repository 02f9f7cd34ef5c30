"""A real broker on loopback: mosquitto, with TLS and a password where a test wants them, killed and started again."""

from __future__ import annotations

import asyncio
import signal
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiomqtt

from hived.records.mqtt import Broker
from hived.services.appliance import certificates
from tests.waiting import until

START_S = 20.0


class Mosquitto:
    """One broker. It keeps what is retained as long as it runs, and after a clean `stop`."""

    def __init__(self, folder: Path, *, user: tuple[str, str] | None = None, tls: bool = False) -> None:
        self.folder, self.user = folder, user
        self.port = _free_port()
        self.broker = Broker("127.0.0.1", self.port, tls, user[0] if user else None)
        self.ca: Path | None = None
        lines = [f"listener {self.port} 127.0.0.1", "persistence false", "user root", "max_queued_messages 10000"]
        if user is None:
            lines.append("allow_anonymous true")
        else:
            passwords = folder / "passwords"
            subprocess.run(["mosquitto_passwd", "-b", "-c", passwords, *user], check=True, capture_output=True)
            lines.append(f"password_file {passwords}")
        if tls:
            self.ca, key = certificates.own(folder, [], ["127.0.0.1"], time.time())
            lines += [f"certfile {self.ca}", f"keyfile {key}"]
        (folder / "mosquitto.conf").write_text("\n".join(lines) + "\n")
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        """Start it, and wait until it listens."""
        self._process = self._started()
        await until(self._listens, within_s=START_S)

    def _started(self) -> subprocess.Popen[bytes]:
        with (self.folder / "mosquitto.log").open("ab") as log:
            line = ["mosquitto", "-c", str(self.folder / "mosquitto.conf")]
            return subprocess.Popen(line, stdout=log, stderr=log)

    def kill(self, signum: int = signal.SIGKILL) -> None:
        """End it, as the power would."""
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)
            self._process.send_signal(signum)
            self._process.wait()
            self._process = None

    def freeze(self) -> None:
        """Let it take nothing and say nothing; its connections stand."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def _listens(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self.folder / "mosquitto.log").read_text()
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
            return True
        return False


class House:
    """Home Assistant's side of the broker: all that is said, and what is kept."""

    def __init__(self, client: aiomqtt.Client) -> None:
        self.client = client
        self.heard: list[aiomqtt.Message] = []
        self.kept: dict[str, bytes] = {}
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        with suppress(aiomqtt.MqttError):
            async for message in self.client.messages:
                self.heard.append(message)
                payload = message.payload
                assert isinstance(payload, bytes)
                if payload:
                    self.kept[str(message.topic)] = payload
                else:
                    self.kept.pop(str(message.topic), None)

    async def say(self, topic: str, payload: bytes | str, *, retain: bool = False) -> None:
        await self.client.publish(topic, payload, qos=1, retain=retain)

    async def sees(self, seen: Callable[[], Any]) -> None:
        """Wait until something is so."""
        await until(seen, within_s=START_S)

    def under(self, start: str) -> list[str]:
        """Return the topics below one that hold something."""
        return sorted(topic for topic in self.kept if topic.startswith(start))

    async def end(self) -> None:
        self._reading.cancel()
        await asyncio.wait([self._reading])


@asynccontextmanager
async def house(mosquitto: Mosquitto) -> AsyncIterator[House]:
    """Listen to all that is said at a broker, with what it has kept first."""
    user, password = mosquitto.user or (None, None)
    tls = aiomqtt.TLSParameters(ca_certs=str(mosquitto.ca)) if mosquitto.ca else None
    async with aiomqtt.Client(
        "127.0.0.1", mosquitto.port, username=user, password=password, tls_params=tls, identifier="house"
    ) as client:
        found = House(client)
        try:
            await client.subscribe("#", qos=1)
            yield found
        finally:
            await found.end()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
