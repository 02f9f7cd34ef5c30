"""The miner models the simulator knows: hardware figures and preset ladders.

Chip counts, GH/s per chip and MHz, fan and voltage limits are those of public captures. What no public source tells
is ours and marked so: it is plausible, nothing more.
"""

from __future__ import annotations

from dataclasses import dataclass

from hived.simulator.miners import captures

CHAINS = 3
"""Every model here has three hashboards."""

DISABLED = "disabled"
"""Name of the preset that means fixed stock clocks."""


@dataclass(frozen=True, slots=True)
class Preset:
    """One step of a ladder. The name is the wall power in W, as text."""

    name: str
    watts: int
    ths: float

    @property
    def pretty(self) -> str:
        return "Disabled" if self.name == DISABLED else f"{self.watts} watt ~ {self.ths:.0f} TH"


@dataclass(frozen=True, slots=True)
class Model:
    """What all units of one model have in common."""

    alias: str
    full_name: str
    capture: str
    """Which recorded firmware its /info and /summary are shaped after."""
    fw_version: str
    platform: str
    series: str
    build_time: str
    chips: int
    """Chips per hashboard."""
    chips_per_domain: int
    topology: tuple[tuple[int, ...], ...]
    """Rows of chip indices from 0; -1 is a hole."""
    ghs_per_mhz: float
    """GH/s that one chip makes per MHz."""
    hr_stock_ghs: float
    default_mhz: int
    warn_mhz: int
    default_10mv: int
    min_10mv: int
    max_10mv: int
    max_rpm: int
    chip_over_pcb_c: int
    """The firmware does not measure chip temperature: it adds this to the board's."""
    ladder: tuple[Preset, ...]
    """Without "disabled", ascending."""
    usual: tuple[str, ...]
    """Presets that a unit of the default fleet runs."""
    boards_api: bool = False
    """1.3.x: /boards instead of /chains and /chips."""
    measures_chips: bool = True
    """False on Xilinx: volt and temp of a chip stay 0."""

    @property
    def disabled(self) -> Preset:
        """Return the stock clocks as a preset; its watts follow from the nearest step of the ladder."""
        ths = self.hr_stock_ghs / 1000
        near = min(self.ladder, key=lambda preset: abs(preset.ths - ths))
        return Preset(DISABLED, round(near.watts * ths / near.ths), ths)

    @property
    def presets(self) -> tuple[Preset, ...]:
        return (self.disabled, *self.ladder)

    @property
    def miner_type(self) -> str:
        return f"{self.full_name} (Vnish {self.fw_version})"

    def preset(self, name: str) -> Preset | None:
        return next((preset for preset in self.presets if preset.name == name), None)


def _ladder(alias: str) -> tuple[Preset, ...]:
    """Return the public ladder. A step of which only the name is public gets the J/TH of the highest known step."""
    rows = captures.PRESETS[alias]["presets"]
    known = [(int(name), ths) for name, ths in rows if ths is not None]
    watts_per_th = known[-1][0] / known[-1][1]
    return tuple(Preset(name, int(name), float(ths or round(int(name) / watts_per_th))) for name, ths in rows)


def _s21_ladder() -> tuple[Preset, ...]:
    """Derive the S21's ladder, which is not public, from that of the S21 Pro.

    The hashrates are the Pro's steps scaled by the two nameplates (235.65 / 237.09), up to the S21's own nameplate. The
    watts are the Pro's times 1.382, so that the one captured S21 (188 TH/s nominal at 3869 W) lies on the ladder.
    """
    steps = [(round(p.watts * 1.382, -1), round(p.ths * 235.651 / 237.088)) for p in _ladder("s21pro")]
    return tuple(Preset(str(int(watts)), int(watts), float(ths)) for watts, ths in steps if ths <= 236)


