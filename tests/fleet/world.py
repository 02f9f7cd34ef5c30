"""A master and its nodes as real processes on loopback, with links between them that can be cut."""

from __future__ import annotations

import asyncio
import json
import random
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from hived.store import Store, create
from tests.fleet.link import Link, State
from tests.system.appliance import Appliance, Program, until


class Master:
    """The master's box: one or more hive-apid on one database."""

    def __init__(self, folder: Path, url: str | None, ports: list[int]) -> None:
        folder.mkdir()
        self.box = Appliance(folder, node={"name": "master", "id": "master"}, syncd={"master": "off"})
        if url is not None:
            self.box.url = url
            self.box.configure(database={"url": url}, node={"state_dir": str(folder)})
        create(self.box.url, folder)
        self.ports = ports
        self.apids: list[Program | None] = [None] * len(ports)

    def start(self, which: int = 0) -> None:
        """Start one hive-apid."""
        addr = f"127.0.0.1:{self.ports[which]}"
        self.apids[which] = self.box.start("hive-apid", "--addr", addr)

    def kill(self, which: int = 0) -> None:
        """End one hive-apid the way a power cut does."""
        running = self.apids[which]
        if running is not None:
            running.kill()
        self.apids[which] = None

    async def listens(self) -> None:
        """Wait until every hive-apid takes connections."""
        for port in self.ports:
            await until(lambda port=port: _accepts(port))


class NodeBox:
    """A node with its own database, its hive-syncd and the link to its master."""

    def __init__(self, folder: Path, name: str, link: Link) -> None:
        folder.mkdir()
        self.name, self.link = name, link
        self.box = Appliance(folder, node={"name": name, "id": name}, syncd={"master": link.url})
        self.box.migrate()
        self.syncd: Program | None = None

    def start(self) -> None:
        """Start hive-syncd."""
        self.syncd = self.box.start("hive-syncd")

    def kill(self) -> None:
        """End hive-syncd the way a power cut does."""
        if self.syncd is not None:
            self.syncd.kill()
        self.syncd = None

    def wake(self) -> None:
        """Let it try at once instead of at the end of its pause."""
        if self.syncd is not None and self.syncd.running() and _minds_hangups(self.syncd.process.pid):
            self.syncd.reload()

    async def heal(self) -> None:
        """Make the link whole and let the node know."""
        await self.link.set(State.WHOLE)
        self.wake()


class World:
    """All of it, with a seed for everything that is random."""

    def __init__(self, master: Master, nodes: list[NodeBox], rng: random.Random) -> None:
        self.master, self.nodes, self.rng = master, nodes, rng
        self.faults: dict[str, int] = {}

    async def fault(self) -> None:
        """Kill somebody or change a link, at random."""
        node = self.rng.choice(self.nodes)
        what = self.rng.choice(["kill node", "kill node", "kill master", "link", "link", "link"])
        self.faults[what] = self.faults.get(what, 0) + 1
        if what == "kill node":
            node.kill()
            await asyncio.sleep(self.rng.uniform(0, 0.3))
            node.start()
        elif what == "kill master":
            which = self.rng.randrange(len(self.master.ports))
            self.master.kill(which)
            await asyncio.sleep(self.rng.uniform(0, 0.3))
            self.master.start(which)
            if self.rng.random() < 0.5:  # zeroconf sees it come back; else the nodes find out by themselves
                await self.master.listens()
                for one in self.nodes:
                    one.wake()
        else:
            await node.link.shake(self.rng)
            if node.link.state is State.WHOLE:
                node.wake()

    async def heal(self) -> None:
        """End every fault."""
        await self.master.listens()
        for node in self.nodes:
            await node.heal()


@asynccontextmanager
async def world(
    folder: Path, *, nodes: int, seed: int, master_url: str | None = None, apids: int = 1
) -> AsyncIterator[World]:
    """A master with nodes that have joined with a code; nothing of it runs afterwards. `master_url`: None is SQLite."""
    async with AsyncExitStack() as stack:
        master = Master(folder / "master", master_url, [free_port() for _ in range(apids)])
        stack.callback(master.box.close)
        for which in range(apids):
            master.start(which)
        await master.listens()
        boxes = []
        for number in range(nodes):
            link = await stack.enter_async_context(Link(("127.0.0.1", master.ports[number % apids])))
            box = NodeBox(folder / f"node{number}", f"node-{number}", link)
            stack.callback(box.box.close)
            code = (await hivectl(master.box, "enroll-code"))["code"]
            await hivectl(box.box, "join", link.url, code)
            box.start()
            boxes.append(box)
        yield World(master, boxes, random.Random(seed))


async def hivectl(box: Appliance, *words: str) -> Any:
    """Run hivectl on a box and return the document it prints."""
    program = str(Path(sys.executable).with_name("hivectl"))
    child = await asyncio.create_subprocess_exec(
        program, "--config", str(box.file), "--json", *words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )  # fmt: skip
    out, err = await child.communicate()
    assert child.returncode == 0, f"hivectl {' '.join(words)}: {err.decode()}"
    return json.loads(out)


@asynccontextmanager
async def database_of(box: Appliance) -> AsyncIterator[Store]:
    """The open database of a box."""
    async with Store.open(box.url, state_dir=box.folder) as store:
        yield store


def _minds_hangups(pid: int) -> bool:
    """Tell whether a process has got so far that SIGHUP does not end it."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("SigCgt:"):
                return bool(int(line.split()[1], 16) >> (signal.SIGHUP - 1) & 1)
    return False


async def _accepts(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


def free_port() -> int:
    """Return a TCP port of 127.0.0.1 that nobody listened on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
