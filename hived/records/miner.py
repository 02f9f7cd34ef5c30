"""What is known of a miner: frozen records, one per kind of answer. None means "not told", never zero.

Units: hashrate H/s, power W, temperature °C, voltage mV, frequency MHz, efficiency J/TH, times s or UTC epoch s.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from hived.errors import HivedError
from hived.records import units

HASHING_STATES = frozenset({"mining", "auto-tuning"})
"""States in which the firmware hashes: a tuning miner earns as well."""
ON_THE_WAY = frozenset({"initializing", "starting", "restarting", "shutting-down"})
STATES = HASHING_STATES | ON_THE_WAY | {"stopped", "failure"}
"""States of a miner whose meaning is known; a firmware may have words of its own."""
BOARD_STATES = frozenset({"initializing", "mining", "stopped", "disabled", "failure", "disconnected"})


@dataclass(frozen=True, slots=True)
class MinerIdentity:
    """Who answers at an address. `mac` is lower case with colons and is the miner's id for good."""

    mac: str
    model_name: str | None = None
    """As printed: "Antminer S19j Pro"."""
    model_alias: str | None = None
    """As the firmware abbreviates it: "s19jpro"."""
    firmware_version: str | None = None
    hostname: str | None = None
    serial: str | None = None
    """None where the firmware answers "N/A"."""
    platform: str | None = None
    """Control board: aml, bb, cv, stm, xil."""
    hashrate_unit: str = "GH/s"
    """In which it tells its rates; with one that `units` does not know they are unknown."""
    uptime_s: float | None = None
    """Seconds since the control board booted; resolution one minute."""
    address: str | None = None
    """The address the miner believes it has."""


@dataclass(frozen=True, slots=True)
class Preset:
    """One step of a model's ladder."""

    name: str
    power_w: float | None = None
    hashrate_hs: float | None = None
    modded_psu_required: bool | None = None
    tuned: bool | None = None
    """Whether THIS miner has tuned it; says nothing about the model."""


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """What a model is made of; `topology` is rows of chip indices from 0, -1 for a hole."""

    alias: str
    name: str | None = None
    chips_per_chain: int | None = None
    chains: int | None = None
    topology: tuple[tuple[int, ...], ...] | None = None
    series: str | None = None


@dataclass(frozen=True, slots=True)
class FanReading:
    index: int
    rpm: int | None = None
    max_rpm: int | None = None
    status: str | None = None

    @property
    def lost(self) -> bool:
        """Whether the miner has lost it."""
        return self.status == "lost"


@dataclass(frozen=True, slots=True)
class PoolReading:
    """A stratum endpoint as the miner sees it. `kind` is "user", "devfee", "refund", or "unknown"."""

    index: int
    url: str | None = None
    user: str | None = None
    kind: str = "user"
    status: str | None = None
    accepted: int | None = None
    rejected: int | None = None
    stale: int | None = None
    difficulty: str | None = None
    ping_ms: int | None = None
    last_share_s: float | None = None
    """Seconds since the last share."""


def active_pool(pools: Iterable[PoolReading]) -> str | None:
    """Return the URL of the owner's pool that is in use; the dev fee may be active beside it and does not count."""
    return next((p.url for p in pools if p.kind == "user" and p.status == "active" and p.url), None)


@dataclass(frozen=True, slots=True)
class HashboardReading:
    """One hashboard; `index` is the firmware's own number (from 1)."""

    index: int
    state: str | None = None
    description: str | None = None
    hashrate_hs: float | None = None
    expected_hashrate_hs: float | None = None
    power_w: float | None = None
    voltage_mv: float | None = None
    frequency_mhz: float | None = None
    pcb_temp_min_c: float | None = None
    pcb_temp_max_c: float | None = None
    chip_temp_min_c: float | None = None
    chip_temp_max_c: float | None = None
    hardware_errors: int | None = None
    chips_grey: int | None = None
    chips_orange: int | None = None
    chips_red: int | None = None
    inlet_water_temp_c: float | None = None
    outlet_water_temp_c: float | None = None

    @property
    def works(self) -> bool | None:
        """Whether the board is neither failed nor gone nor dead; None when it does not say, or in a word of its own.

        A dead board is listed as mining with an expected rate of exactly 0 (S19 capture, its third board); a stopped
        one works.
        """
        if self.state not in BOARD_STATES:
            return None
        if self.state in ("failure", "disconnected"):
            return False
        return not (self.state == "mining" and self.expected_hashrate_hs == 0)


