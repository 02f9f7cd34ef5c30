"""What is measured of a miner and of its boards, one row for each: schema, history, sync, API and charts read it.

A new value is a field of its record in `records.miner`, a line of the firmware's parser and a row here; one with a
column of its own also needs a migration that adds the columns that this table names.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from hived.records.values import MAX_WHOLE

MIN, MEAN, MAX = "min", "mean", "max"


@dataclass(frozen=True, slots=True)
class Unit:
    """What a value is counted in: inside as `records.miner` says, outside in `symbol`."""

    quantity: str
    symbol: str
    inside: str = ""
    """The end of a field's name: "_hs"."""
    outside: str = ""
    low: float = 0.0
    high: float = MAX_WHOLE
    """What is beyond is no value of a miner, whoever says it. In the inner unit."""
    scale: float = 1.0
    """How many of the inner unit make one of the outer."""
    places: int = 0
    from_zero: bool = False
    """Whether its chart begins at zero."""
    base: str = ""
    """How a metric's name ends: in the base unit, "total" for what only grows."""
    base_scale: float = 1.0
    """How many of the base unit make one of the inner."""


HASHRATE = Unit(
    "Hashrate", "TH/s", "_hs", "_ths", high=1e18, scale=1e12, places=1, from_zero=True, base="hashes_per_second"
)
POWER = Unit("Power", "W", "_w", "_w", high=1e6, from_zero=True, base="watts")
TEMPERATURE = Unit("Temperature", "°C", "_c", "_c", low=-100, high=500, base="celsius")
DURATION = Unit("Duration", "s", "_s", high=1e10, base="seconds")
VOLTAGE = Unit("Voltage", "mV", "_mv", high=1e6, base="volts", base_scale=1e-3)
FREQUENCY = Unit("Frequency", "MHz", "_mhz", high=1e5, base="hertz", base_scale=1e6)
PERCENT = Unit("Share", "%", "_percent", high=1e3, base="ratio", base_scale=1e-2)
COUNT = Unit("Count", "")
GROWING = Unit("Count", "", base="total")
"""What is counted since the miner's software started."""


@dataclass(frozen=True, slots=True)
class Measure:
    """A number that `Measured`, or each of its hashboards, has under this name."""

    name: str
    unit: Unit
    outside: str
    """Its name in the API: with the outer unit, but for what other programs know under an older name."""
    column: bool = False
    """Whether every status has a column for it; the others are packed with its boards and fans."""
    rolled: tuple[str, ...] = ()
    """What 5-minute and hourly rollups keep of it; what is rolled up has a line in the chart of its quantity."""
    title: str = ""
    """What that line is called; a measure without a title has none."""
    reference: bool = False
    """Whether it is the line that others are compared with."""

    @property
    def drawn(self) -> str:
        """Which of the values of a rollup its line shows: of a highest value the highest, else the mean."""
        return MAX if "_max_" in self.name else MEAN

    @property
    def metric(self) -> str:
        """Its name among metrics, that of the API in the base unit: "hashrate_ths" is "hashrate_hashes_per_second"."""
        stem = self.outside.removesuffix(self.unit.outside or self.unit.inside).removesuffix("_count")
        return f"{stem}_{self.unit.base}" if self.unit.base else stem

    def shown(self, value: float | None) -> float | None:
        """Return a value in the outer unit."""
        return value if value is None or self.unit.scale == 1 else value / self.unit.scale


def shown(record: Any, of: Iterable[Measure]) -> dict[str, float | None]:
    """Return what is measured of a miner or a board, under the names and in the units of the outside."""
    return {measure.outside: measure.shown(getattr(record, measure.name)) for measure in of}


