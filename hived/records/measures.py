"""What is measured of a miner, one row for each value: schema, history, API and charts read this table.

A new value is a field of its record in `records.miner`, a line of the firmware's parser and a row here; one with a
column of its own, or one that is rolled up, also needs a migration that adds the columns named here.
"""

from __future__ import annotations

from dataclasses import dataclass

MIN, MEAN, MAX = "min", "mean", "max"


@dataclass(frozen=True, slots=True)
class Unit:
    """What a value is counted in: inside as `records.miner` says, outside in `symbol`."""

    quantity: str
    symbol: str
    inside: str
    """The end of a field's name: "_hs"."""
    outside: str
    scale: float = 1.0
    """How many of the inner unit make one of the outer."""
    places: int = 0
    from_zero: bool = False
    """Whether its chart begins at zero."""


HASHRATE = Unit("Hashrate", "TH/s", "_hs", "_ths", scale=1e12, places=1, from_zero=True)
POWER = Unit("Power", "W", "_w", "_w", from_zero=True)
TEMPERATURE = Unit("Temperature", "°C", "_c", "_c")
DURATION = Unit("Duration", "s", "_s", "_s")


@dataclass(frozen=True, slots=True)
class Measure:
    """A number that `MinerReading` has under this name, with a column of its own in every status."""

    name: str
    unit: Unit
    title: str = ""
    """What its line in the chart of its quantity is called."""
    rolled: tuple[str, ...] = ()
    """What 5-minute and hourly rollups keep of it; only what is rolled up has a line in a chart."""
    called: str | None = None
    """Its name outside, where that is not its own with the outer unit."""
    reference: bool = False
    """Whether its line is what others are compared with."""

    @property
    def drawn(self) -> str:
        """Which of the values of a rollup its line shows: of a highest value the highest, else the mean."""
        return MAX if "_max_" in self.name else MEAN

    @property
    def outside(self) -> str:
        """Its name in the API."""
        return self.called or self.name.removesuffix(self.unit.inside) + self.unit.outside

    def shown(self, value: float | None) -> float | None:
        """Return a value in the outer unit."""
        return value if value is None or self.unit.scale == 1 else value / self.unit.scale


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


MINER = (
    Measure("hashrate_hs", HASHRATE, "now", (MIN, MEAN, MAX)),
    Measure("average_hashrate_hs", HASHRATE, called="hashrate_average_ths"),
    Measure("expected_hashrate_hs", HASHRATE, "expected", (MEAN,), "hashrate_nominal_ths", reference=True),
    Measure("power_w", POWER, "power", (MIN, MEAN, MAX)),
    Measure("state_s", DURATION),
    Measure("chip_temp_max_c", TEMPERATURE, "hottest chip", (MIN, MEAN, MAX)),
    Measure("pcb_temp_max_c", TEMPERATURE, "hottest board"),
)

COLUMNS = tuple(measure.name for measure in MINER)
ROLLED = tuple(Rolled(measure, how) for measure in MINER for how in measure.rolled)
CHARTED = tuple(measure for measure in MINER if measure.title)
