"""The verbs of hive-sim that talk to a running fleet's control API: miners, fault, clear, move, swap and the rest."""

from __future__ import annotations

import argparse
import json
from collections import Counter
from typing import Any

from hived.simulator import command
from hived.simulator.miners.faults import LIE_KINDS, NOT_A_MINER_KINDS, Fault
from hived.simulator.miners.miner import SETUPS
from hived.simulator.suite_plan import controls

DEFAULT_CONTROL = "127.0.0.1:8190"
WHOSE = "a fleet's"


def add_verbs(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verbs to hive-sim's parser."""
    common = command.controlled(DEFAULT_CONTROL, "the fleet's", controls())
    miners = commands.add_parser("miners", parents=[common], help="list the miners of a running fleet")
    miners.add_argument("--json", action="store_true", help="as JSON")
    miners.set_defaults(run=_miners)

    fault = commands.add_parser("fault", parents=[common], help="let a miner misbehave")
    fault.add_argument("ip")
    command.add_fault(fault, Fault)
    fault.add_argument("--delay", type=float, help="slow, lie late: seconds")
    fault.add_argument("--interval", type=float, help="drip: seconds per byte")
    fault.add_argument("--size", type=int, help="huge_body, gzip_bomb: bytes")
    fault.add_argument(
        "--kind", choices=(*NOT_A_MINER_KINDS, *LIE_KINDS), metavar="KIND",
        help=f"not_a_miner: what it is instead ({', '.join(NOT_A_MINER_KINDS)}); lie, about what it is told: "
        + ", ".join(f"{kind} ({words})" for kind, words in LIE_KINDS.items()),
    )  # fmt: skip
    fault.add_argument("--drop", action="store_true", default=None, help="cut_json: announce all, then hang up")
    fault.add_argument("--every", type=int, help="2: every second request is hit, the others are answered well")
    fault.add_argument("--status", type=int, help="answer: the HTTP status (200)")
    fault.add_argument("--text", help="answer: the body, none without it; lie refuse: the words")
    fault.add_argument(
        "--put", type=_value, action="append", metavar="NAME=VALUE",
        help="altered: a value of the answer, e.g. hr_measure=N/A or system.network_status.hostname=; repeatable",
    )  # fmt: skip
    fault.set_defaults(run=_fault)

    for name, names, text in (
        ("clear", ("ip",), "end a miner's fault"),
        ("move", ("ip", "to"), "give a miner another address"),
        ("swap", ("ip", "with"), "exchange two addresses"),
        ("vanish", ("ip",), "take a miner off the network"),
        ("return", ("ip",), "put it back"),
        ("password", ("ip", "password"), "change a miner's password"),
        ("state", ("ip", "state"), f"put a miner into a state: {', '.join(SETUPS)}"),
        ("replace-board", ("ip",), "give a miner a new control board: new MAC, no keys"),
    ):
        verb = commands.add_parser(name, parents=[common], help=text, description=text)
        for argument in names:
            verb.add_argument(argument, choices=SETUPS if argument == "state" else None)
        verb.set_defaults(run=_post, verb=name, names=names)


def _value(text: str) -> tuple[str, Any]:
    name, found, value = text.partition("=")
    if not found:
        raise argparse.ArgumentTypeError(f"expected NAME=VALUE, got {text!r}")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def _miners(args: argparse.Namespace) -> int:
    miners = command.call(args, WHOSE, "GET", "/miners")
    if miners is None:
        return 1
    if args.json:
        print(json.dumps(miners, indent=1))
        return 0
    print(f"{'address':<16} {'mac':<18} {'model':<8} {'state':<13} {'preset':<9} {'fault':<15} keys requests")
    for miner in miners:
        state = miner["state"] if miner["online"] else "(away)"
        print(
            f"{miner['ip']:<16} {miner['mac']:<18} {miner['model']:<8} {state:<13} {miner['preset']:<9} "
            f"{miner['fault'] or '-':<15} {miner['keys']:>4} {miner['requests']:>8}"
        )
    counts = Counter(miner["state"] for miner in miners)
    print(f"{len(miners)} miners: " + ", ".join(f"{number} {state}" for state, number in counts.most_common()))
    return 0


def _fault(args: argparse.Namespace) -> int:
    options = command.given(
        args, "paths", "times", "every", "delay", "interval", "size", "kind", "drop", "status", "text"
    )
    if args.put:
        options["put"] = dict(args.put)
    return _tell(args, f"/miners/{args.ip}/fault", {"fault": args.fault, **options})


def _post(args: argparse.Namespace) -> int:
    if args.verb == "clear":
        return _tell(args, f"/miners/{args.ip}/fault", {"fault": None})
    return _tell(args, f"/{args.verb}", {name: getattr(args, name) for name in args.names})


def _tell(args: argparse.Namespace, path: str, body: dict[str, Any]) -> int:
    """Send a command and print what became of the miners. Returns the exit code."""
    result = command.call(args, WHOSE, "POST", path, body)
    if result is None:
        return 1
    for miner in result if isinstance(result, list) else [result]:
        state = miner["state"] if miner["online"] else "away"
        fault = f", fault {miner['fault']}" if miner["fault"] else ""
        print(f"{miner['ip']} {miner['mac']} {miner['model']}: {state}{fault}")
    return 0
