"""Everything at once in the foreground, for `make run`: a simulated site (or a real one) and every daemon.

On an appliance systemd does this. Here each program is a child process; when one ends, or on Ctrl-C, all end.
"""

from __future__ import annotations

import argparse
import asyncio
import ctypes
import json
import os
import signal
import socket
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from hived.errors import Conflict
from hived.store import Store, sources

STOP_WITHIN_S = 6.0  # the daemons promise five
SIMULATED_SUBNET = "127.20.0.0/20"
SIMULATOR_PORT = 8180
CONTROL_PORT = 8190
COLLECTION_HOST, COLLECTION_PORT = "127.21.0.1", 8181
MODEL_PORT = 11435  # one beside Ollama's own, which may run on this machine
MODEL = "sim-describer:1b"
OWN_PACE_MS = 250  # slow enough to watch, quick enough not to wait
PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to run and where."""

    folder: Path
    subnets: tuple[str, ...]
    """Of real miners; empty: a simulated site."""
    miners: int
    http: tuple[str, int]
    simulator_port: int
    control_port: int
    collection_port: int
    model_port: int

    @property
    def config(self) -> Path:
        return self.folder / "hived.yaml"

    def programs(self) -> list[list[str]]:
        """Return the command lines, in the order of their start."""
        names = ("hive-discoverd", "hive-polld", "hive-minerd", "hive-apid")
        daemons = [[name, "--config", str(self.config)] for name in names]
        if self.subnets:
            return daemons
        museum = ["hive-sim", "collection", "--addr", self.museum, "--crawl-delay", "0"]
        model = ["hive-sim", "ollama", "--listen", f"127.0.0.1:{self.model_port}", "--model", MODEL]
        fleet = [
            "hive-sim", "fleet", "--count", str(self.miners), "--subnet", SIMULATED_SUBNET,
            "--port", str(self.simulator_port), "--control", f"127.0.0.1:{self.control_port}",
        ]  # fmt: skip
        return [fleet, museum, model, *daemons]

    @property
    def museum(self) -> str:
        """Where the simulated collection listens."""
        return f"{COLLECTION_HOST}:{self.collection_port}"

    def configuration(self) -> str:
        """Return the text of the configuration file."""
        # JSON is YAML: whatever stands in a path or an argument is quoted right.
        host, port = self.http
        sections: dict[str, dict[str, object]] = {
            "database": {"url": f"sqlite:///{self.folder.resolve() / 'hived.db'}"},
            "network": {
                "subnets": list(self.subnets) or [SIMULATED_SUBNET],
                "port": 80 if self.subnets else self.simulator_port,
            },
            "discoverd": {"zeroconf_interfaces": ["127.0.0.1"]},
            "http": {"addr": f"{host}:{port}"},
        }
        if not self.subnets:
            own = {"autostart": True, "allow_hosts": [self.museum], "own_pace_ms": OWN_PACE_MS}
            sections["minerd"] = own
            sections["ollama"] = {"host": f"http://127.0.0.1:{self.model_port}", "model": MODEL}
        lines = [f"{name}: {json.dumps(section)}" for name, section in sections.items()]
        return "# written by `make run`, anew each time\n" + "\n".join(lines) + "\n"


async def run(plan: Plan) -> int:
    """Start everything, wait for the end, stop everything; return the exit code."""
    plan.folder.mkdir(parents=True, exist_ok=True)
    plan.config.write_text(plan.configuration(), "utf-8")
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(signum, ended.set)
    migrate = await _start(["hivectl", "--config", str(plan.config), "migrate"])
    if await migrate.wait():
        return 1
    if not plan.subnets:
        await _add_museum(plan)
    children: list[tuple[str, asyncio.subprocess.Process]] = []
    try:
        for line in plan.programs():
            children.append((line[0], await _start(line)))  # noqa: PERF401 - one by one: all started ones are ended
        _welcome(plan)
        return await _until_one_ends(children, ended)
    finally:
        await _stop(children)


async def _add_museum(plan: Plan) -> None:
    """Give the auto-miner the simulated collection to work on, once."""
    async with Store.open(f"sqlite:///{plan.folder.resolve() / 'hived.db'}") as store:
        with suppress(Conflict):
            await store.write(
                sources.add, name="Simulated museum", kind="met", at=time.time(),
                base_url=f"http://{plan.museum}/public/collection/v1",
            )  # fmt: skip


async def _start(line: Sequence[str]) -> asyncio.subprocess.Process:
    program = Path(sys.executable).with_name(line[0])
    # A session of its own: Ctrl-C reaches only us, and every child is told to end exactly once.
    return await asyncio.create_subprocess_exec(
        str(program), *line[1:], stdin=asyncio.subprocess.DEVNULL, start_new_session=True, preexec_fn=_die_with_parent
    )


def _die_with_parent() -> None:
    """Have the kernel end this child when we are killed outright."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


