"""Hashrates, and what was lost of them, for people."""

from __future__ import annotations

PH = 1e15


def rate(hashrate_hs: float) -> str:
    """Return a hashrate for people."""
    return f"{hashrate_hs / PH:.1f} PH/s" if hashrate_hs >= PH else f"{hashrate_hs / 1e12:.0f} TH/s"


def amount(lost_hss: float) -> str:
    """Return what was lost, of H/s times seconds."""
    lost = lost_hss / 3600
    return f"{lost / PH:.1f} PH·h" if lost >= 0.1 * PH else f"{lost / 1e12:.0f} TH·h"
