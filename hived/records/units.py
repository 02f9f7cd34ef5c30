"""One base unit for each quantity (H/s, W, °C, J/TH, s) and the only conversions into and out of them."""

from __future__ import annotations

import re

_HASHRATE = re.compile(r"([kmgtpe]?)h(?:ash(?:es)?)?(?:/?s(?:ec)?)?", re.IGNORECASE)
_SCALES = {"": 1.0, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "E": 1e18}

GIGA = 1e9
TERA = 1e12


def hashrate_unit(written: str) -> str | None:
    """Return a unit of hashrate as it is usually written, "GH/s" for "GHS" and "gh/s"; None for one we do not know."""
    found = _HASHRATE.fullmatch(written.strip())
    if found is None:
        return None
    prefix = found[1].lower()
    return f"{prefix if prefix in _SCALES else prefix.upper()}H/s"


def hashrate(value: float, unit: str) -> float | None:
    """Return `value` given in `unit` ("GH/s", "TH/s", ...) as H/s; None for a unit that we do not know."""
    known = hashrate_unit(unit)
    return None if known is None else value * _SCALES[known[:-3]]


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