def column_pairs(chips: int, columns: int) -> tuple[tuple[int, ...], ...]:
    """Lay chips out as on the captured S19: pairs of columns, filled upwards and downwards in turn.

    Columns that are one pair shorter than the rest leave holes in the last row.
    """
    pairs, lanes = chips // 2, columns // 2
    rows = -(-pairs // lanes)
    short = rows * lanes - pairs
    grid = [[-1] * columns for _ in range(rows)]
    number = 0
    for lane in range(lanes):
        outside = lane < short
        height = rows - 1 if outside else rows
        order = range(height) if lane % 2 else range(height - 1, -1, -1)
        for row in order:
            grid[row][2 * lane], grid[row][2 * lane + 1] = number, number + 1
            number += 2
    return tuple(tuple(row) for row in grid)


def domains(chips: int, per_domain: int) -> tuple[tuple[int, ...], ...]:
    """Lay chips out one voltage domain per row, the chain running to and fro."""
    rows = [tuple(range(start, start + per_domain)) for start in range(0, chips, per_domain)]
    return tuple(row if index % 2 == 0 else row[::-1] for index, row in enumerate(rows))


_S19_TOPOLOGY = tuple(tuple(row) for row in captures.MODEL["chain"]["topology"]["chips"])

MODELS: dict[str, Model] = {
    model.alias: model
    for model in (
        Model(
            alias="s19",
            full_name="Antminer S19",
            capture="s19-1.2.6",
            fw_version="1.2.6",
            platform="xil",
            series="x19",
            build_time="2025-05-29 19:22:26+00:00",
            chips=76,
            chips_per_domain=2,
            topology=_S19_TOPOLOGY,
            ghs_per_mhz=0.623,
            hr_stock_ghs=95879.0,
            default_mhz=675,
            warn_mhz=850,
            default_10mv=1380,
            min_10mv=1200,
            max_10mv=1535,
            max_rpm=6000,
            chip_over_pcb_c=10,
            ladder=_ladder("s19"),
            usual=("2350", "2620", "2950"),
            measures_chips=False,
        ),
        Model(  # platform, clocks, voltages and layout are ours; the rest is from captures over port 4028
            alias="s19jpro",
            full_name="Antminer S19j Pro",
            capture="s21pro-1.2.7",
            fw_version="1.2.7",
            platform="bb",
            series="x19",
            build_time="2025-12-22 19:23:39",
            chips=126,
            chips_per_domain=3,
            topology=column_pairs(126, 8),
            ghs_per_mhz=0.514,
            hr_stock_ghs=103948.0,
            default_mhz=535,
            warn_mhz=700,
            default_10mv=1320,
            min_10mv=1150,
            max_10mv=1530,
            max_rpm=6000,
            chip_over_pcb_c=15,
            ladder=_ladder("s19jpro"),
            usual=("2300", "2500", "2700", "3080"),
        ),
        Model(
            alias="s21pro",
            full_name="Antminer S21 Pro",
            capture="s21pro-1.2.7",
            fw_version="1.2.7",
            platform="aml",
            series="x21",
            build_time="2025-12-22 19:12:30",
            chips=65,
            chips_per_domain=5,
            topology=domains(65, 5),
            ghs_per_mhz=2.0359,
            hr_stock_ghs=237088.0,
            default_mhz=595,
            warn_mhz=600,
            default_10mv=1380,
            min_10mv=1170,
            max_10mv=1530,
            max_rpm=6500,
            chip_over_pcb_c=15,
            ladder=_ladder("s21pro"),
            usual=("2800", "3160", "3520"),
        ),
        Model(  # clocks and limits of /model are ours
            alias="s21",
            full_name="Antminer S21",
            capture="s21-1.2.6-rc5",
            fw_version="1.2.6-rc5",
            platform="aml",
            series="x21",
            build_time="2025-04-15 18:52:13",
            chips=108,
            chips_per_domain=9,
            topology=domains(108, 9),
            ghs_per_mhz=1.2607,
            hr_stock_ghs=235651.0,
            default_mhz=577,
            warn_mhz=650,
            default_10mv=1380,
            min_10mv=1170,
            max_10mv=1530,
            max_rpm=7000,
            chip_over_pcb_c=15,
            ladder=_s21_ladder(),
            usual=("3650", "3870", "3990"),
        ),
        Model(  # 0.894 GH/s per chip and MHz makes its 138364 GH/s at 670 MHz; the limits of /model are ours
            alias="s19kpro",
            full_name="Antminer S19k Pro",
            capture="s19kpro-1.3.3",
            fw_version="1.3.3",
            platform="aml",
            series="x19",
            build_time="2026-05-22 04:37:48",
            chips=77,
            chips_per_domain=7,
            topology=domains(77, 7),
            ghs_per_mhz=0.894,
            hr_stock_ghs=138364.0,
            default_mhz=670,
            warn_mhz=700,
            default_10mv=1380,
            min_10mv=1150,
            max_10mv=1530,
            max_rpm=6000,
            chip_over_pcb_c=15,
            ladder=_ladder("s19kpro"),
            usual=("2180", "2310", "2470", "2600"),
            boards_api=True,
        ),
    )
}

DEFAULT_WEIGHTS: dict[str, float] = {"s19jpro": 4, "s19": 2, "s21pro": 2, "s21": 1, "s19kpro": 1}
"""A site that grew over the years: mostly S19 class, some S21."""
