"""What an alert can watch: one row for each sign of trouble, most of them made from the other tables of the house.

A measure, a condition or an event kind that is added there can be watched as well, without a line here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from hived.records import measures
from hived.records.condition import MARKS
from hived.records.events import EVENTS
from hived.records.measures import PERCENT, Measure, Unit

Of = Literal["miner", "place", "site", "node", "box", "event"]
"""Whom it is told of: a miner, all miners of a group or node at once, the site, a node, this box; or what happened."""

WORK, HANDS = "work", "hands"
"""Chains of cause and consequence. What comes first in one explains what comes later, of the same miners."""

_DAYS = Unit("Time", "d")
_SECONDS = Unit("Time", "s")


@dataclass(frozen=True, slots=True)
class Sign:
    """One thing that can be told of something. With a unit it is a number, and a rule has a threshold for it."""

    name: str
    of: Of
    title: str
    words: str
    """What is wrong, after a number of miners: "3 miners offline"; for a number, what it is: "hottest chip"."""
    unit: Unit | None = None
    measure: Measure | None = None
    code: str | None = None
    """Its next step, a key of `errors.PROBLEMS`."""
    step: str | None = None
    """Its next step in words, where no code has one."""
    chain: str | None = None
    rank: int = 0
    """Its place in its chain: the smaller explains the greater."""

    @property
    def is_number(self) -> bool:
        """Whether a rule needs a threshold for it."""
        return self.unit is not None

    @property
    def is_event(self) -> bool:
        """Whether it is over as soon as it happened."""
        return self.of == "event"

    @property
    def of_miners(self) -> bool:
        """Whether what is wrong with it are miners, which have groups, models and tags."""
        return self.of in ("miner", "place", "event")


_SETUP = "see who changed it: hivectl events; if nobody of yours did, change the miner's password"
_HOTTEST = next(measure for measure in measures.MINER if measure.name == "chip_temp_max_c")
_RATE = "open the miner's page: its losses say why it gives less"

_OWN = (
    # Cause before consequence: node, breaker, offline, failure, parts, rate; of all at once before that of each.
    Sign("node.dead", "node", "Node silent", "silent", code="node_dead", chain=WORK, rank=10),
    Sign("place.offline", "place", "All of a group or node offline", "offline, all at once", chain=WORK, rank=20,
        step="check the breaker, the switch and its cable: all of them went at once"),
    Sign("mark.offline", "miner", "Offline", "offline", code="offline", chain=WORK, rank=30),
    Sign("miner.unsteady", "miner", "Comes and goes", "losses of contact and reboots in an hour", measures.COUNT,
        chain=WORK, rank=35, step="check its power supply, plug, network cable and the temperature of its chips"),
    Sign("mark.failure", "miner", "Failure", "with a failure", code="failure", chain=WORK, rank=40),
    Sign("miner.fans_lost", "miner", "Fans lost", "with fans lost", measures.COUNT, code="lost_fan", chain=WORK,
        rank=50),
    Sign("measure.chip_temp_max_c", "miner", "Hottest chip", "hottest chip", measures.TEMPERATURE, _HOTTEST,
        chain=WORK, rank=55, step="check its fans, filters and intake; a lower preset is cooler"),
    Sign("miner.boards_lost", "miner", "Boards lost", "with boards lost", measures.COUNT, code="dead_board",
        chain=WORK, rank=60),
    Sign("miner.chips_fading", "miner", "Chips fading", "chips marked red on one board", measures.COUNT, chain=WORK,
        rank=70, step="look at the board's chips on the miner's page: clean it, or plan its repair"),
    Sign("site.hashrate_percent", "site", "Share of the site's expected hashrate", "of what the site should give",
        PERCENT, chain=WORK, rank=72, step="see the losses on the page of the site: they say which miners, and why"),
    Sign("miner.powered_idle", "miner", "No hashrate while powered", "on, without hashrate", chain=WORK, rank=75,
        step="open the miner's page: if it stays so, reboot it; then check its boards"),
    Sign("miner.hashrate_percent", "miner", "Share of the expected hashrate", "of what it should give", PERCENT,
        chain=WORK, rank=80, step=_RATE),
    Sign("mark.foreign", "miner", "Foreign pool or worker", "at a pool or worker that is not allowed",
        code="pool_foreign", chain=HANDS, rank=10),
    Sign("event.firmware_changed", "event", "Firmware changed", "with another firmware", chain=HANDS, rank=20,
        step=_SETUP),
    Sign("event.pool_changed", "event", "Pools changed by hand", "with other pools", chain=HANDS, rank=30, step=_SETUP),
    Sign("event.settings_changed", "event", "Settings changed by hand", "with other settings", chain=HANDS, rank=40,
        step=_SETUP),
    # The boxes, and what runs on them.
    Sign("box.disk", "box", "Disk full or broken", "disk trouble", code="disk_full"),
    Sign("node.disk_free_percent", "node", "Free disk", "of the disk free", PERCENT, code="disk_full"),
    Sign("node.clock_off_s", "node", "Clock off", "off the clock", _SECONDS,
        step="see timedatectl on that box: it needs a time server it can reach"),
    Sign("box.database", "box", "Database full or replaced", "database trouble", code="database_full"),
    Sign("box.certificate_days", "box", "Certificate runs out", "until the certificate runs out", _DAYS,
        step="renew the certificate that http.tls names, then: systemctl reload hive-apid"),
    Sign("node.daemon_down", "node", "Daemon not running", "not running", code="daemon_down"),
    Sign("box.backup_days", "box", "Backup too old", "since the last backup", _DAYS,
        step="hivectl backup FILE, and keep the file on another machine"),
    Sign("box.model_server", "box", "Model server", "no model that works",
        step="see hivectl status: it says what the model server lacks"),
    Sign("node.full", "node", "Node sends too much", "more than is kept", code="node_full"),
)  # fmt: skip


def _of_measure(measure: Measure) -> Sign:
    title = measure.name.replace("_", " ").removesuffix(measure.unit.inside.replace("_", " "))
    return Sign(f"measure.{measure.name}", "miner", title.capitalize(), title, measure.unit, measure)


def _of_board(measure: Measure) -> Sign:
    title = measure.name.replace("_", " ").removesuffix(measure.unit.inside.replace("_", " "))
    return Sign(f"board.{measure.name}", "miner", f"Board: {title}", f"{title} of a board", measure.unit, measure)


_DERIVED = (
    *(_of_measure(measure) for measure in measures.MINER),
    *(_of_board(measure) for measure in measures.BOARD),
    *(Sign(f"mark.{name}", "miner", mark.words.capitalize(), mark.words) for name, mark in MARKS.items()),
    *(Sign(f"event.{kind.name}", "event", kind.title, kind.title.lower()) for kind in EVENTS.values()),
)
SIGNS: Mapping[str, Sign] = {sign.name: sign for sign in (*_DERIVED, *_OWN)}
"""All that can be watched, by name."""


def explains(cause: Sign | None, consequence: Sign | None) -> bool:
    """Tell whether one trouble is the reason for another of the same miners."""
    if cause is None or consequence is None or cause.chain is None:
        return False
    return cause.chain == consequence.chain and cause.rank < consequence.rank
