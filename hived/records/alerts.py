"""Alerts: the rules, what is wrong by them, and what people are told of it. Times are UTC epoch seconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from hived.errors import Severity
from hived.records.miner_view import MinerView
from hived.records.plans import Schedule
from hived.records.signs import SIGNS, Sign

Told = Literal["opened", "changed", "repeated", "ended"]
Over = Literal["over", "under"]
SEVERITIES: tuple[Severity, ...] = ("warn", "bad")

CHANGED_S = 15 * 60.0
"""What changed in an open alert is told at most so often."""
REPEATED_S = 86_400.0
DAY_S = 86_400.0
ALONE_S = 600.0
"""A node without its master for so long tells itself what is bad."""
KEPT_S = 90 * DAY_S
"""How long an alert that is over can be looked up."""
GIVE_UP_S = DAY_S
"""So long is it tried to deliver a notice."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Which miners, nodes or boxes something is for: those that fit all that is said. Nothing said: all."""

    node: str | None = None
    """Its id."""
    model: str | None = None
    group: str | None = None
    tag: str | None = None

    def to_json(self) -> dict[str, str]:
        """Return it as a column keeps it, and as the outside sees it."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    def fits(self, view: MinerView) -> bool:
        """Tell whether a miner is meant."""
        return (
            self.node in (None, view.node_id)
            and self.model in (None, view.model_alias)
            and self.group in (None, view.rules.group)
            and (self.tag is None or self.tag in view.rules.tags)
        )

    def fits_node(self, node_id: str | None) -> bool:
        """Tell whether a whole node, or with None this box, is meant."""
        return (self.model, self.group, self.tag) == (None, None, None) and self.node in (None, node_id)


@dataclass(frozen=True, slots=True)
class Rule:
    """What it takes to be told of a sign."""

    name: str
    sign: str
    severity: Severity
    for_s: float = 0.0
    """It must last so long."""
    clear_s: float = 120.0
    """It must be gone for so long to be over; of what happened: so long without another."""
    over: Over = "over"
    threshold: float | None = None
    """In the sign's outer unit; None for a sign that is no number."""
    clear: float | None = None
    """Where it has to be back to, to be well again; None: the threshold."""
    miners: int = 1
    """So many at once; fewer are no matter."""
    scope: Scope = field(default_factory=Scope)
    per_day: int = 12
    """Notices of it in a day; the end of what was told is always told."""
    enabled: bool = True
    changed_at: float | None = None
    """None: it is as it came."""
    changed_by: str | None = None

    @property
    def watched(self) -> Sign | None:
        """The sign; None for one of a newer hived."""
        return SIGNS.get(self.sign)

    @property
    def is_default(self) -> bool:
        """Whether it came with hived: it can be changed and switched off, and not removed."""
        return self.name in DEFAULTS

    def is_wrong(self, value: float, *, already: bool) -> bool:
        """Tell whether a number is wrong; `already`: it was, and has to come back as far as `clear` says."""
        limit = self.clear if already and self.clear is not None else self.threshold
        if limit is None:
            return False
        return value > limit if self.over == "over" else value < limit


_DEFAULTS = (
    Rule("group-offline", "place.offline", "bad", for_s=60),
    Rule("miners-offline", "mark.offline", "bad", for_s=180, miners=3),
    Rule("unsteady", "miner.unsteady", "warn", threshold=3, clear=1),
    Rule("site-low", "site.hashrate_percent", "bad", for_s=600, over="under", threshold=80, clear=85),
    Rule("miner-low", "miner.hashrate_percent", "warn", for_s=900, over="under", threshold=75, clear=85),
    Rule("powered-idle", "miner.powered_idle", "bad", for_s=900),
    Rule("failure", "mark.failure", "bad", for_s=300),
    Rule("too-hot", "measure.chip_temp_max_c", "bad", for_s=300, threshold=95, clear=90),
    Rule("fans-lost", "miner.fans_lost", "bad", for_s=120, threshold=0),
    Rule("boards-lost", "miner.boards_lost", "bad", for_s=300, threshold=0),
    Rule("chips-fading", "miner.chips_fading", "warn", for_s=1800, clear_s=1800, threshold=2, clear=1),
    Rule("foreign-pool", "mark.foreign", "bad"),
    Rule("firmware-changed", "event.firmware_changed", "warn", clear_s=900),
    Rule("pools-changed", "event.pool_changed", "bad", clear_s=900),
    Rule("settings-changed", "event.settings_changed", "warn", clear_s=900),
    Rule("disk", "box.disk", "bad"),
    Rule("disk-low", "node.disk_free_percent", "warn", for_s=600, over="under", threshold=5, clear=8),
    Rule("clock", "node.clock_off_s", "warn", for_s=600, threshold=60, clear=30),
    Rule("database", "box.database", "bad"),
    Rule("certificate", "box.certificate_days", "warn", over="under", threshold=14),
    Rule("daemon-down", "node.daemon_down", "bad", for_s=120, clear_s=30),
    Rule("node-silent", "node.dead", "bad", clear_s=60),
    Rule("node-full", "node.full", "warn"),
    Rule("backup-old", "box.backup_days", "warn", threshold=30),
    Rule("model-server", "box.model_server", "warn", for_s=1800),
)
DEFAULTS: Mapping[str, Rule] = {rule.name: rule for rule in _DEFAULTS}
"""The rules that every installation begins with."""


