"""What happened between two readings of a miner."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from hived.records.events import Event
from hived.records.miner import HASHING_STATES, MinerReading, active_pool
from hived.records.miner_view import PollTarget


def healthy_boards(reading: MinerReading) -> tuple[int, ...]:
    """Return the boards that work: neither failed nor gone, nor dead."""
    return tuple(sorted(b.index for b in reading.hashboards if b.works))


def healthy_fans(reading: MinerReading) -> tuple[int, ...]:
    """Return the fans that the firmware sees turning."""
    return tuple(sorted(f.index for f in reading.fans if not f.lost))


def parts_can_be_judged(reading: MinerReading) -> bool:
    """Boards and fans are judged while the miner hashes: during a start all fans stand and boards come one by one."""
    return reading.state in HASHING_STATES and bool(reading.hashboards)


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
    pool = active_pool(reading.pools)
    if pool is not None and target.active_pool is not None and pool != target.active_pool:
        yield event("pool_switched", before=target.active_pool, after=pool)
    if parts_can_be_judged(reading):
        told_boards = [b.index for b in reading.hashboards]
        told_fans = [f.index for f in reading.fans]
        lost, back = _lost_and_back(target.boards_seen, healthy_boards(reading), told_boards)
        yield from (event("board_lost", board=index) for index in lost)
        yield from (event("board_back", board=index) for index in back)
        lost, back = _lost_and_back(target.fans_seen, healthy_fans(reading), told_fans)
        yield from (event("fan_lost", fan=index) for index in lost)
        yield from (event("fan_back", fan=index) for index in back)


def _lost_and_back(before: Sequence[int], now: Sequence[int], told: Iterable[int]) -> tuple[list[int], list[int]]:
    """Lost: worked before, or is listed and does not work at the first look. Back: works again."""
    expected = set(before) or set(told)
    return sorted(expected - set(now)), sorted(set(now) - set(before)) if before else []
