"""Everything at once in the foreground, for `make run`: a simulated site (or a real one) and every daemon.

On an appliance systemd does this. Here each program is a child process; when one ends, or on Ctrl-C, all end. With
nodes there are several appliances, each with its own database and site, and one of them is the master of the others.
"""

from __future__ import annotations

import argparse
import asyncio
import ctypes
import fcntl
import json
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from hived.runtime import kinds, written
from hived.simulator.suite_plan import MAX_NODES, Box, Plan, own_slot, plan

STOP_WITHIN_S = 6.0  # the daemons promise five
LISTENS_WITHIN_S = 30.0  # a master on a machine that starts twenty programs at once
PR_SET_PDEATHSIG = 1

T = TypeVar("T")

Children = list[tuple[str, asyncio.subprocess.Process]]


async def run(what: Plan) -> int:
    """Start everything, wait for the end, stop everything; return the exit code."""
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(signum, ended.set)
    for box in what.boxes:
        if not await _prepare(box):
            return 1
    children: Children = []
    try:
        await _start_all(what.world(), children)
        await _start_all(what.master.daemons(), children)
        if what.nodes and not await _join(what, children, ended):
            return 0 if ended.is_set() else 1
        for box in what.nodes:
            await _start_all(box.daemons(), children)
        assert what.master.http is not None
        for place in (what.master.http, *(("127.0.0.1", box.site.control) for box in what.boxes if box.site)):
            if not await _listens(*place, children, ended):
                return 0 if ended.is_set() else 1
        await _welcome(what)
        return await _until_one_ends(children, ended)
    finally:
        await _stop(children)


async def _prepare(box: Box) -> bool:
    """Write a box's configuration, bring its database up to date, and give it the museum; False when that failed."""
    box.folder.mkdir(parents=True, exist_ok=True)
    box.config.write_text(box.configuration(), "utf-8")
    is_new = not box.database.exists()
    if await (await _start(["hivectl", "--config", str(box.config), "migrate"])).wait():
        return False
    if box.museum:
        url = f"http://{box.museum}/public/collection/v1"
        known = b"" if is_new else (await _ask(box, "sources", "list"))[1]
        if url.encode() not in known:
            status, _ = await _ask(box, "sources", "add", "Simulated museum", url, "--kind", "met")
            return status == 0
    return True


async def _join(what: Plan, children: Children, ended: asyncio.Event) -> bool:
    """Let every node that has not joined yet join with a code of its own; False when that failed or the end came."""
    master = what.master
    assert master.http is not None
    if not await _listens(*master.http, children, ended):
        return False
    for box in what.nodes:
        _, printed = await _ask(box, "status")  # fails by its exit code, for no daemon runs yet
        if printed and json.loads(printed)["master"]["state"] == "joined":
            continue
        status, printed = await _ask(master, "enroll-code")
        if status:
            return False
        status, _ = await _ask(box, "join", box.master_url, json.loads(printed)["code"])
        if status:
            return False
        _say(f"{box.name} joined {master.name}")
    return True


async def _listens(host: str, port: int, children: Children, ended: asyncio.Event) -> bool:
    deadline = asyncio.get_running_loop().time() + LISTENS_WITHIN_S
    while not ended.is_set() and all(child.returncode is None for _, child in children):
        with suppress(OSError):
            _, writer = await asyncio.open_connection(host, port)
            writer.close()
            return True
        if asyncio.get_running_loop().time() > deadline:
            break
        await asyncio.sleep(0.1)
    return False


async def _ask(box: Box, *words: str) -> tuple[int, bytes]:
    """Run hivectl on a box and return its exit code and the JSON it printed; what it complains of is on our stderr."""
    line = [*_program("hivectl"), "--config", str(box.config), "--json", *words]
    child = await asyncio.create_subprocess_exec(
        *line, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, preexec_fn=_die_with_parent
    )
    printed, _ = await child.communicate()
    assert child.returncode is not None
    return child.returncode, printed


def _program(name: str) -> list[str]:
    return [str(Path(sys.executable).with_name(name))]


async def _start_all(lines: Sequence[Sequence[str]], children: Children) -> None:
    for line in lines:
        children.append((line[0], await _start(line)))


async def _start(line: Sequence[str]) -> asyncio.subprocess.Process:
    # A session of its own: Ctrl-C reaches only us, and every child is told to end exactly once.
    return await asyncio.create_subprocess_exec(
        *_program(line[0]), *line[1:], stdin=asyncio.subprocess.DEVNULL, start_new_session=True,
        preexec_fn=_die_with_parent,
    )  # fmt: skip


