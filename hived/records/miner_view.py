"""Miners as our own database keeps them: for discovery, for polling and for people; their models and settings.

Times are UTC epoch seconds, units as in `records.miner`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hived.records.events import Event
from hived.records.expected import Asked, Baseline
from hived.records.firmware import Reach
from hived.records.miner import HashboardChips, Measured
from hived.records.miner_rules import MinerRules
from hived.records.pools import Slots


@dataclass(frozen=True, slots=True)
class KnownMiner:
    """A miner's row as discovery and polling need it. `num` is the row's number, short for history keys."""

    num: int
    mac: str
    ip: str | None = None
    online: bool = False
    managed: bool = False
    model_alias: str | None = None
    firmware: str | None = None
    features: str | None = None
    firmware_version: str | None = None
    model_name: str | None = None
    hostname: str | None = None
    platform: str | None = None
    serial: str | None = None
    hashrate_unit: str = "GH/s"
    access: str | None = None
    """What opens it, None until it has been opened; empty where a firmware asks for nothing."""
    unlock_password: str | None = None
    unlock_failures: int = 0
    unlock_position: int = 0
    """How many of the configured passwords were refused so far: the next attempt continues there."""
    unlock_not_before: float = 0.0
    settings_due_at: float | None = None
    """When its settings should be read again; None: not planned (no key yet)."""
    missed_scans: int = 0
    uptime_s: float | None = None

    last_ip: str | None = None
    """Where it was last seen: its address, or that of before when it has none."""

    agreed_ip: str | None = None
    """Where its secrets may go."""
    doubted_ip: str | None = None
    """Where a device with its MAC gets nothing secret."""

    @property
    def is_agreed(self) -> bool:
        """Whether it is where it was opened, or where the operator agreed to it."""
        return self.ip is not None and self.ip == self.agreed_ip

    @property
    def is_doubted(self) -> bool:
        """Whether nothing secret goes to where it is."""
        return self.ip is not None and self.ip == self.doubted_ip

    @property
    def is_open(self) -> bool:
        """Whether it can be asked what needs access."""
        return self.access is not None and not self.is_doubted

    def reach(self) -> Reach:
        """Return how to talk to it at its present address."""
        return Reach(self.ip or "", None if self.is_doubted else self.access, self.hashrate_unit, self.mac)

    def __repr__(self) -> str:
        return f"KnownMiner(num={self.num}, mac={self.mac}, ip={self.ip}, online={self.online})"


@dataclass(frozen=True, slots=True)
class PollTarget:
    """A miner that is due: whom to ask, how, and what was known when it was last asked."""

    num: int
    mac: str
    ip: str
    firmware: str | None
    access: str | None
    """None: it is not to be told at this address."""
    hashrate_unit: str
    status_due: bool
    chips_due: bool
    due_at: float
    chips_due_at: float
    failures: int
    state: str | None = None
    preset: str | None = None
    uptime_s: float | None = None
    uptime_at: float | None = None
    status_at: float | None = None
    chips_at: float | None = None
    active_pool: str | None = None
    pools: Slots | None = None
    """None: it has told none yet."""
    boards_seen: tuple[int, ...] | None = None
    """The boards that worked when they were last judged; None: they never were."""
    fans_seen: tuple[int, ...] | None = None
    occupied_at: float | None = None
    """When it last let a sweep wait although it is polled; None: never."""
    asked: Asked = field(default_factory=Asked)
    paused: bool = False
    """Whether it stands by an order of ours."""

    def reach(self) -> Reach:
        """Return how to talk to it."""
        return Reach(self.ip, self.access, self.hashrate_unit, self.mac)

    def __repr__(self) -> str:
        return f"PollTarget(num={self.num}, mac={self.mac}, ip={self.ip})"


READ_WITHIN_S = 30.0
"""Longer takes no poll: a status is of the time when it ended, and what it tells may be so much older."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredStatus(Measured):
    """One stored status of one miner: what it said at one time."""

    num: int
    at: float
    preset: str | None = None
    partial: bool = False
    """True when a part of the answer was missing: absent values are unknown, not zero."""
    extra: dict[str, Any] = field(default_factory=dict)
    """failure_code, description, requested by whom, ...: small things that few miners have."""


