"""hive-apid under all that one stranger and one viewer can do to it at once: its memory, and how long a page takes."""

from __future__ import annotations

import asyncio
import json
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from random import Random
from typing import Any

import aiohttp
from aiohttp import web

from benchmarks import sample
from benchmarks.programs import MIB, configuration, free_port, program, usage, with_patience
from benchmarks.report import Result
from hived.store import Database, create, database_of
from hived.store.miners import readings
from tests import access, collected

NAME = "flood"
MINERS, ARTIFACTS = 5000, 1000
WINDOW_S = 60.0
LIMIT_MIB = 512  # MemoryMax of the unit
START_S = 30.0
WITHIN_S = 3.0  # for a page under attack
STRANGERS = [f"127.7.{network}.{host}" for network in (1, 2, 3) for host in range(1, 9)]
VIEWERS = ["127.8.0.1", "127.8.0.2", "127.8.0.3"]
FILE = "/static/vendor/uplot-1.6.32/uPlot.iife.min.js"
PAGES = ("/", "/healthz", "/api/v1/session", "/api/v1/fleet", "/api/v1/rows")
CGROUPS = Path("/sys/fs/cgroup/memory")


def run(seconds: float | None = None) -> Result:
    """Attack for so long."""
    window_s = seconds or WINDOW_S
    result = Result(NAME, f"hive-apid with {MINERS} miners, all attacks at once for {window_s:g} s")
    with tempfile.TemporaryDirectory(prefix="hived-bench-") as name, ExitStack() as stack:
        folder = Path(name)
        proofs = _fill(folder)
        port = free_port()
        file = configuration(folder, http={"addr": f"127.0.0.1:{port}"})
        within, how = stack.enter_context(_limited())
        apid = stack.enter_context(program("hive-apid", "--config", str(file), folder=folder, within=within))
        idle = stack.enter_context(_beside("idle", str(idle_port := free_port())))
        asyncio.run(_measure(result, apid, (port, idle_port), proofs, folder, window_s))
        idle.communicate(timeout=30)
        log = (folder / "hive-apid.log").read_text()
        result.add("stacks in the log", log.count("Traceback"), "", f"{len(log.splitlines())} lines", wanted="0",
                   good="Traceback" not in log)  # fmt: skip
        result.add("memory limit", LIMIT_MIB if within else None, "MiB", how)
    return result.done()


async def _measure(
    result: Result, apid: subprocess.Popen[bytes], ports: tuple[int, int], proofs: list[str], folder: Path,
    window_s: float,
) -> None:  # fmt: skip
    visitor, elsewhere = (_Visitor(port, proofs[0]) for port in ports)
    await visitor.until_it_answers()
    visitor.slowest.clear()
    rest = [await visitor.look() for _ in range(10)]
    result.add("the page at rest", statistics.median(rest) * 1e3, "ms", f"{', '.join(PAGES)}, median")
    result.add("memory at rest", usage(apid).rss / MIB, "MiB", "RSS")
    peak = 0.0
    took: list[float] = []
    floor: list[float] = []
    with _beside("attack", str(ports[0]), *proofs[1:]) as attackers, _changes(folder):
        until = time.monotonic() + window_s
        while time.monotonic() < until and apid.poll() is None:
            took.append(await visitor.look())
            floor.append(await elsewhere.look())
            peak = max(peak, usage(apid).rss / MIB)
    ended = apid.poll() is not None
    result.add("the page under attack: median", statistics.median(took) * 1e3, "ms", f"{len(took)} looks")
    slowest = ", ".join(f"{path} {s * 1e3:.0f}" for path, s in visitor.slowest.items())
    result.add("the page under attack: longest", max(took) * 1e3, "ms", f"longest of each: {slowest}",
               wanted=f"at most {WITHIN_S * 1e3:g}", good=max(took) <= WITHIN_S)  # fmt: skip
    result.add("the same requests to an idle server beside it: median", statistics.median(floor) * 1e3, "ms",
               f"longest {max(floor) * 1e3:.0f} ms: what the busy machine alone does")  # fmt: skip
    failed = sum(visitor.failed.values())
    result.add("pages that did not come", failed, "", str(dict(visitor.failed) or ""), wanted="0", good=not failed)
    result.add("memory under attack, peak", peak, "MiB", "RSS", wanted=f"below {LIMIT_MIB}", good=0 < peak < LIMIT_MIB)
    result.add("hive-apid was ended", int(ended), "", wanted="0", good=not ended)
    for name, count in sorted(json.loads(attackers.communicate(timeout=30)[0].splitlines()[-1]).items()):
        result.add(f"attackers: {name}", count, "times")
    if not ended:
        with_patience(apid, 20.0)
        result.add("memory 20 s later", usage(apid).rss / MIB, "MiB", "RSS")


