"""Conversions between the units of the wire and ours."""

from __future__ import annotations

import pytest

from hived.records import units


@pytest.mark.parametrize("rate", [None, 0.0, 5e-324, 1e-300, 0.5, -1.0])
def test_a_rate_that_is_none_has_no_efficiency(rate: float | None) -> None:
    assert units.efficiency(3250.0, rate) is None


def test_efficiency_is_joules_per_terahash() -> None:
    assert units.efficiency(3250.0, 100e12) == 32.5