@dataclass(frozen=True, slots=True)
class Measured:
    """What a miner reports at one time and a stored status keeps; `records.measures` has a row for each number."""

    state: str | None = None
    state_s: float | None = None
    """Seconds in the state; without one that can be read, seconds since there was one."""
    hashrate_hs: float | None = None
    average_hashrate_hs: float | None = None
    """Since the miner started to hash."""
    expected_hashrate_hs: float | None = None
    """What the firmware says the present settings should give: the sum of the ideal rates of the boards that run."""
    target_hashrate_hs: float | None = None
    """What hived expects (`records.expected`), dead boards included; None: an older node did not say."""
    power_w: float | None = None
    reported_power_w: float | None = None
    """A second figure for watts, where the firmware reports two."""
    pcb_temp_min_c: float | None = None
    pcb_temp_max_c: float | None = None
    chip_temp_min_c: float | None = None
    chip_temp_max_c: float | None = None
    psu_temp_max_c: float | None = None
    """The hottest place in the power supply."""
    fan_duty_percent: float | None = None
    hardware_errors: int | None = None
    found_blocks: int | None = None
    restart_count: int | None = None
    fans: tuple[FanReading, ...] = ()
    hashboards: tuple[HashboardReading, ...] = ()
    pools: tuple[PoolReading, ...] = ()

    @property
    def readable(self) -> bool:
        """Whether it says what the miner does: in a known word, and how much while it hashes."""
        return self.state in STATES and (self.state not in HASHING_STATES or self.hashrate_hs is not None)

    @property
    def efficiency_j_per_th(self) -> float | None:
        """Power over the rate, both of now: the average lags behind for hours after a start or another preset.

        The firmware's own figure has two units.
        """
        return units.efficiency(self.power_w, self.hashrate_hs)


def fans_matter(told: Measured, cooling_mode: str | None) -> bool:
    """Whether a fan that stands is a fault: not in immersion, not in hydro, and not in a mode that nobody knows.

    The fans of such miners are listed as lost or standing (captures). A board tells water temperatures in hydro only.
    """
    wet = any(b.inlet_water_temp_c is not None or b.outlet_water_temp_c is not None for b in told.hashboards)
    return not wet and cooling_mode in (None, "auto", "manual")


@dataclass(frozen=True, slots=True)
class TuningReading:
    """What runs now, apart from what was asked for in the settings."""

    preset: str | None = None
    preset_label: str | None = None
    preset_tuned: bool | None = None
    switcher_top_preset: str | None = None
    """Up to where the firmware changes the preset by itself; None where it does not."""


@dataclass(frozen=True, slots=True)
class MinerReading(Measured):
    """One observation of one miner. A miner between two states may answer without any of it."""

    failure_code: int | None = None
    description: str | None = None
    throttle_percent: float | None = None
    """100 means not throttled."""
    nameplate_hashrate_hs: float | None = None
    hardware_error_percent: float | None = None
    devfee_percent: float | None = None
    cooling_mode: str | None = None
    best_share: int | None = None
    tuning: TuningReading = TuningReading()
    identity: MinerIdentity | None = None
    """Who answered, where the same answer says it: then nobody has to ask again over a new connection."""
    trouble: HivedError | None = None
    """Why a part is missing."""


@dataclass(frozen=True, slots=True)
class ChipReading:
    """One chip; `index` counts from 0."""

    index: int
    hashrate_hs: float | None = None
    frequency_mhz: float | None = None
    voltage_mv: float | None = None
    temp_c: float | None = None
    errors: int | None = None
    grade: str | None = None
    """grey is good, orange weak, red bad; all red while the board starts."""
    throttled: bool | None = None


@dataclass(frozen=True, slots=True)
class SensorReading:
    position: int | None = None
    """Index of the chip that it sits at, from 0."""
    state: str | None = None
    board_temp_c: float | None = None
    chip_temp_c: float | None = None


@dataclass(frozen=True, slots=True)
class HashboardChips:
    """Every chip of one hashboard at one time."""

    index: int
    state: str | None = None
    description: str | None = None
    hashrate_hs: float | None = None
    expected_hashrate_hs: float | None = None
    frequency_mhz: float | None = None
    chips: tuple[ChipReading, ...] = ()
    sensors: tuple[SensorReading, ...] = ()


@dataclass(frozen=True, slots=True)
class ApiKey:
    key: str
    description: str | None = None

    def __repr__(self) -> str:
        return f"ApiKey(key='***', description={self.description!r})"


@dataclass(frozen=True, slots=True)
class MinerSettings:
    """A miner's own settings as plain JSON values, without any password: what versions are made of.

    `document` has the keys pools [{url, user}], requested_preset, preset_switcher, globals, cooling, network,
    misc, timezone. Values are those of the firmware; only the presence of passwords is dropped.
    """

    document: dict[str, Any] = field(default_factory=dict)
