"""How often somebody may try what can be guessed: failures and pauses as rows, so that every process counts alike."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from hived.runtime import backoff
from hived.store.engine.database import Database, dicts
from hived.store.schema import Attempt

KEEP = 8192  # rows; those that are quiet for longest leave


@dataclass(frozen=True, slots=True)
class Gate:
    """Where tries are counted. After `free` failures each one brings a pause: 1, 2, 4 ... up to `longest_s` seconds."""

    name: str
    free: int
    longest_s: float
    forget_s: float = 3600.0
    """After so long without a try everything is forgotten."""
    clears: bool = False
    """Whether a right answer forgets the failures before it, too. Not where one may mix their own right answers in."""


def waits(db: Database, gates: Sequence[Gate], at: float) -> float:
    """Return for how many seconds the next try is refused, 0.0 when it is not."""
    return max((_waits(gate, _row(db, gate.name), at) for gate in gates), default=0.0)


def begin(db: Database, gates: Sequence[Gate], at: float) -> float:
    """Count a try before it is known whether it is right, so that many at once are no more than many in a row.

    Returns 0.0; or for how many seconds it is refused, and then nothing is counted.
    """
    refused = waits(db, gates, at)
    if refused > 0:
        return refused
    for gate in gates:
        before, last_at, _ = _row(db, gate.name)
        failures = 1 + (before if 0 <= at - last_at < gate.forget_s else 0)
        pause = backoff.pause(failures - gate.free - 1, 1.0, gate.longest_s) if failures > gate.free else 0.0
        _save(db, gate.name, failures, at, at + pause)
    _bound(db)
    return 0.0


def right(db: Database, gates: Sequence[Gate], at: float) -> None:
    """Take back a try that turned out to be right."""
    for gate in gates:
        failures, last_at, _ = _row(db, gate.name)
        if gate.clears or failures <= 1:
            Attempt.delete().where(Attempt.name == gate.name).execute(db)
        else:
            _save(db, gate.name, failures - 1, last_at, at)


def one_more(db: Database, name: str, *, most: int, window_s: float, at: float) -> float:
    """Count what may be done `most` times in a window; return 0.0, or the seconds to the end of one that is full."""
    count, _, ends_at = _row(db, name)
    if not at < ends_at <= at + window_s:  # over; or the clock was set back since
        count, ends_at = 0, at + window_s
    if count >= most:
        return ends_at - at
    _save(db, name, count + 1, at, ends_at)
    _bound(db)
    return 0.0


def full(db: Database, name: str, *, most: int, window_s: float, at: float) -> float:
    """Return for how many seconds `one_more` would refuse: a look, where that is a write."""
    count, _, ends_at = _row(db, name)
    return ends_at - at if count >= most and at < ends_at <= at + window_s else 0.0


def remember(db: Database, name: str, at: float) -> None:
    """Note that somebody got in; `knows` tells it later."""
    _save(db, name, 0, at, 0.0)


def knows(db: Database, name: str, at: float, *, for_s: float) -> bool:
    """Tell whether that was noted at most so long ago."""
    _, last_at, _ = _row(db, name)
    return 0 <= at - last_at < for_s


def short(text: str, digits: int = 16) -> str:
    """Return a short stand-in for a name of any length."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:digits]


def _bound(db: Database) -> None:
    """Let go of what is quiet for longest: an attacker has as many addresses as they like."""
    surplus = int(Attempt.select().bind(db).count()) - KEEP
    if surplus > 0:
        quiet = Attempt.select(Attempt.name).order_by(Attempt.last_at).limit(surplus)
        Attempt.delete().where(Attempt.name.in_(quiet)).execute(db)


def _waits(gate: Gate, row: tuple[int, float, float], at: float) -> float:
    left = row[2] - at
    # More than the longest pause: the clock was set back since then.
    return left if 0 < left <= gate.longest_s else 0.0


def _row(db: Database, name: str) -> tuple[int, float, float]:
    rows = dicts(Attempt.select().where(Attempt.name == name), db)
    return (rows[0]["failures"], rows[0]["last_at"], rows[0]["not_before"]) if rows else (0, -1e18, 0.0)


def _save(db: Database, name: str, failures: int, last_at: float, not_before: float) -> None:
    fields = {"failures": failures, "last_at": last_at, "not_before": not_before}
    Attempt.insert(name=name, **fields).on_conflict(conflict_target=[Attempt.name], update=fields).execute(db)
