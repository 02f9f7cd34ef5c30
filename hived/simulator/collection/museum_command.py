"""hive-sim collection: run a simulated museum until a signal comes; collection-fault and the like: steer it."""

from __future__ import annotations

import argparse
import json
from typing import Any, get_args

from hived.simulator import command
from hived.simulator.collection.control import DEFAULT_CONTROL, serve_control
from hived.simulator.collection.faults import Trouble
from hived.simulator.collection.museum import Collection
from hived.simulator.collection.objects import MAX_COUNT, Rights
from hived.simulator.command import number, parse_address

LISTEN = "127.21.0.1:8181"
WHOSE = "a museum's"

_seconds = number(0, 1e9)


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
    common = command.controlled(DEFAULT_CONTROL, "its")
    fault = commands.add_parser("collection-fault", parents=[common], help="let a running museum misbehave")
    command.add_fault(fault, Trouble, "none")
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


def run(args: argparse.Namespace) -> int:
    """Run the museum. Returns 0 after a signal, 1 when it cannot listen, 2 for an address outside loopback."""
    if why := command.outside(args, (args.addr, args.control)):
        return command.say(2, why)
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
        command.run_until_signal(
            museum,
            lambda *where: serve_control(museum, *where),
            args.control,
            lambda: f"a museum of {museum.catalogue.count} objects listens at {museum.url}",
        )
    except OSError as err:
        return command.say(1, f"cannot listen: {err.strerror or err}")
    return 0


def _fault(args: argparse.Namespace) -> int:
    if args.fault == "none":
        return _tell(args, "/fault", {"fault": None})
    names = ("paths", "times", "after_s", "for_s", "delay_s", "retry_after_s", "burst")
    return _tell(args, "/fault", {"fault": args.fault, **command.given(args, *names)})


def _touch(args: argparse.Namespace) -> int:
    return _tell(args, "/touch", command.given(args, "id", "count", "rights"))


def _requests(args: argparse.Namespace) -> int:
    document = command.call(args, WHOSE, "GET", "/requests")
    if document is None:
        return 1
    print(json.dumps(document, indent=1))
    return 0


def _tell(args: argparse.Namespace, path: str, body: dict[str, Any]) -> int:
    """Send a command and print how the museum is afterwards. Returns the exit code."""
    museum = command.call(args, WHOSE, "POST", path, body)
    if museum is None:
        return 1
    faults = ", ".join(fault["fault"] for fault in museum["faults"]) or "none"
    print(f"{museum['url']}: {museum['objects']} objects, {museum['changed']} changed, faults: {faults}")
    return 0
