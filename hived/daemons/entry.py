"""The commands of the daemons. Apart from them, so that `--version` imports no HTTP and no database."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Callable
from functools import partial

from hived.records.daemon import DAEMONS, Daemon
from hived.runtime import launch


def __getattr__(function: str) -> Callable[[], int]:
    """Return what pyproject.toml calls `hived.daemons.entry:polld`, for each daemon of the table."""
    for daemon in DAEMONS:
        if daemon.function == function:
            return partial(
                launch.launch, daemon.name, f"hived.daemons.{function}:{function}", extra_flags=daemon.flags
            )  # fmt: skip
    raise AttributeError(function)


def parser(daemon: Daemon) -> ArgumentParser:
    """Build the command line of a daemon."""
    return launch.parser(daemon.name, daemon.flags)