class _Visitor:
    """Somebody who looks at the page, from an address of their own."""

    def __init__(self, port: int, proof: str) -> None:
        self._url = f"http://127.0.0.1:{port}"
        name, _, value = proof.strip().partition(": ")
        self._headers = {name: value}
        self.failed: Counter[str] = Counter()
        self.slowest: dict[str, float] = {}
        """The longest wait for each path, s."""

    async def until_it_answers(self) -> None:
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            self.failed.clear()
            await self.look()
            if not self.failed:
                return
            await asyncio.sleep(0.2)
        raise RuntimeError(f"hive-apid does not answer: {dict(self.failed)}")

    async def look(self) -> float:
        """Load everything over new connections; return how long it took, s."""
        began = time.monotonic()
        connector = aiohttp.TCPConnector(local_addr=("127.9.9.9", 0), force_close=True)
        timeout = aiohttp.ClientTimeout(total=30)
        async with aiohttp.ClientSession(
            self._url, connector=connector, headers=self._headers, timeout=timeout
        ) as http:
            for path in PAGES:
                asked = time.monotonic()
                try:
                    async with http.get(path) as reply:
                        await reply.read()
                        if reply.status != 200:
                            self.failed[f"{path} {reply.status}"] += 1
                except (aiohttp.ClientError, TimeoutError, OSError) as err:
                    self.failed[f"{path} {type(err).__name__}"] += 1
                self.slowest[path] = max(self.slowest.get(path, 0.0), time.monotonic() - asked)
        took = time.monotonic() - began
        await asyncio.sleep(max(0.0, 0.5 - took))
        return took


@contextmanager
def _beside(*words: str) -> Iterator[subprocess.Popen[str]]:
    """One of _BESIDE in a process of its own, until its standard input is closed."""
    line = [sys.executable, "-m", "benchmarks.flood", *words]
    process = subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    process.stdout.readline()
    try:
        yield process
    except BaseException:
        process.kill()
        raise


