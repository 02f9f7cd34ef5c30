"""Conversions between the units of the wire and ours."""

from __future__ import annotations

import pytest

from hived.records import units


@pytest.mark.parametrize("rate", [None, 0.0, 5e-324, 1e-300, 0.5, -1.0])
def test_a_rate_that_is_none_has_no_efficiency(rate: float | None) -> None:
    assert units.efficiency(3250.0, rate) is None


def test_efficiency_is_joules_per_terahash() -> None:
    assert units.efficiency(3250.0, 100e12) == 32.5


@pytest.mark.parametrize(
    ("written", "unit", "one_hs"),
    [
        ("GH/s", "GH/s", 1e9), ("gh/s", "GH/s", 1e9), ("Mh/s", "MH/s", 1e6), ("MHS", "MH/s", 1e6),
        ("KH/s", "kH/s", 1e3), (" TH/S ", "TH/s", 1e12), ("Th", "TH/s", 1e12), ("h/s", "H/s", 1.0),
        ("PHash/sec", "PH/s", 1e15),
    ],
)  # fmt: skip
def test_a_unit_is_known_in_any_writing(written: str, unit: str, one_hs: float) -> None:
    assert units.hashrate_unit(written) == unit
    assert units.hashrate(1.0, written) == one_hs
    assert units.hashrate_unit(unit) == unit


@pytest.mark.parametrize("written", ["N/A", "", "unknown", "Sol/s", "GH/m", "XH/s", "GH/s GH/s", "\u0261h/s"])
def test_an_unknown_unit_is_no_default(written: str) -> None:
    assert units.hashrate_unit(written) is None
    assert units.hashrate(9500.0, written) is None