async def _until_one_ends(children: Sequence[tuple[str, asyncio.subprocess.Process]], ended: asyncio.Event) -> int:
    waits = {asyncio.create_task(child.wait(), name=name) for name, child in children}
    stop = asyncio.create_task(ended.wait(), name="signal")
    try:
        done, _ = await asyncio.wait({*waits, stop}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (*waits, stop):
            task.cancel()
    if stop in done:
        _say("stopping")
        return 0
    for task in done:
        _say(f"{task.get_name()} ended with exit code {task.result()}: stopping the rest")
    return 1


async def _stop(children: Sequence[tuple[str, asyncio.subprocess.Process]]) -> None:
    running = [(name, child) for name, child in children if child.returncode is None]
    for _, child in reversed(running):
        with suppress(ProcessLookupError):
            child.terminate()
    for name, child in running:
        try:
            async with asyncio.timeout(STOP_WITHIN_S):
                await child.wait()
        except TimeoutError:
            _say(f"{name} does not stop, killing it")
            with suppress(ProcessLookupError):
                child.kill()
            await child.wait()


def _welcome(plan: Plan) -> None:
    host, port = plan.http
    binary = Path(sys.executable).parent
    if plan.subnets:
        _say(f"looking for miners in {', '.join(plan.subnets)}")
    else:
        _say(f"{plan.miners} simulated miners live in {SIMULATED_SUBNET}, port {plan.simulator_port}")
        example = f"{binary / 'hive-sim'} --control 127.0.0.1:{plan.control_port} fault 127.20.0.5 hung"
        _say(f"break one:   {example}")
    _say(f"dashboard:   http://{host}:{port}/   (no login: it answers on this machine only)")
    _say(f"by command:  {binary / 'hivectl'} --config {plan.config} status")
    _say("stop:        Ctrl-C")


def _say(text: str) -> None:
    sys.stderr.write(f"hived: {text}\n")


def _free(host: str, first: int, tries: int = 20) -> int:
    """Return the first port from `first` on that nobody listens on; `first` itself when all are taken."""
    for port in range(first, first + tries):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with suppress(OSError):
                probe.bind((host, port))
                return port
    return first


def main(argv: Sequence[str] | None = None) -> int:
    """Run `python -m hived.daemons.suite`."""
    parser = argparse.ArgumentParser(prog="make run", description=__doc__)
    parser.add_argument("--subnets", default="", help="real networks, separated by commas; none: a simulated site")
    parser.add_argument("--miners", type=int, default=60, help="simulated miners (default 60)")
    parser.add_argument("--http", default="", metavar="HOST:PORT", help="dashboard (default 127.0.0.1:8080)")
    parser.add_argument("--var", type=Path, default=Path("var"), help="folder for the database (default var)")
    args = parser.parse_args(argv)
    subnets = tuple(part for part in args.subnets.replace(",", " ").split() if part)
    host, _, port = args.http.rpartition(":")
    simulator_port = _free("127.20.0.1", SIMULATOR_PORT)
    plan = Plan(
        # Simulated and real miners never meet in one database.
        folder=args.var / ("site" if subnets else "simulated"),
        subnets=subnets,
        miners=args.miners,
        http=(host or "127.0.0.1", int(port) if port.isdigit() else _free("127.0.0.1", 8080)),
        simulator_port=simulator_port,
        control_port=_free("127.0.0.1", CONTROL_PORT),
        collection_port=_free(COLLECTION_HOST, COLLECTION_PORT),
        model_port=_free("127.0.0.1", MODEL_PORT),
    )
    os.environ.pop("NOTIFY_SOCKET", None)  # systemd, if it started us, waits for nobody's word but ours
    return asyncio.run(run(plan))


if __name__ == "__main__":
    sys.exit(main())
