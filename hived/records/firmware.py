"""What a family of firmware can do, and what is needed to talk to one miner that runs it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum


class Feature(StrEnum):
    """What a family offers beyond being asked how it is. The names are stored and shown: none is ever renamed."""

    CHIPS = "chips"
    """It tells of every chip."""
    SETTINGS = "settings"
    """It tells its own settings."""
    PASSWORD = "password"  # noqa: S105 - the name of a feature
    """A password opens it; without this one nobody needs to give any."""
    PAUSE = "pause"
    """It can be paused and resumed."""
    RESTART = "restart"
    """Mining can be restarted without the control board."""
    REBOOT = "reboot"
    LOCATE = "locate"
    """Its lights can be told to flash."""
    PRESET = "preset"
    """It takes a preset by name."""
    POWER = "power"
    """It takes watts."""
    DIMMER = "dimmer"
    """It takes a share of its preset's power."""
    POOLS = "pools"
    COOLING = "cooling"


def listed(features: Iterable[Feature]) -> str:
    """Return features as rows keep them: names in order with blanks between."""
    return " ".join(sorted(features))


def offers(features: str | None, feature: Feature) -> bool:
    """Tell whether a firmware offers something; what is not known is not ruled out."""
    return features is None or feature in features.split()


@dataclass(frozen=True, slots=True)
class Reach:
    """Where one miner is and how to talk to it."""

    ip: str
    access: str | None = field(default=None, repr=False)
    """What the family's `open` returned: a key, a login or nothing but the fact. None: not opened yet."""
    unit: str = "GH/s"
    """The unit in which this miner reports its rates."""
    mac: str | None = None
    """Who is meant: what is secret goes to this device only, to none without one."""
