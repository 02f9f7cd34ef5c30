"""Miners that answer in any way there is: the real daemons go on, as small as before, and the others are polled."""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest

from hived.simulator.miners.fleet import Fleet
from tests.mutated import LONG, Mutator, count
from tests.system.appliance import Appliance, until

pytestmark = pytest.mark.system

ANSWERS = count(200, 0)
LASTS_S = 300.0
HOSTILE, HEALTHY, BEHIND = "127.34.40.0/26", "127.34.41.0/28", "127.34.42.0/26"
PASSWORDS = ("not-the-password-of-any", "password-of-the-site")
STATUS_S = 1.0
STATUSES = (100, 102, 199, 204, 206, 301, 304, 400, 401, 403, 404, 413, 418, 429, 500, 503, 599, 999)
PASSED_ON = ("x-api-key", "authorization", "content-type")


class Liars:
    """In front of every miner of a fleet, at an address of its own, somebody who passes on what it says: changed."""

    def __init__(self, fleet: Fleet, words: tuple[str, ...]) -> None:
        self._fleet, self._words, self.answers = fleet, words, 0
        self._asked: Counter[tuple[str, str]] = Counter()
        self._speaking: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def running(self, port: int) -> AsyncIterator[Liars]:
        timeout = aiohttp.ClientTimeout(total=20)
        async with aiohttp.ClientSession(timeout=timeout, auto_decompress=False) as self._http:
            servers = [await self._serve(miner.ip, port) for miner in self._fleet.miners]
            try:
                yield self
            finally:
                for server in servers:
                    server.close()
                for task in self._speaking:
                    task.cancel()
                await asyncio.gather(*self._speaking, return_exceptions=True)

    async def _serve(self, behind: str, port: int) -> asyncio.Server:
        def taken(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.create_task(self._speak(behind, reader, writer))
            self._speaking.add(task)
            task.add_done_callback(self._speaking.discard)

        return await asyncio.start_server(taken, behind.replace("127.34.42.", "127.34.40."), port)

    async def _speak(self, behind: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await self._answered(behind, reader, writer):
                self.answers += 1
        except (OSError, asyncio.IncompleteReadError, aiohttp.ClientError, TimeoutError):
            pass  # whoever asked has left
        finally:
            writer.transport.abort()

    async def _answered(self, behind: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; return whether the connection goes on."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        length = re.search(r"(?i)\ncontent-length: (\d+)", head)
        body = await reader.readexactly(int(length[1])) if length else b""
        method, path, _ = head.split(" ", 2)
        self._asked[behind, path] += 1
        fields = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line)
        kept = {name: fields[name] for name in fields if name.lower() in PASSED_ON}
        url = f"http://{behind}:{self._fleet.port}{path}"
        async with self._http.request(method, url, data=body, headers=kept) as reply:
            said = await reply.read()
        one = Mutator(f"{behind} {path} {self._asked[behind, path]}", self._words)
        # Who never says who it is gets asked nothing else, and ever more rarely.
        told, goes_on = answer(one, reply.status, said, as_it_is=0.7 if path.endswith("/info") else 0.1)
        writer.write(told)
        await writer.drain()
        return goes_on


def answer(one: Mutator, status: int, body: bytes, *, as_it_is: float) -> tuple[bytes, bool]:
    """Return the bytes of a reply, and whether the connection goes on after it. `as_it_is`: the share of good ones."""
    head = "HTTP/1.1 {} OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n"
    if one.often(as_it_is):
        return head.format(status, len(body)).encode() + b"\r\n" + body, True
    if one.often(0.8) and body[:1] in (b"[", b"{"):
        body = one.body(json.loads(body))
    elif one.often(0.3):
        body = one.bytes(body)
    status = one.random.choice(STATUSES) if one.often(0.06) else status
    good = head.format(status, len(body)).encode()
    whole = good + (b"X: " + b"a" * 500 + b"\r\n") * one.random.choice((0,) * 20 + (300,)) + b"\r\n" + body
    how = one.random.random()
    if how < 0.85:
        return whole, status >= 200
    if how < 0.9:  # a length that is not the body's
        return whole.replace(
            b"Content-Length: ", one.random.choice((b"Content-Length: 1", b"Content-Length: -"))
        ), False
    if how < 0.93:
        return good.replace(b"Content-Length", b"X") + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n" + body, False
    return one.bytes(whole), False


@pytest.mark.timeout(900 if LONG else 180)
async def test_miners_that_answer_in_any_way_cost_the_daemons_and_the_healthy_ones_nothing(
    appliance: Appliance,
) -> None:
    async with (
        Fleet(6, subnet=HEALTHY, steady=True, password=PASSWORDS[1]) as healthy,
        Fleet(60 if LONG else 20, subnet=BEHIND, steady=True, seed=7, password=PASSWORDS[1]) as behind,
        Liars(behind, tuple(miner.mac for miner in healthy.miners)).running(healthy.port) as liars,
    ):
        appliance.configure(
            network={"subnets": [HOSTILE, HEALTHY], "port": healthy.port, "unlock_passwords": list(PASSWORDS)},
            intervals={"discovery_seconds": 2.0, "status_seconds": STATUS_S, "telemetry_seconds": 2.0},
        )
        macs = ", ".join(f"'{miner.mac}'" for miner in healthy.miners)
        ours = f"SELECT num FROM miner WHERE mac IN ({macs})"
        daemons = [appliance.start("hive-discoverd"), appliance.start("hive-polld")]
        fewest = f"SELECT min(n) FROM (SELECT count(*) n FROM status WHERE num IN ({ours}) GROUP BY num)"

        def read(least: int) -> bool:
            polled = appliance.number(f"SELECT count(DISTINCT num) FROM status WHERE num IN ({ours})")
            return bool(polled == len(healthy.miners) and appliance.number(fewest) >= least)

        await until(lambda: read(3))
        began = [round(daemon.memory_mib) for daemon in daemons]
        loop = asyncio.get_running_loop()
        end = loop.time() + (LASTS_S if LONG else 0)
        await until(lambda: loop.time() >= end and liars.answers >= ANSWERS and read(8), within_s=LASTS_S + 60)
        ended = [round(daemon.memory_mib) for daemon in daemons]
        for daemon in daemons:
            assert daemon.running(), daemon.log[-3000:]
        gap = f"""SELECT max(gap) FROM (SELECT at - lag(at) OVER (PARTITION BY num ORDER BY at) gap
            FROM status WHERE num IN ({ours}))"""
        print(
            f"{liars.answers} mutated answers; the longest pause between two statuses of a healthy miner"
            f" {appliance.number(gap):.1f} s, at least {appliance.number(fewest)} of each;"
            f" MiB of memory {began} -> {ended}"
        )
        assert (
            appliance.rows(f"SELECT num, failures, last_error FROM health WHERE failures > 1 AND num IN ({ours})") == []
        )
        assert all(after < before + 48 for before, after in zip(began, ended, strict=True)), (began, ended)
        keys = {key for miner in (*healthy.miners, *behind.miners) for key in miner.keys}
        for daemon in daemons:
            await daemon.stop()
            assert "Traceback" not in daemon.log, daemon.log[-5000:]
            assert [secret for secret in (*PASSWORDS, *keys) if secret in daemon.log] == []
        assert appliance.integrity() == "ok"
