"""The commands of the daemons. Apart from them, so that `--version` imports no HTTP and no database."""

from __future__ import annotations

from hived.runtime.launch import launch


def discoverd() -> int:
    """Run hive-discoverd."""
    return launch("hive-discoverd", "hived.daemons.discoverd:discoverd")


def polld() -> int:
    """Run hive-polld."""
    return launch("hive-polld", "hived.daemons.polld:polld")


def apid() -> int:
    """Run hive-apid."""
    return launch("hive-apid", "hived.daemons.apid:apid", extra_flags=("--addr",))


def minerd() -> int:
    """Run hive-minerd."""
    return launch("hive-minerd", "hived.daemons.minerd:minerd")


def syncd() -> int:
    """Run hive-syncd."""
    return launch("hive-syncd", "hived.daemons.syncd:syncd")
