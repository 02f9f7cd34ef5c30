"""What the operator lays down for single miners: the group, tags, holds and the lowest preset."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, NamedTuple

from hived.errors import BadRequest
from hived.records.commands import word
from hived.records.times import from_text

MAX_TAGS = 16
MAX_WHY = 200


@dataclass(frozen=True, slots=True)
class Hold:
    """A miner is locked (takes no orders) or protected (takes none that nobody gave by hand): who says so, and why."""

    why: str
    by: str
    at: float
    until: float | None = None
    """Epoch seconds; None: until it is taken away."""

    def holds(self, at: float) -> bool:
        return self.until is None or at < self.until

    def to_text(self) -> str:
        """Return it as a column keeps it."""
        return json.dumps(asdict(self), separators=(",", ":"))


def hold_from_text(text: str | None) -> Hold | None:
    """Return what was stored."""
    return None if text is None else Hold(**json.loads(text))


@dataclass(frozen=True, slots=True)
class MinerRules:
    group: str | None = None
    """Of miners that share a breaker: packets are counted for each."""
    tags: tuple[str, ...] = ()
    locked: Hold | None = None
    protected: Hold | None = None
    min_preset: str | None = None

    def in_force(self, at: float) -> MinerRules:
        """Return it without the holds that are over."""
        locked, protected = (one if is_held(one, at) else None for one in (self.locked, self.protected))
        return (
            self
            if (locked, protected) == (self.locked, self.protected)
            else replace(self, locked=locked, protected=protected)
        )


def tags(name: str, value: Any) -> list[str]:
    """Return a miner's tags, each once, in order. BadRequest."""
    if not isinstance(value, list | tuple) or len(value) > MAX_TAGS:
        raise BadRequest(f"{name}: expected a list of at most {MAX_TAGS} words")
    return sorted({word(f"{name}[{place}]", one) for place, one in enumerate(value)})


def why(name: str, value: Any) -> str:
    if not isinstance(value, str) or not value.strip() or len(value) > MAX_WHY or not value.isprintable():
        raise BadRequest(f"{name}: expected a reason of 1 to {MAX_WHY} characters that can be printed")
    return value.strip()


class HoldWish(NamedTuple):
    """A hold as it is asked for: who asks, and when, is known from elsewhere."""

    why: str
    until: float | None = None


def hold(name: str, value: Any) -> HoldWish | None:
    """Return a hold that is asked for as {why, until?}, None to take it away. BadRequest."""
    if value is None:
        return None
    if not isinstance(value, Mapping) or not {"why"} <= value.keys() <= {"why", "until"}:
        raise BadRequest(f"{name}: expected null, or an object with why and until")
    return HoldWish(why(f"{name}.why", value["why"]), _until(f"{name}.until", value.get("until")))


def _until(name: str, value: Any) -> float | None:
    try:
        return None if value is None else from_text(value)
    except (ValueError, OverflowError):
        raise BadRequest(f"{name}: expected null, or a time such as 2026-01-31T12:00:00Z") from None


def is_held(hold: Hold | None, at: float) -> bool:
    return hold is not None and hold.holds(at)