@dataclass(frozen=True, slots=True)
class PollOutcome:
    """The outcome of one poll of one miner: a status, boards with their chips, an error, or several of them."""

    num: int
    at: float
    status: StoredStatus | None = None
    boards: tuple[HashboardChips, ...] | None = None
    """None: the chips were not asked for; empty: the miner reported no board."""
    error: str | None = None
    error_code: str | None = None
    failed: bool = False
    """True when there was no status at all: the next polls are spaced out."""
    next_status_at: float | None = None
    next_chips_at: float | None = None
    uptime_s: float | None = None
    """Of the control board, when the identity was asked."""
    active_pool: str | None = None
    pools: Slots | None = None
    """The owner's pools when they are not as remembered."""
    boards_seen: tuple[int, ...] | None = None
    """The boards that work; None: they could not be judged this time."""
    fans_seen: tuple[int, ...] | None = None
    settings_due: bool = False
    """True when something hints that the miner's own settings changed."""
    events: tuple[Event, ...] = ()
    baseline: Baseline | None = None
    """What to remember of it for the next poll; None: nothing new."""


@dataclass(frozen=True, slots=True)
class MinerView:
    """A miner as people see it: its row, how polling goes, its latest status."""

    num: int
    mac: str
    ip: str | None
    online: bool
    managed: bool
    model_alias: str | None
    model_name: str | None
    hostname: str | None
    firmware: str | None
    firmware_version: str | None
    serial: str | None
    platform: str | None
    node_id: str | None
    has_key: bool
    state: str | None
    seen_at: float | None
    last_error: str | None
    last_error_at: float | None
    error_count: int
    created_at: float
    updated_at: float
    rev: int
    last_error_code: str | None = None
    """What the last error was, a key of `errors.PROBLEMS`; None for one that was stored before there were codes."""
    failures: int = 0
    """Polls in a row that failed; 0 means the last one was good."""
    chips_at: float | None = None
    max_preset: str | None = None
    status: StoredStatus | None = None
    features: str | None = None
    """What its firmware offers (`firmware.offers`); None: an older node did not say."""
    remote: bool = False
    """True for a miner that another node watches."""
    node_name: str | None = None
    """What the node that watches it is called; None while no master has written it down."""
    pending: tuple[str, ...] = ()
    """What its node is asked to change and has not changed yet: "managed", "unlock_pass"."""
    last_ip: str | None = None
    """Where it was last seen: its address, or that of before when it has none."""
    doubted_ip: str | None = None
    """Where a device with its MAC gets nothing secret; its own address, or that of a second one."""
    rules: MinerRules = field(default_factory=MinerRules)
    min_preset: str | None = None
    """The lowest that hived may choose for its model."""
    tuned: tuple[str, ...] | None = None
    """The presets that it has tuned; None: it was never asked."""

    @property
    def name(self) -> str:
        """What people know it by: its address, or the last that it had."""
        return self.ip or self.last_ip or self.mac


@dataclass(frozen=True, slots=True)
class ModelView:
    alias: str
    name: str | None
    max_preset: str | None
    presets: tuple[dict[str, Any], ...]
    """Ladder order: {name, power_w, hashrate_hs, modded_psu_required}."""
    chips_per_chain: int | None
    chains: int | None
    topology: tuple[tuple[int, ...], ...] | None
    firmware_versions: tuple[str, ...]
    created_at: float
    refreshed_at: float
    miners: int = 0
    min_preset: str | None = None


@dataclass(frozen=True, slots=True)
class SettingsVersion:
    """A miner's own settings from `read_at` on; `changes` is what differs from the version before."""

    num: int
    version: int
    read_at: float
    checked_at: float
    document: dict[str, Any]
    changes: tuple[dict[str, Any], ...] = ()
    """[{path, before, after}], paths dotted: "pools.0.url"."""
