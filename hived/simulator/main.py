"""hive-sim: stand-ins for what hived talks to. Each kind of stand-in is a subcommand with a module of its own."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from hived.simulator.collection import museum_command
from hived.simulator.miners import fleet_command, steering
from hived.simulator.ollama import model_command


def parser() -> argparse.ArgumentParser:
    """Build the command line."""
    top = argparse.ArgumentParser(prog="hive-sim", description="Stand-ins to try hived with.")
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    fleet_command.add_command(commands)
    museum_command.add_command(commands)
    model_command.add_command(commands)
    steering.add_verbs(commands)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run hive-sim. Returns 0 done or stopped, 1 failed, 2 wrong usage."""
    args = parser().parse_args(argv)
    code: int = args.run(args)
    return code


if __name__ == "__main__":
    raise SystemExit(main())
