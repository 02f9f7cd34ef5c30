"""How soon boxes find and miss each other by zeroconf: real daemons on hosts of their own. Needs root."""

from __future__ import annotations

import json
import os
import sqlite3
import statistics
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from benchmarks.programs import MIB, configuration, program, usage
from benchmarks.report import Result
from hived.store import create

NAME = "zeroconf"
ROUNDS = 5
FOUND_S, GONE_S = 5.0, 30.0
SETTLE_S = 15.0  # the first sweep and everything that is imported once is over


class Box:
    """A host with a hive-discoverd of its own."""

    def __init__(self, folder: Path, host: str, name: str, *, zeroconf: bool = True) -> None:
        folder.mkdir()
        self.folder, self.host = folder, host
        self.database = folder / "hived.db"
        create(f"sqlite:///{self.database}")
        own = {"zeroconf": zeroconf, "zeroconf_interfaces": []}
        self.config = configuration(folder, node={"name": name}, discoverd=own)

    @contextmanager
    def running(self) -> Iterator[subprocess.Popen[bytes]]:
        """The daemon on its host."""
        within = ("ip", "netns", "exec", self.host)
        with program("hive-discoverd", "--config", str(self.config), folder=self.folder, within=within) as process:
            yield process

    def starts(self) -> int:
        """Return how often its daemon has come to its own work."""
        log = self.folder / "hive-discoverd.log"
        return log.read_text("utf-8", "replace").count("nothing is scanned") if log.exists() else 0

    def sees(self, name: str) -> tuple[str, str]:
        """Return the state of a peer and its address."""
        with closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=5)) as connection:
            row = connection.execute("SELECT state, addresses FROM peer WHERE name = ?", (name,)).fetchone()
        return (row[0], json.loads(row[1])[0]) if row else ("unknown", "")


def run(seconds: float | None) -> Result:
    """Measure some rounds; `seconds` is how long the memory may settle."""
    result = Result(NAME, f"two boxes on one cable, {ROUNDS} rounds of each; seconds as a third program sees the rows")
    if os.geteuid() != 0:
        result.add("not measured", None, "", "network namespaces need root")
        return result.done()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hived-bench-")))
        hosts = stack.enter_context(_cable())
        one, other = Box(folder / "one", hosts[0], "one"), Box(folder / "other", hosts[1], "other")
        with one.running() as first:
            _measure(result, one, other)
            after = usage(first)
        result.add("memory with zeroconf (PSS)", after.pss / MIB, "MiB", "after all rounds")
        without = Box(folder / "without", hosts[0], "without", zeroconf=False)
        with without.running() as process:
            time.sleep(seconds or SETTLE_S)
            result.add("memory without zeroconf (PSS)", usage(process).pss / MIB, "MiB", "discoverd.zeroconf: false")
    return result.done()


def _measure(result: Result, one: Box, other: Box) -> None:
    found, left, dead, pulled, plugged, moved = (list[float]() for _ in range(6))
    for number in range(ROUNDS):
        before = other.starts()
        with other.running() as process:
            _until(lambda before=before: one.starts() == 1 and other.starts() > before)  # type: ignore[misc]
            found.append(_until(lambda: one.sees("other")[0] == "alive"))
            if number % 2 == 0:
                _ip(other.host, "link", "set", "eth0", "down")
                pulled.append(_until(lambda: one.sees("other")[0] == "dead"))
                _ip(other.host, "link", "set", "eth0", "up")
                plugged.append(_until(lambda: one.sees("other")[0] == "alive"))
                was, now = one.sees("other")[1], f"192.0.2.{100 + number}"
                _ip(other.host, "addr", "del", f"{was}/24", "dev", "eth0")
                _ip(other.host, "addr", "add", f"{now}/24", "dev", "eth0")
                moved.append(_until(lambda now=now: one.sees("other") == ("alive", now)))  # type: ignore[misc]
            process.terminate()
            left.append(_until(lambda: one.sees("other")[0] == "left"))
    for _ in range(ROUNDS):
        with other.running() as process:
            _until(lambda: one.sees("other")[0] == "alive")
            process.kill()
            dead.append(_until(lambda: one.sees("other")[0] == "dead"))
    for name, values, limit in (
        ("found after both daemons are up", found, FOUND_S),
        ("clean stop noticed", left, FOUND_S),
        ("kill -9 noticed", dead, GONE_S),
        ("pulled cable noticed", pulled, GONE_S),
        ("found again after plugging in", plugged, 2 * FOUND_S),
        ("found under a new address", moved, 2 * FOUND_S),
    ):
        worst = max(values)
        note = f"median {statistics.median(values):.1f} s of {len(values)}"
        result.add(f"{name}, worst", worst, "s", note, wanted=f"below {limit:g} s", good=worst < limit)


def _until(condition: Callable[[], bool], give_up_s: float = 90.0) -> float:
    """Return the seconds until something is true."""
    began = time.perf_counter()
    while not condition() and time.perf_counter() - began < give_up_s:
        time.sleep(0.02)
    return time.perf_counter() - began


@contextmanager
def _cable() -> Iterator[tuple[str, str]]:
    """Two hosts with addresses, joined by a cable; they are gone afterwards."""
    tag = uuid.uuid4().hex[:6]
    hosts, ends = (f"hvb{tag}a", f"hvb{tag}b"), (f"vb{tag}a", f"vb{tag}b")
    try:
        for host in hosts:
            _ip(None, "netns", "add", host)
        _ip(None, "link", "add", ends[0], "type", "veth", "peer", "name", ends[1])
        for number, (host, end) in enumerate(zip(hosts, ends, strict=True), 1):
            _ip(None, "link", "set", end, "netns", host)
            _ip(host, "link", "set", end, "name", "eth0")
            _ip(host, "link", "set", "lo", "up")
            _ip(host, "link", "set", "eth0", "up")
            _ip(host, "addr", "add", f"192.0.2.{number}/24", "dev", "eth0")
        yield hosts
    finally:
        for host in hosts:
            subprocess.run(["ip", "netns", "del", host], check=False, capture_output=True)


def _ip(host: str | None, *args: str) -> None:
    subprocess.run(["ip", *(("-n", host) if host else ()), *args], check=True, capture_output=True)
