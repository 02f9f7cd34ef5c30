"""One base unit for each quantity (H/s, W, °C, J/TH, s) and the only conversions into and out of them."""

from __future__ import annotations

_HASHRATE_SCALE = {"H/s": 1.0, "kH/s": 1e3, "MH/s": 1e6, "GH/s": 1e9, "TH/s": 1e12, "PH/s": 1e15}

GIGA = 1e9
TERA = 1e12


def hashrate(value: float, unit: str) -> float | None:
    """Return `value` given in `unit` ("GH/s", "TH/s", ...) as H/s; None for a unit that we do not know."""
    scale = _HASHRATE_SCALE.get(unit)
    return None if scale is None else value * scale


def ths(value_hs: float | None) -> float | None:
    """Return H/s as TH/s."""
    return None if value_hs is None else value_hs / TERA


def ghs(value_hs: float | None) -> float | None:
    """Return H/s as GH/s, the unit of the inherited API fields."""
    return None if value_hs is None else value_hs / GIGA


def efficiency(power_w: float | None, hashrate_hs: float | None) -> float | None:
    """Return J/TH, or None when the power is unknown or zero or the rate unknown or below 1 H/s: a stopped miner."""
    if not power_w or not hashrate_hs or power_w < 0 or hashrate_hs < 1:
        return None
    return power_w / (hashrate_hs / TERA)
