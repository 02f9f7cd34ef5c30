"""Whether anybody hears of alerts: what is found and told to nobody helps nobody."""

from __future__ import annotations

from dataclasses import dataclass

from hived.runtime.options import Alerts
from hived.services.alerts import channels
from hived.store import Database
from hived.store.alerts import alerts, outlook

STEP = "hivectl alerts add-channel NAME --url-prompt, or alerts.channels in the configuration"


@dataclass(frozen=True, slots=True)
class Audience:
    """Open alerts that nobody has in hand, by severity, and who hears of new ones."""

    open: dict[str, int]
    channels: tuple[str, ...]
    """The names of those that are on and have an address."""
    master: str | None = None
    """The master of this node, which tells in its stead."""
    heartbeat: bool = False
    """Whether somebody notices that the heartbeat stops, as it does while something bad is open."""

    @property
    def is_there(self) -> bool:
        """Whether somebody is told."""
        return bool(self.channels) or self.heartbeat or self.master is not None


def read(db: Database, own: Alerts) -> Audience:
    """Return who hears of alerts."""
    master = outlook.master(db)
    every = channels.every(db, own.channels)
    return Audience(
        alerts.counts(db), tuple(one.name for one in every if one.enabled and one.url is not None),
        None if master is None else master.name, own.heartbeat is not None,
    )  # fmt: skip


def sentence(audience: Audience) -> str:
    """Return who is told: "told to mail, ops", "nobody would be told: there is no channel"."""
    if audience.master is not None:
        return f"told by {audience.master}"
    if audience.channels:
        return f"told to {', '.join(audience.channels)}"
    if audience.heartbeat:
        return "told by the heartbeat alone: there is no channel"
    would = "is" if any(audience.open.values()) else "would be"
    return f"nobody {would} told: there is no channel"