async def _idle(port: str) -> None:
    """Answer every request with a few bytes."""

    async def answer(_request: web.Request) -> web.Response:
        return web.Response(text="{}")

    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", int(port)).start()
    print("begun", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await runner.cleanup()


async def _attack(to: str, *proofs: str) -> None:
    """Everybody at once, each again as soon as it is cut or refused, until standard input is closed."""
    port = int(to)
    unread = b"GET %b HTTP/1.1\r\nHost: localhost\r\n\r\n" % FILE.encode() * 400
    lines = b"".join(b"X-%d: %b\r\n" % (n, b"a" * 8000) for n in range(127))
    endless = b"GET / HTTP/1.1\r\nHost: localhost\r\n" + lines
    ask = b"GET %b HTTP/1.1\r\nHost: localhost\r\n%b\r\n"
    held: Counter[str] = Counter()
    kinds: list[tuple[str, int, list[str], Callable[[int], bytes]]] = [
        ("unread replies", 512, STRANGERS, lambda _: unread),
        ("heads without an end", 512, STRANGERS, lambda _: endless),
        ("slow streams", 64, VIEWERS, lambda n: ask % (b"/api/v1/stream?since=1", proofs[n % 3].encode())),
        ("slow lists", 32, VIEWERS, lambda n: ask % (b"/api/miners", proofs[n % 3].encode())),
    ]
    tasks = [
        asyncio.create_task(_hold(port, hosts[n % len(hosts)], request(n), name, held))
        for name, count, hosts, request in kinds
        for n in range(count)
    ]
    tasks += [asyncio.create_task(_search(port, proofs[0], held)) for _ in range(30)]
    print("begun", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    print(json.dumps(held), flush=True)


async def _hold(port: int, host: str, request: bytes, name: str, held: Counter[str]) -> None:
    """Send a request and read nothing, for ever."""
    loop = asyncio.get_running_loop()
    while True:
        with socket.socket() as sock:
            sock.setblocking(False)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            with suppress(OSError):
                sock.bind((host, 0))
                await loop.sock_connect(sock, ("127.0.0.1", port))
                held[name] += 1
                await loop.sock_sendall(sock, request)
                await _until_closed(sock)
        await asyncio.sleep(1.0)


async def _until_closed(sock: socket.socket) -> None:
    while sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] == 1:  # TCP_ESTABLISHED
        await asyncio.sleep(0.5)


async def _search(port: int, proof: str, held: Counter[str]) -> None:
    name, _, value = proof.strip().partition(": ")
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}", headers={name: value}) as http:
        while True:
            with suppress(aiohttp.ClientError, OSError):
                async with http.get("/artifacts?limit=1&q=w+w+w+w+w+w+w+w") as reply:
                    held[f"searches, {reply.status}"] += 1
            await asyncio.sleep(0.05)


def _fill(folder: Path) -> list[str]:
    """Make the database; return the lines that let four programs in."""
    url = f"sqlite:///{folder / 'hived.db'}"
    create(url)

    def fill(database: Database) -> list[str]:
        now = time.time()
        nums = sample.find(database, MINERS, now - 30)
        readings.save(database, sample.outcomes(nums, now - 20, Random(3), chips_of_every=1000))
        source = collected.add_source(database, now)
        for n in range(ARTIFACTS):
            collected.collect(database, source, n, now, title=f"Vase {n} " + "of glass and clay " * 200)
        return [access.another(database, f"t{n}") for n in range(4)]

    database = database_of(url)
    with database.session(), database.transact("write"):
        proofs = fill(database)
    database.shut()
    return proofs


@contextmanager
def _changes(folder: Path) -> Iterator[None]:
    """Store what a site brings in each second for as long as the block lasts."""
    done = threading.Event()

    def write() -> None:
        database, random, turn = database_of(f"sqlite:///{folder / 'hived.db'}"), Random(4), 0
        while not done.wait(1.0):
            some = [(turn * 333 + n) % MINERS + 1 for n in range(333)]
            turn += 1
            with database.session(), database.transact("write"):
                readings.save(database, sample.outcomes(some, time.time(), random, chips_of_every=1000))
        database.shut()

    writer = threading.Thread(target=write, name="changes")
    writer.start()
    try:
        yield
    finally:
        done.set()
        writer.join()


@contextmanager
def _limited() -> Iterator[tuple[list[str], str]]:
    """The command within which a program has no more memory than the unit, and how that is done."""
    if Path("/run/systemd/system").is_dir():
        limits = ("-p", f"MemoryMax={LIMIT_MIB}M", "-p", "MemorySwapMax=0")
        yield ["systemd-run", "--scope", "--quiet", *limits], "MemoryMax of a scope"
        return
    group = CGROUPS / f"hived-bench-{free_port()}"
    try:
        group.mkdir()
        (group / "memory.limit_in_bytes").write_text(f"{LIMIT_MIB * MIB}")
    except OSError as err:
        yield [], f"none: {err.strerror}"
        return
    try:
        yield ["sh", "-c", f'echo $$ >{group}/cgroup.procs; exec "$@"', "sh"], "of a control group"
    finally:
        with suppress(OSError):
            group.rmdir()


_BESIDE: dict[str, Callable[..., Coroutine[Any, Any, None]]] = {"attack": _attack, "idle": _idle}

if __name__ == "__main__":
    asyncio.run(_BESIDE[sys.argv[1]](*sys.argv[2:]))
