"""hive-sim collection: run a simulated museum until a signal comes; collection-fault and the like: steer it."""

from __future__ import annotations

import argparse
import asyncio
import ipaddress
import json
import math
import signal
import sys
from http.client import HTTPConnection, HTTPException
from typing import Any, get_args

from hived.simulator.collection.control import DEFAULT_CONTROL, serve_control
from hived.simulator.collection.faults import Trouble
from hived.simulator.collection.museum import Collection
from hived.simulator.collection.objects import MAX_COUNT, Rights
from hived.simulator.miners.steering import parse_address

LISTEN = "127.21.0.1:8181"
TIMEOUT_S = 10.0
FAULTS = ", ".join(["none", *(one.value for one in Trouble)])


def add_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `collection` and its verbs to hive-sim's parser."""
    parser = commands.add_parser("collection", help="run a simulated open-access museum: APIs, pages, pictures")
    parser.add_argument("--objects", type=_count, default=400, help="how many it holds (400)")
    parser.add_argument(
        "--addr", type=parse_address, default=LISTEN, metavar="ADDR", help=f"where it listens ({LISTEN})"
    )
    parser.add_argument("--control", type=parse_address, metavar="ADDR", help=f"control API, e.g. {DEFAULT_CONTROL}")
    parser.add_argument("--seed", type=int, default=1, help="same seed, same objects")
    parser.add_argument("--crawl-delay", type=_seconds, default=1.0, help="what robots.txt asks for (1; 0: nothing)")
    parser.add_argument(
        "--change-every", type=_seconds, default=600.0, help="an object changes so often (600 s; 0: never)"
    )
    parser.add_argument("--throttle", action="store_true", help="403 for 30 s after 30 quick requests, as the Met does")
    parser.add_argument("--allow-any-address", action="store_true", help="let it listen outside loopback")
    parser.set_defaults(run=run)
    _add_verbs(commands)


def _add_verbs(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--control",
        type=parse_address,
        default=DEFAULT_CONTROL,
        metavar="ADDR",
        help=f"its control API ({DEFAULT_CONTROL})",
    )
    fault = commands.add_parser("collection-fault", parents=[common], help="let a running museum misbehave")
    fault.add_argument("fault", choices=["none", *(one.value for one in Trouble)], metavar="FAULT", help=FAULTS)
    fault.add_argument("--path", action="append", dest="paths", help="only this path (* matches anything); repeatable")
    fault.add_argument("--times", type=int, help="only so many requests")
    fault.add_argument("--after", type=_seconds, dest="after_s", help="begin so many seconds from now")
    fault.add_argument("--for", type=_seconds, dest="for_s", help="end so many seconds later")
    fault.add_argument("--delay", type=_seconds, dest="delay_s", help="slow: seconds")
    fault.add_argument("--retry-after", type=int, dest="retry_after_s", help="too_many, unavailable: seconds")
    fault.add_argument("--burst", type=int, help="throttle: requests that pass")
    fault.set_defaults(run=_fault)

    touch = commands.add_parser("collection-touch", parents=[common], help="change objects of a running museum")
    touch.add_argument("--id", type=int, help="this one; else the first --count")
    touch.add_argument("--count", type=int, help="so many (1)")
    touch.add_argument("--rights", choices=get_args(Rights), help="give them another right")
    touch.set_defaults(run=_touch)

    requests = commands.add_parser("collection-requests", parents=[common], help="show what was asked of the museum")
    requests.set_defaults(run=_requests)


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= MAX_COUNT:
        raise argparse.ArgumentTypeError(f"expected a number from 1 to {MAX_COUNT}, got {text!r}")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds <= 1e9:
        raise argparse.ArgumentTypeError(f"expected seconds, got {text!r}")
    return seconds


def run(args: argparse.Namespace) -> int:
    """Run the museum. Returns 0 after a signal, 1 when it cannot listen, 2 for an address outside loopback."""
    for host, _ in (args.addr, *([args.control] if args.control else [])):
        if not args.allow_any_address and not _is_loopback(host):
            return _say(2, f"{host} is not a loopback address; --allow-any-address lets it through")
    host, port = args.addr
    museum = Collection(
        args.objects,
        host=host,
        port=port,
        seed=args.seed,
        crawl_delay_s=args.crawl_delay or None,
        change_every_s=args.change_every or None,
    )
    if args.throttle:
        museum.set_fault(Trouble.THROTTLE)
    try:
        asyncio.run(_until_signalled(museum, args.control))
    except OSError as err:
        return _say(1, f"cannot listen: {err.strerror or err}")
    return 0


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False  # a name may mean anything


def _say(code: int, text: str) -> int:
    print(f"hive-sim: {text}", file=sys.stderr)
    return code


async def _until_signalled(museum: Collection, control: tuple[str, int] | None) -> None:
    stop = asyncio.Event()
    for signum in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(signum, stop.set)
    async with museum:
        runner = await serve_control(museum, *control) if control else None
        try:
            text = f"hive-sim: a museum of {museum.catalogue.count} objects listens at {museum.url}"
            print(f"{text}, control http://{control[0]}:{control[1]}" if control else text, flush=True)
            await stop.wait()
        finally:
            if runner is not None:
                await runner.cleanup()


def _fault(args: argparse.Namespace) -> int:
    names = ("paths", "times", "after_s", "for_s", "delay_s", "retry_after_s", "burst")
    options = {name: getattr(args, name) for name in names if getattr(args, name) is not None}
    if args.fault == "none":
        return _tell(args, "/fault", {"fault": None})
    return _tell(args, "/fault", {"fault": args.fault, **options})


def _touch(args: argparse.Namespace) -> int:
    names = ("id", "count", "rights")
    return _tell(args, "/touch", {name: getattr(args, name) for name in names if getattr(args, name) is not None})


def _requests(args: argparse.Namespace) -> int:
    document = _call(args, "GET", "/requests")
    if document is None:
        return 1
    print(json.dumps(document, indent=1))
    return 0


def _tell(args: argparse.Namespace, path: str, body: dict[str, Any]) -> int:
    """Send a command and print how the museum is afterwards. Returns the exit code."""
    told = _call(args, "POST", path, body)
    if told is None:
        return 1
    faults = ", ".join(one["fault"] for one in told["faults"]) or "none"
    print(f"{told['url']}: {told['objects']} objects, {told['changed']} changed, faults: {faults}")
    return 0


def _call(args: argparse.Namespace, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
    """Return the decoded reply; None after the reason for a failure was printed."""
    host, port = args.control
    connection = HTTPConnection(host, port, timeout=TIMEOUT_S)
    try:
        connection.request(method, path, json.dumps(body) if body is not None else None)
        reply = connection.getresponse()
        document = json.loads(reply.read())
    except (OSError, HTTPException, ValueError) as err:
        _say(1, f"no answer from a museum's control API at {host}:{port}: {err}")
        return None
    finally:
        connection.close()
    if reply.status != 200:
        _say(1, str(document.get("error", reply.status)))
        return None
    return document
