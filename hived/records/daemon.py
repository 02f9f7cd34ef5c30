"""The daemons, and what each says of itself. Times are UTC epoch seconds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

DISCOVERD, POLLD, MINERD, SYNCD, APID = "hive-discoverd", "hive-polld", "hive-minerd", "hive-syncd", "hive-apid"
CONTROLD, ALERTD = "hive-controld", "hive-alertd"


@dataclass(frozen=True, slots=True)
class Daemon:
    """A daemon as commands, packages, man pages, API and hivectl know it.

    The code of hive-NAME is `hived.daemons.NAME:NAME`, its unit systemd/hive-NAME.service, its command a line of
    pyproject.toml, and the text of its man page the docstring of its module.
    """

    name: str
    package: Literal["hived", "hived-master"] = "hived"
    feeds: bool = False
    """Whether what is shown of miners goes stale without it."""
    flags: tuple[str, ...] = ()
    """Those that it has beyond the common ones."""

    @property
    def function(self) -> str:
        """What runs it: the name of its module and of the function in it."""
        return self.name.removeprefix("hive-")


DAEMONS = (
    Daemon(DISCOVERD, feeds=True),
    Daemon(POLLD, feeds=True),
    Daemon(CONTROLD),
    Daemon(MINERD),
    Daemon(SYNCD),
    Daemon(ALERTD),
    Daemon(APID, package="hived-master", flags=("--addr",)),
)
EVERY_NODE = tuple(daemon.name for daemon in DAEMONS if daemon.package == "hived")
"""What runs on every node. A master has all."""
FEEDERS = tuple(daemon.name for daemon in DAEMONS if daemon.feeds)

BEAT_OLD_S = 30.0
"""Three missed beats of 10 s. As far ahead, the clock was set back and the row says nothing either."""


@dataclass(frozen=True, slots=True)
class DaemonRow:
    """What a daemon last said of itself."""

    name: str
    pid: int
    version: str
    started_at: float
    beat_at: float
    status: str


def alive(beat_at: float | None, now: float) -> bool:
    """Tell whether a daemon that last wrote its row at this time still runs."""
    return beat_at is not None and abs(now - beat_at) < BEAT_OLD_S
