"""The commands of the daemons. Apart from them, so that `--version` imports no HTTP and no database."""

from __future__ import annotations

from argparse import ArgumentParser

from hived.runtime import launch

# What each runs, and the flags that it has beyond the common ones.
DAEMONS: dict[str, tuple[str, tuple[str, ...]]] = {
    "hive-discoverd": ("hived.daemons.discoverd:discoverd", ()),
    "hive-polld": ("hived.daemons.polld:polld", ()),
    "hive-minerd": ("hived.daemons.minerd:minerd", ()),
    "hive-syncd": ("hived.daemons.syncd:syncd", ()),
    "hive-apid": ("hived.daemons.apid:apid", ("--addr",)),
}


def parser(name: str) -> ArgumentParser:
    """Build the command line of a daemon."""
    return launch.parser(name, DAEMONS[name][1])


def discoverd() -> int:
    """Run hive-discoverd."""
    return _run("hive-discoverd")


def polld() -> int:
    """Run hive-polld."""
    return _run("hive-polld")


def apid() -> int:
    """Run hive-apid."""
    return _run("hive-apid")


def minerd() -> int:
    """Run hive-minerd."""
    return _run("hive-minerd")


def syncd() -> int:
    """Run hive-syncd."""
    return _run("hive-syncd")


def _run(name: str) -> int:
    daemon, extra_flags = DAEMONS[name]
    return launch.launch(name, daemon, extra_flags=extra_flags)
