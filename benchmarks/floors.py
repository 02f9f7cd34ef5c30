"""The least that the same work costs: clients that store nothing, decide nothing and handle no error."""

from __future__ import annotations

import asyncio
import ipaddress
import json
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass

import aiohttp

SWEEP_CONCURRENCY = 512  # as discoverd.scan_concurrency
POLL_CONCURRENCY = 64  # as polld.concurrency
TIMEOUT_S = 0.3


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds by the clock and of CPU, and how many answered."""

    wall_s: float
    cpu_s: float
    answers: int

    @property
    def cpu_each_us(self) -> float:
        return self.cpu_s / self.answers * 1e6


async def sweep(subnet: str, port: int) -> tuple[Cost, list[str]]:
    """Connect to every address of a network; return the cost and who accepted."""
    loop = asyncio.get_running_loop()
    todo = (str(address) for address in ipaddress.IPv4Network(subnet).hosts())
    found: list[str] = []

    async def work() -> None:
        for ip in todo:
            with socket.socket() as sock:
                sock.setblocking(False)
                try:
                    async with asyncio.timeout(TIMEOUT_S):
                        await loop.sock_connect(sock, (ip, port))
                except (TimeoutError, OSError):
                    continue
                found.append(ip)

    wall, cpu = time.perf_counter(), time.process_time()
    async with asyncio.TaskGroup() as group:
        for _ in range(SWEEP_CONCURRENCY):
            group.create_task(work())
    return Cost(time.perf_counter() - wall, time.process_time() - cpu, len(found)), found


async def polls(addresses: Sequence[str], port: int) -> dict[str, Cost]:
    """GET what a poll reads of every address, over kept connections, and decode it; the cost by path.

    "/chains" is "/boards" on the miners whose firmware calls it so.
    """
    connector = aiohttp.TCPConnector(limit=POLL_CONCURRENCY, limit_per_host=1, keepalive_timeout=60)
    async with aiohttp.ClientSession(connector=connector) as session:

        async def get(ip: str, path: str) -> int:
            async with session.get(f"http://{ip}:{port}/api/v1{path}") as reply:
                body = await reply.read()
                if reply.status == 200:
                    json.loads(body)
                return reply.status

        async def everyone(paths: dict[str, str]) -> Cost:
            todo, answers = iter(paths.items()), 0

            async def work() -> None:
                nonlocal answers
                for ip, path in todo:
                    status = await get(ip, path)
                    answers += status == 200
                    told[ip] = status

            wall, cpu = time.perf_counter(), time.process_time()
            async with asyncio.TaskGroup() as group:
                for _ in range(POLL_CONCURRENCY):
                    group.create_task(work())
            return Cost(time.perf_counter() - wall, time.process_time() - cpu, answers)

        told: dict[str, int] = {}
        await everyone(dict.fromkeys(addresses, "/chains"))  # opens the connections, and shows who has which call
        chips = {ip: "/chains" if told[ip] == 200 else "/boards" for ip in addresses}
        costs: dict[str, Cost] = {}
        for name in ("/summary", "/perf-summary"):
            costs[name] = await everyone(dict.fromkeys(addresses, name))
        costs["/chains"] = await everyone(chips)
        return costs
