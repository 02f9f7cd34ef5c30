"""Run the installed programs as an operator would, and see what they take."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

STOP_S = 6.0
MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Usage:
    """What a process has taken so far: CPU in seconds, memory in bytes. `pss` shares out what several processes map."""

    cpu_s: float
    rss: int
    pss: int


def usage(process: subprocess.Popen[Any]) -> Usage:
    """Return what a running program has taken."""
    found = psutil.Process(process.pid)
    times, memory = found.cpu_times(), found.memory_full_info()
    return Usage(times.user + times.system, memory.rss, memory.pss)


@contextmanager
def program(name: str, *args: str, folder: Path, within: Sequence[str] = ()) -> Iterator[subprocess.Popen[bytes]]:
    """A running program of the package; its log is in the folder. Ends with the block.

    `within`: a command that becomes the program, such as `ip netns exec NAME`.
    """
    with (folder / f"{name}.log").open("ab") as log:
        process = subprocess.Popen(
            [*within, str(Path(sys.executable).with_name(name)), *args],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            env={key: value for key, value in os.environ.items() if not key.startswith(("HIVED_", "NOTIFY_SOCKET"))},
        )  # fmt: skip
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def fleet(
    count: int,
    subnet: str,
    *,
    folder: Path,
    port: int | None = None,
    rpc_port: int | None = None,
    control: int | None = None,
) -> Iterator[int]:
    """A simulated site in a process of its own; yields the port of its miners when all listen.

    `control`: the port of its control API; such a site begins with nothing broken.
    """
    first = subnet.rpartition("/")[0].rpartition(".")[0] + ".1"
    port = port or free_port(first)
    line = ["fleet", "--count", str(count), "--subnet", subnet, "--spread", "--port", str(port)]
    line += ["--rpc-port", str(rpc_port)] if rpc_port else []
    line += ["--control", f"127.0.0.1:{control}", "--steady"] if control else []
    with program("hive-sim", *line, folder=folder) as simulator:
        log = folder / "hive-sim.log"
        while "miners listen" not in log.read_text():
            if simulator.poll() is not None:
                raise RuntimeError(f"hive-sim ended: {log.read_text()}")
            with_patience(simulator)
        yield port


def with_patience(process: subprocess.Popen[bytes], seconds: float = 0.05) -> None:
    """Wait a moment, less when the process ends."""
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return


def configuration(folder: Path, **sections: dict[str, Any]) -> Path:
    """Write a configuration file: the defaults but for these sections; its database is in the folder.

    Zeroconf stays on this machine, unless a section says otherwise.
    """
    sections["discoverd"] = {"zeroconf_interfaces": ["127.0.0.1"], **sections.get("discoverd", {})}
    sections["database"] = {"url": f"sqlite:///{folder / 'hived.db'}"}
    file = folder / "hived.yaml"
    file.write_text("".join(f"{name}: {json.dumps(options)}\n" for name, options in sections.items()), "utf-8")
    return file


def free_port(ip: str = "127.0.0.1") -> int:
    with socket.socket() as probe:
        probe.bind((ip, 0))
        port: int = probe.getsockname()[1]
        return port