def _die_with_parent() -> None:
    """Have the kernel end this child when we are killed outright."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


async def _until_one_ends(children: Children, ended: asyncio.Event) -> int:
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
        code = task.result()
        how = f"ended with exit code {code}" if code >= 0 else f"was killed by signal {-code}"
        _say(f"{task.get_name()} {how}: stopping the rest")
    return 1


async def _stop(children: Children) -> None:
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


async def _welcome(what: Plan) -> None:
    master, binary = what.master, Path(sys.executable).parent
    if master.subnets:
        _say(f"looking for miners in {', '.join(master.subnets)}")
    for box in what.boxes:
        if box.site is not None:
            site = box.site
            _say(f"{box.name}: {site.miners} simulated miners live in {site.subnet}, port {site.port}")
    if master.site is not None:
        example = f"{binary / 'hive-sim'} fault {_second(master.site.subnet)} hung"
        _say(f"break one:   {example}")
    assert master.http is not None
    host, port = master.http
    hivectl = f"{binary / 'hivectl'} --config {master.config}"
    _say(f"by command:  {hivectl} status")
    _say("stop:        Ctrl-C")
    _say(f"dashboard:   http://{host}:{port}/   (without a link: /setup, with the code that hive-apid says)")
    status, printed = await _ask(master, "login-link")
    if status == 0:
        _say(f"             this link logs you in, once, within ten minutes; {hivectl} login-link prints another")
        # The terminal alone has it: a log that is made of what we say on standard error does not.
        sys.stdout.write(f"{json.loads(printed)['link']}\n")
        sys.stdout.flush()


def _second(subnet: str) -> str:
    """Return an address that a simulated miner has."""
    return subnet.partition("/")[0].rpartition(".")[0] + ".5"


def _say(text: str) -> None:
    sys.stderr.write(f"hived: {text}\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Run `python -m hived.simulator.suite`."""
    parser = argparse.ArgumentParser(prog="make run", description=__doc__)
    parser.add_argument("--subnets", default="", help="real networks, separated by commas; none: a simulated site")
    parser.add_argument("--miners", type=int, default=0, help="simulated miners of each site (60; with nodes 20)")
    parser.add_argument("--nodes", type=int, default=0, help=f"nodes that join the master, at most {MAX_NODES} (0)")
    parser.add_argument("--http", default="", metavar="HOST:PORT", help="dashboard (default 127.0.0.1:8080)")
    parser.add_argument("--var", type=Path, default=Path("var"), help="folder for the databases (default var)")
    args = parser.parse_args(argv)
    subnets = tuple(part for part in args.subnets.replace(",", " ").split() if part)
    if not 0 <= args.nodes <= MAX_NODES or args.miners < 0:
        parser.error(f"expected 0 to {MAX_NODES} nodes, and miners from 1 on")
    if subnets and args.nodes:
        parser.error("SUBNETS and NODES exclude each other: nodes are tried on simulated sites")
    try:
        for subnet in subnets:
            _read(kinds.scanned_network, f"SUBNETS={subnet}", subnet)
        http = args.http if not args.http.startswith(":") else f"127.0.0.1{args.http}"
        where = _read(kinds.endpoint, f"HTTP={args.http}", http) if http else ("127.0.0.1", None)
    except ValueError as err:
        parser.error(str(err))
    os.environ.pop("NOTIFY_SOCKET", None)  # systemd, if it started us, waits for nobody's word but ours
    with _alone(args.var) as alone, own_slot() as slot:
        if not alone:
            _say(f"`make run` runs with {args.var.resolve()} already: stop that one first")
            return 1
        what = plan(args.var, subnets=subnets, nodes=args.nodes, miners=args.miners, slot=slot, http=where)
        return asyncio.run(run(what))


def _read(kind: kinds.Kind[T], name: str, text: str) -> T:
    try:
        return kind.read(written.scalar(text))
    except kinds.Wrong as err:
        raise ValueError(f"{name}: expected {kind.expected}{f': {err.why}' if err.why else ''}") from None


@contextmanager
def _alone(folder: Path) -> Iterator[bool]:
    """Have a folder of databases; False while another suite has it."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".make-run").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # gone with the process, however that ends
        except BlockingIOError:
            yield False
        else:
            yield True


if __name__ == "__main__":
    sys.exit(main())
