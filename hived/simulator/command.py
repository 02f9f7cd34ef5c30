"""What the commands of hive-sim have in common: arguments, a run until a signal comes, calls to a control API."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from enum import Enum
from http.client import HTTPConnection, HTTPException
from typing import Any

from aiohttp import web

from hived.records.net import is_loopback
from hived.simulator import faults

TIMEOUT_S = 10.0

Address = tuple[str, int]


def parse_address(text: str) -> Address:
    """Split "127.0.0.1:8190" or "[::1]:8190". Raises ArgumentTypeError."""
    host, colon, port = text.rpartition(":")
    if not colon or not host or not port.isdigit() or not 0 < int(port) < 65536:
        raise argparse.ArgumentTypeError(f"expected ADDRESS:PORT, got {text!r}")
    return host.strip("[]"), int(port)


def number(least: float, most: float) -> Callable[[str], float]:
    """Return what reads a number within limits. Raises ArgumentTypeError."""

    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = least - 1
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"expected a number from {least:g} to {most:g}, got {text!r}")
        return value

    return read


def controlled(default: str, whose: str, others: Sequence[Address] = ()) -> argparse.ArgumentParser:
    """Return the argument of every command that talks to a control API, to be a parent.

    `others`: where else one may listen; without the argument the first that answers is taken.
    """
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--control",
        type=lambda text: [parse_address(text)],
        default=[parse_address(default), *others],
        metavar="ADDR",
        help=f"{whose} control API ({default}{', or that of `make run`' if others else ''})",
    )
    return common


def add_fault(parser: argparse.ArgumentParser, kinds: type[Enum], *more: str) -> None:
    """Add the arguments that every fault has."""
    names = faults.names(kinds, *more)
    parser.add_argument("fault", choices=names, metavar="FAULT", help=", ".join(names))
    parser.add_argument("--path", action="append", dest="paths", help="only this path (* matches anything); repeatable")
    parser.add_argument("--times", type=int, help="only so many requests")


def given(args: argparse.Namespace, *names: str) -> dict[str, Any]:
    """Return the arguments that were given."""
    return {name: getattr(args, name) for name in names if getattr(args, name) is not None}


def say(code: int, text: str) -> int:
    """Print a line for the user and return the exit code."""
    print(f"hive-sim: {text}", file=sys.stderr)
    return code


def outside(args: argparse.Namespace, addresses: Sequence[Address | None]) -> str | None:
    """Return why an address must not be listened on; None when all may."""
    for address in addresses:
        if address and not args.allow_any_address and not is_loopback(address[0]):
            return f"{address[0]} is not loopback; --allow-any-address lets it through"
    return None


def run_until_signal(
    server: AbstractAsyncContextManager[Any],
    steer: Callable[[str, int], Awaitable[web.AppRunner]],
    control: Address | None,
    banner: Callable[[], str],
) -> None:
    """Run a stand-in, and its control API where one is wanted, until SIGINT or SIGTERM. Raises OSError."""

    async def run() -> None:
        stop = asyncio.Event()
        for signum in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(signum, stop.set)
        async with server:
            runner = await steer(*control) if control else None
            try:
                steered = f", control http://{control[0]}:{control[1]}" if control else ""
                print(f"hive-sim: {banner()}{steered}", flush=True)
                await stop.wait()
            finally:
                if runner is not None:
                    await runner.cleanup()

    asyncio.run(run())


def _connected(places: Sequence[Address]) -> HTTPConnection:
    """Return a connection to the first place where somebody listens; to the first of all, not open, when none does."""
    for host, port in places:
        connection = HTTPConnection(host, port, timeout=TIMEOUT_S)
        with suppress(ConnectionRefusedError):
            connection.connect()
            return connection
    return HTTPConnection(*places[0], timeout=TIMEOUT_S)


def call(args: argparse.Namespace, whose: str, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
    """Return the decoded reply of a control API; None after the reason for a failure was printed."""
    connection = _connected(args.control)
    host, port = connection.host, connection.port
    try:
        connection.request(method, path, json.dumps(body) if body is not None else None)
        reply = connection.getresponse()
        document = json.loads(reply.read())
    except (OSError, HTTPException, ValueError) as err:
        say(1, f"no answer from {whose} control API at {host}:{port}: {err}")
        return None
    finally:
        connection.close()
    if reply.status != 200:
        say(1, str(document.get("error", reply.status)))
        return None
    return document
