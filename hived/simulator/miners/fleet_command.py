"""hive-sim fleet: run simulated miners until a signal comes."""

from __future__ import annotations

import argparse
import errno
import ipaddress

from hived.simulator import command
from hived.simulator.command import number, parse_address
from hived.simulator.miners.control import serve_control
from hived.simulator.miners.fleet import Fleet
from hived.simulator.miners.lifecycle import Timings
from hived.simulator.miners.miner import SETUPS
from hived.simulator.miners.models import MODELS

LOOPBACK = ipaddress.IPv4Network("127.0.0.0/8")


def add_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `fleet` to hive-sim's parser."""
    parser = commands.add_parser("fleet", help="run N simulated miners, each on its own loopback address")
    parser.add_argument("--count", type=int, default=60, help="miners (default: 60)")
    parser.add_argument("--subnet", type=_network, default="127.20.0.0/24", help="their network (127.20.0.0/24)")
    parser.add_argument("--port", type=_port, default=8180, help="HTTP port on every address (8180)")
    parser.add_argument("--rpc-port", type=_port, help="serve the CGMiner API on this port, too (real miners: 4028)")
    parser.add_argument("--control", type=parse_address, metavar="ADDR", help="control API, e.g. 127.0.0.1:8190")
    parser.add_argument("--seed", type=int, default=1, help="same seed, same fleet")
    parser.add_argument("--models", type=_weights, help=f"weights, e.g. s19:2,s21pro:1; of {', '.join(MODELS)}")
    parser.add_argument("--states", type=_counts, help=f"counts, e.g. stopped:2,lost-fan:1; of {', '.join(SETUPS)}")
    parser.add_argument("--steady", action="store_true", help="every miner mines, none is broken")
    parser.add_argument("--spread", action="store_true", help="spread the addresses evenly over the subnet")
    parser.add_argument(
        "--speed", type=number(0.01, 10_000), default=1.0, help="starts, reboots and tuning so many times as fast"
    )
    parser.add_argument(
        "--allow-any-address", action="store_true", help="let --subnet and --control lie outside loopback"
    )
    parser.set_defaults(run=run)


def _network(text: str) -> str:
    try:
        return str(ipaddress.IPv4Network(text))
    except ValueError as err:
        raise argparse.ArgumentTypeError(f"expected an IPv4 network such as 127.20.0.0/24: {err}") from err


def _port(text: str) -> int:
    if not text.isdigit() or not 0 < int(text) < 65536:
        raise argparse.ArgumentTypeError(f"expected a port from 1 to 65535, got {text!r}")
    return int(text)


def _pairs(text: str) -> dict[str, float]:
    pairs: dict[str, float] = {}
    for part in text.split(","):
        name, _, number = part.partition(":")
        try:
            pairs[name.strip()] = float(number or 1)
        except ValueError as err:
            raise argparse.ArgumentTypeError(f"expected NAME:NUMBER,..., got {part!r}") from err
    return pairs


def _weights(text: str) -> dict[str, float]:
    weights = _pairs(text)
    unknown = set(weights) - set(MODELS)
    if unknown:
        raise argparse.ArgumentTypeError(f"unknown model {min(unknown)!r}, expected some of {', '.join(MODELS)}")
    return weights


def _counts(text: str) -> dict[str, int]:
    counts = {name: int(number) for name, number in _pairs(text).items()}
    unknown = set(counts) - set(SETUPS)
    if unknown:
        raise argparse.ArgumentTypeError(f"unknown state {min(unknown)!r}, expected some of {', '.join(SETUPS)}")
    return counts


def run(args: argparse.Namespace) -> int:
    """Run the fleet. Returns 0 after a signal, 1 when it cannot listen, 2 when the arguments do not fit together."""
    if not args.allow_any_address and not ipaddress.IPv4Network(args.subnet).subnet_of(LOOPBACK):
        return command.say(2, f"{args.subnet} is outside 127.0.0.0/8; --allow-any-address lets it through")
    if why := command.outside(args, (args.control,)):
        return command.say(2, f"control address {why}")
    try:
        fleet = Fleet(
            args.count,
            subnet=args.subnet,
            port=args.port,
            rpc_port=args.rpc_port,
            models=args.models,
            seed=args.seed,
            steady=args.steady,
            spread=args.spread,
            setups=args.states,
            timings=Timings().hastened(args.speed),
        )
    except ValueError as err:
        return command.say(2, str(err))
    try:
        command.run_until_signal(
            fleet, lambda *where: serve_control(fleet, *where), args.control, lambda: _banner(fleet)
        )
    except OSError as err:
        return command.say(1, _reason(err, args))
    return 0


def _reason(err: OSError, args: argparse.Namespace) -> str:
    """Say in one line why an address could not be had."""
    if err.errno in (errno.EACCES, errno.EPERM):
        return f"cannot listen on port {args.port}: permission denied; ports below 1024 need root"
    if err.errno == errno.EMFILE:
        return f"too few open files allowed for {args.count} miners: raise `ulimit -n`"
    return f"cannot listen: {err.strerror or err}"


def _banner(fleet: Fleet) -> str:
    first, last = fleet.miners[0].ip, fleet.miners[-1].ip
    text = f"{len(fleet.miners)} miners listen on {first} to {last}, port {fleet.port}"
    return text if fleet.rpc_port is None else f"{text} (CGMiner API: {fleet.rpc_port})"