def page_of(number: int) -> str:
    """Return where the dashboard shows an alert."""
    return f"/alerts/{number}"


@dataclass(frozen=True, slots=True)
class Member:
    """One thing that is wrong by a rule: pending until it lasted long enough, then of an alert, at last back."""

    id: int
    rule: str
    subject: str
    """A MAC, "node:ID", "place:NAME" and the like: what it is about, once for each rule at a time."""
    since: float
    well_at: float | None = None
    """Since when it is well again, or of what happened: when it last did; None: it is wrong."""
    alert: int | None = None
    under: int | None = None
    """The alert that explains it."""
    back_at: float | None = None
    """When it had been well for long enough."""
    detail: Mapping[str, Any] = field(default_factory=dict)
    """Its name, what is wrong with it, what it loses: for people."""

    @property
    def is_told_of(self) -> bool:
        """Whether it is in an alert, or explained by one, and not back."""
        return self.back_at is None and (self.alert is not None or self.under is not None)

    @property
    def key(self) -> str:
        """With which others it is told."""
        return str(self.detail.get("key", ""))

    @property
    def name(self) -> str:
        """What people know it by."""
        return str(self.detail.get("name", self.subject))

    @property
    def lost_hs(self) -> float:
        """What it loses now."""
        return 0.0 if self.back_at is not None else float(self.detail.get("lost_hs", 0.0))


@dataclass(frozen=True, slots=True)
class Alert:
    """A trouble that people are told of, from its beginning to its end."""

    id: int
    rule: str
    sign: str
    group: str
    """Of what it is made: a group of miners, "node:ID", or "" for all."""
    severity: Severity
    since: float
    """When the first of it began."""
    opened_at: float
    most: int = 0
    """So many were in it at most."""
    count: int = 0
    """So many were in it in all."""
    lost_hs: float = 0.0
    """What it loses now; `lost_hss` H/s times seconds until `lost_at`."""
    lost_hss: float = 0.0
    lost_at: float = 0.0
    told_at: float | None = None
    """When it was last told; None: never, so far."""
    told_count: int = 0
    """So many were in it then; `told_open`: were wrong then."""
    told_open: int = 0
    notices: int = 0
    ended_at: float | None = None
    owed: bool = False
    """It was over before it was told, in quiet hours: it is told when they are over."""
    under: int | None = None
    """The alert that turned out to explain it."""
    acknowledged_at: float | None = None
    acknowledged_by: str | None = None
    snoozed_until: float | None = None
    snoozed_by: str | None = None

    def lost_until(self, at: float) -> float:
        """Return what was lost until then, H/s times seconds: 1e15 * 3600 are a PH·h."""
        return self.lost_hss + self.lost_hs * max(0.0, at - self.lost_at)

    def is_quiet(self, at: float) -> bool:
        """Tell whether somebody has it in hand: only its end is told."""
        return self.acknowledged_at is not None or (self.snoozed_until is not None and at < self.snoozed_until)


@dataclass(frozen=True, slots=True)
class Notice:
    """What people are told, in words. `key` is the same for every time it is sent."""

    id: int
    key: str
    alert: int | None
    rule: str
    told: Told
    severity: Severity
    title: str
    body: str
    link: str | None
    at: float


@dataclass(frozen=True, slots=True)
class Window:
    """A time in which nobody is told: maintenance of what is in scope, or quiet hours up to a severity."""

    id: int
    name: str
    kind: Literal["maintenance", "quiet"]
    schedule: Schedule
    scope: Scope = field(default_factory=Scope)
    severity: Severity = "warn"
    """Quiet hours: up to this one it waits until they are over."""
    by: str = ""
    created_at: float = 0.0


@dataclass(frozen=True, slots=True)
class Channel:
    """A way to people. `url` is a secret, None for one of the configuration."""

    name: str
    url: str | None = field(default=None, repr=False)
    least: Severity = "warn"
    """The least severity that goes there."""
    enabled: bool = True
    configured: bool = False
    created_at: float = 0.0
    by: str = ""


@dataclass(frozen=True, slots=True)
class Delivery:
    """How a notice came to one channel. `next_try` None: it arrived, or was given up."""

    notice: Notice
    channel: str
    attempts: int
    next_try: float | None
    sent_at: float | None = None
    said: str | None = None
    """What the other side answered, or what went wrong."""
    given_up: bool = False
