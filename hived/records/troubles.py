"""Which troubles of a miner are open: it is an event when one opens, and no event as long as it lasts.

Two daemons see the same miner, each in its own words, and a miner that is hung answers now so, now so. So a trouble is
what a person would call one: all codes of it are the same, and one that comes back soon has never been away.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from hived.errors import PARTS

QUIET_S = 3600.0
"""A trouble that has not shown for so long is over when the miner tells how it is; its next time is a new one."""

READING = "reading"
_TROUBLES = {
    "entry": ("no_password", "wrong_password", "locked_out", "unlock_failed", "key_not_made"),
    "key": ("key_refused", "token_refused"),
    "trust": ("not_agreed", "outside_subnets"),
    "firmware": ("stock_firmware",),
}
"""All others are one: what one daemon cannot read is another device to the other."""
_OF = {code: name for name, codes in _TROUBLES.items() for code in codes}

Open = Mapping[str, float]
"""Troubles that are open, each with the time when it was last seen."""


def trouble(code: str | None) -> str | None:
    """Return what trouble a code is a sign of; None for a part that is missing in answers which can be read."""
    return None if code in PARTS else _OF.get(code or "", READING)


def seen(before: Open, code: str | None, at: float) -> tuple[Open, bool]:
    """Return what is open once a code was seen, and whether that is news."""
    name = trouble(code)
    if name is None:
        return before, False
    return {**before, name: at}, name not in before


def told_status(before: Open, at: float) -> Open:
    """Return what is still open of a miner that told its status: only what has shown lately.

    A time to come was written by a clock that has been set back since; from then on it counts as now.
    """
    return {name: min(last, at) for name, last in before.items() if at - last < QUIET_S}


def to_text(troubles: Open) -> str | None:
    """Return them as a column keeps them; null: none."""
    return json.dumps(troubles, separators=(",", ":"), sort_keys=True) if troubles else None


def from_text(text: str | None) -> Open:
    """Return them as they were written."""
    return json.loads(text) if text else {}
