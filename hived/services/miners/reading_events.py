"""What happened between two readings of a miner."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hived.records import pools
from hived.records.events import Event
from hived.records.miner import HASHING_STATES, MinerReading, active_pool, fans_matter
from hived.records.miner_view import PollTarget

_FAN_STATES = frozenset({"ok", "lost"})

Parts = Mapping[int, bool | None]
"""By index: whether it works, None where the miner does not say or in a word of its own. Empty: not to be judged."""


def boards(reading: MinerReading) -> Parts:
    """Return the boards to judge: while the miner hashes, for during a start they come one by one."""
    if reading.state not in HASHING_STATES:
        return {}
    return {b.index: b.works for b in reading.hashboards}


def fans(reading: MinerReading) -> Parts:
    """Return the fans to judge: while the miner hashes and where air cools; during a start all of them stand."""
    if reading.state not in HASHING_STATES or not fans_matter(reading, reading.cooling_mode):
        return {}
    return {f.index: not f.lost if f.status in _FAN_STATES else None for f in reading.fans}


def seen(before: Sequence[int] | None, now: Parts) -> tuple[int, ...] | None:
    """Return the parts that work, what is not told as it was before; None: nothing could be judged this time.

    `before` is None for a miner that was never judged: what is not told then is taken to work.
    """
    if not now:
        return None
    return tuple(sorted(i for i, works in now.items() if works or (works is None and (before is None or i in before))))


def between(target: PollTarget, reading: MinerReading, at: float) -> Iterator[Event]:
    """Yield what is different from the last time; nothing for the first reading of a healthy miner."""

    def event(kind: str, **detail: Any) -> Event:
        return Event(kind, at, {k: v for k, v in detail.items() if v is not None}, num=target.num)

    if reading.state is not None and target.state is not None and reading.state != target.state:
        yield event(
            "state_changed", before=target.state, after=reading.state, failure_code=reading.failure_code,
            description=reading.description,
        )  # fmt: skip
    elif reading.state == "failure" and target.state is None:
        yield event(
            "state_changed", after="failure", failure_code=reading.failure_code, description=reading.description
        )
    preset = reading.tuning.preset
    if preset is not None and target.preset is not None and preset != target.preset:
        yield event("preset_changed", before=target.preset, after=preset)
    changed = list(pools.changes(target.pools, pools.follow(target.pools, reading.pools)))
    yield from (event("pool_changed", pool=slot + 1, before=before, after=after) for slot, before, after in changed)
    pool = active_pool(reading.pools)
    if not changed and pool is not None and target.active_pool is not None and pool != target.active_pool:
        yield event("pool_switched", before=target.active_pool, after=pool)
    lost, back = _lost_and_back(target.boards_seen, boards(reading))
    yield from (event("board_lost", board=index) for index in lost)
    yield from (event("board_back", board=index) for index in back)
    lost, back = _lost_and_back(target.fans_seen, fans(reading))
    yield from (event("fan_lost", fan=index) for index in lost)
    yield from (event("fan_back", fan=index) for index in back)


def _lost_and_back(before: Sequence[int] | None, now: Parts) -> tuple[list[int], list[int]]:
    """Lost: worked before, or is listed as lost at the first look. Back: works again.

    A part that is missing in a list that is told is lost: some firmware leaves out the boards that it cannot reach.
    """
    working = set(seen(before, now) or ())
    if not now:
        return [], []
    if before is None:
        return sorted(now.keys() - working), []
    return sorted(set(before) - working), sorted(working - set(before))