@dataclass(frozen=True, slots=True)
class Rolled:
    """One column of the rollups: the minimum, mean or maximum of a measure."""

    measure: Measure
    how: str

    @property
    def column(self) -> str:
        """Its name in the tables: "power_w" has a "power_mean_w", "chip_temp_max_c" a "chip_temp_mean_c"."""
        return f"{self._stem}_{self.how}{self.measure.unit.inside}"

    @property
    def outside(self) -> str:
        """Its name in the API: what is drawn is called like the measure itself."""
        drawn = self.how == self.measure.drawn
        return self.measure.outside if drawn else f"{self._stem}_{self.how}{self.measure.unit.outside}"

    def shown(self, value: float | None) -> float | None:
        """Return a value in the outer unit."""
        return self.measure.shown(value)

    @property
    def _stem(self) -> str:
        return self.measure.name.removesuffix(self.measure.unit.inside).removesuffix("_max")


_ALL, _MEAN, _MAX = (MIN, MEAN, MAX), (MEAN,), (MAX,)

MINER = (
    Measure("hashrate_hs", HASHRATE, "hashrate_ths", True, _ALL, "now"),
    Measure("average_hashrate_hs", HASHRATE, "hashrate_average_ths", True),
    Measure("expected_hashrate_hs", HASHRATE, "hashrate_nominal_ths", True, _MEAN),
    Measure("target_hashrate_hs", HASHRATE, "hashrate_expected_ths", True, _MEAN, "expected", reference=True),
    Measure("power_w", POWER, "power_w", True, _ALL, "power"),
    Measure("reported_power_w", POWER, "power_usage"),
    Measure("state_s", DURATION, "state_s", True),
    Measure("chip_temp_max_c", TEMPERATURE, "chip_temp_max_c", True, _ALL, "hottest chip"),
    Measure("chip_temp_min_c", TEMPERATURE, "chip_temp_min_c"),
    Measure("pcb_temp_max_c", TEMPERATURE, "pcb_temp_max_c", True, _MAX, "hottest board"),
    Measure("pcb_temp_min_c", TEMPERATURE, "pcb_temp_min_c"),
    Measure("psu_temp_max_c", TEMPERATURE, "psu_temp_max_c", True, _MAX, "power supply"),
    Measure("fan_duty_percent", PERCENT, "fan_duty_percent"),
    Measure("hardware_errors", GROWING, "hardware_errors"),
    Measure("found_blocks", GROWING, "found_blocks"),
    Measure("restart_count", GROWING, "restart_count"),
)

BOARD = (
    Measure("hashrate_hs", HASHRATE, "hashrate_ths"),
    Measure("expected_hashrate_hs", HASHRATE, "hashrate_nominal_ths"),
    Measure("power_w", POWER, "power_w"),
    Measure("voltage_mv", VOLTAGE, "voltage_mv"),
    Measure("frequency_mhz", FREQUENCY, "frequency_mhz"),
    Measure("pcb_temp_min_c", TEMPERATURE, "pcb_temp_min"),
    Measure("pcb_temp_max_c", TEMPERATURE, "pcb_temp_max"),
    Measure("chip_temp_min_c", TEMPERATURE, "chip_temp_min"),
    Measure("chip_temp_max_c", TEMPERATURE, "chip_temp_max"),
    Measure("inlet_water_temp_c", TEMPERATURE, "inlet_water_temp_c"),
    Measure("outlet_water_temp_c", TEMPERATURE, "outlet_water_temp_c"),
    Measure("hardware_errors", GROWING, "hardware_errors"),
    Measure("chips_grey", COUNT, "chips_grey"),
    Measure("chips_orange", COUNT, "chips_orange"),
    Measure("chips_red", COUNT, "chips_red"),
)

COLUMNS = tuple(measure.name for measure in MINER if measure.column)
PACKED = tuple(measure.name for measure in MINER if not measure.column)
CHARTED = tuple(measure for measure in MINER if measure.rolled)
ROLLED = tuple(Rolled(measure, how) for measure in CHARTED for how in measure.rolled)
ROLLUP = ("n", "hashing_n", *(rolled.column for rolled in ROLLED))
