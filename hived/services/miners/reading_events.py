"""What happened between two readings of a miner."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from hived.records.events import Event
from hived.records.miner import HASHING_STATES, MinerReading, active_pool
from hived.records.miner_view import PollTarget


def healthy_boards(reading: MinerReading) -> tuple[int, ...]:
    """Return the boards that work: neither failed nor gone, nor dead."""
    return tuple(sorted(b.index for b in reading.hashboards if b.works))


def healthy_fans(reading: MinerReading) -> tuple[int, ...]:
    """Return the fans that the firmware sees turning."""
    return tuple(sorted(f.index for f in reading.fans if f.status != "lost"))


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
        yield from _parts("board", target.boards_seen, healthy_boards(reading), told_boards, event)
        yield from _parts("fan", target.fans_seen, healthy_fans(reading), told_fans, event)


def _parts(
    name: str, before: tuple[int, ...], now: tuple[int, ...], told: Iterable[int], event: Any
) -> Iterator[Event]:
    """Lost: worked before, or is listed and does not work at the first look. Back: works again."""
    expected = set(before) or set(told)
    for index in sorted(expected - set(now)):
        yield event(f"{name}_lost", **{name: index})
    if before:
        for index in sorted(set(now) - set(before)):
            yield event(f"{name}_back", **{name: index})
