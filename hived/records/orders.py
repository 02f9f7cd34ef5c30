"""Orders to miners: what was asked, of which miners, and what became of each. Times are UTC epoch seconds."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from hived.records.pools import doubts
from hived.records.steering import VERBS

State = Literal["pending", "running", "confirmed", "refused", "unconfirmed", "skipped", "cancelled", "expired"]
OPEN: Final = ("pending", "running")
ENDS: Final = ("confirmed", "refused", "unconfirmed", "skipped", "cancelled", "expired")

MAX_TARGETS = 5_000
MAX_REASON = 300
KEEP_ORDERS = 1_000

Step = Literal["sending", "sent", "restarting"]
"""How far a running target is: before the miner is asked, when it has answered, before mining is restarted for it."""

REASONS: Final = {
    "not_managed": "it is not managed",
    "locked": "it is locked",
    "protected": "it is protected from everything automatic",
    "above_max_preset": "that is above its highest allowed preset",
    "below_min_preset": "that is below its lowest allowed preset",
    "unknown_preset": "it has no such preset",
    "no_such_low": "it has no preset that takes so little",
    "no_power": "its presets do not say how much power they take",
    "not_tuned": "it has not tuned this preset, and would tune for hours",
    "cannot": "its firmware cannot do this",
    "offline": "it is offline",
    "unseen": "nobody can tell how it is",
    "not_up": "it is not fully up: what it tells of its settings may be incomplete",
    "settling": "it settles after the last change",
    "same_already": "it is so already",
    "reboot_limit": "it was rebooted often enough within the hour",
    "node_away": "its node is away, or does not watch it at present",
    "node_too_old": "its node runs an older hived, which steers no miners",
    "node_refuses": "its node takes no such order from here",
    "node_restarted": "its node restarted, and does nothing that was left from before",
    "no_access": "hived has no key for it",
    "doubted": "it is not sure that what answers is this miner",
    "moved": "another device answers at its address",
    "excluded": "its address is in network.exclude",
    "gone": "there is no such miner any more",
    "nothing_kept": "nothing is known of how it was before",
    "no_version": "it has no such version of its settings",
    "pool_not_allowed": "a pool of it is not among the allowed ones",
    "stopped": "the order was stopped: too many miners refused",
    "superseded": "a newer order took its place",
}
"""Why a miner is left out: never renamed, for programs go by them."""

OUTCOMES: Final = {
    "no_effect": "it said yes, and did not do it",
    "half": "it did a part of it",
    "other": "it does something else",
    "waits_for_restart": "it waits for a restart of mining",
    "no_answer": "it did not answer, and does not show that it did it",
    "unreadable": "it does not tell how it is",
    "interrupted": "hive-controld ended while it was asked, and the miner does not show that it did it",
    "restarted": "it restarted in between",
    "node_silent": "its node did not tell in time what became of it",
}
"""Why a target ended unconfirmed."""


def in_words(reason: str | None, said: str | None = None) -> str | None:
    """Return a reason for people; what the device said of it goes with it."""
    if reason is None:
        return said
    words = REASONS.get(reason) or OUTCOMES.get(reason) or reason
    return f"{words} ({said})" if said else words


FROM_MASTER: Final = {False: "master", True: "master-automatic"}
"""Ways in which orders of a master come, by whether nobody gave them by hand there."""
AUTOMATIC: Final = ("plan", "mqtt", FROM_MASTER[True])
"""Ways in which an order comes that nobody gave by hand, here or at the master."""

UNDOABLE: Final = ("running", "confirmed", "unconfirmed")
"""Ends of a target that may have changed something."""

_TAILS: Final = {
    "preset": " to {name}", "power": " to {watts} W", "dimmer": " to {percent} %", "cooling": " to {mode}",
    "restore": " to version {version}",
}  # fmt: skip


def words(verb: str, args: Mapping[str, Any], miners: int) -> str:
    """Return what is done to so many miners: "pause 50 miners", "set the preset of 3 miners to 2800"."""
    start = VERBS[verb].words if verb in VERBS else verb
    if verb == "locate" and not args.get("on", True):
        start = "stop flashing the lights of"
    tail = _TAILS.get(verb, "")
    told = tail.format_map(args) if tail and all(args.get(name) is not None for name in _NAME.findall(tail)) else ""
    return f"{start} {miners:,} {'miner' if miners == 1 else 'miners'}{told}"


_NAME = re.compile(r"{(\w+)}")


@dataclass(frozen=True, slots=True)
class Packet:
    """How many miners are asked at a time, in each group, and how long the pause before the next ones is."""

    size: int
    interval_s: float


@dataclass(frozen=True, slots=True)
class Target:
    """One miner of an order."""

    order: int
    num: int
    mac: str
    state: State
    verb: str
    args: Mapping[str, Any] = field(default_factory=dict, repr=False)
    step: Step | None = None
    reason: str | None = None
    said: str | None = None
    """The device's own words."""
    before: Mapping[str, Any] | None = None
    """How it was right before: `steering.Seen.to_json`."""
    after: Mapping[str, Any] | None = None
    at: float = 0.0
    """When it came into this state."""
    sent_at: float | None = None
    ends_at: float | None = None
    """When what it was asked for ends by itself and has to be ended by us: its lights."""
    effect_w: float | None = None
    effect_hs: float | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """One order, without its targets."""

    id: int
    verb: str
    args: Mapping[str, Any]
    """Without what is secret."""
    by: str
    via: str
    created_at: float
    expires_at: float
    packet: Packet
    force: bool = False
    undo_of: int | None = None
    cancelled_at: float | None = None
    cancelled_by: str | None = None
    stopped_at: float | None = None
    """When too many miners had refused."""
    finished_at: float | None = None
    effect_w: float | None = None
    effect_hs: float | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    """How many targets are in each state."""

    @property
    def automatic(self) -> bool:
        """Whether nobody gave it by hand."""
        return self.via in AUTOMATIC

    @property
    def state(self) -> str:
        """Return "running", or how it ended: done, cancelled, stopped, expired."""
        if self.finished_at is None:
            return "running"
        if self.cancelled_at is not None:
            return "cancelled"
        if self.stopped_at is not None:
            return "stopped"
        return "expired" if self.counts.get("expired") else "done"

    @property
    def miners(self) -> int:
        """How many miners it names, whatever becomes of them; of a dry run those that would be asked."""
        return sum(count for state, count in self.counts.items() if self.id or state != "skipped")

    @property
    def words(self) -> str:
        """What it does, in words."""
        return words(self.verb, self.args, self.miners)

    @property
    def doubts(self) -> list[str]:
        """What is hardly meant so, in words."""
        return doubts(self.args.get("pools", ()), self.miners) if self.verb == "pools" else []

    @property
    def can_undo(self) -> bool:
        """Whether it changed something that can be brought back."""
        return VERBS[self.verb].undo is not None and any(self.counts.get(state) for state in UNDOABLE)
