"""A beat: when it ticks, how it waits, when it counts as hung. The clock is a fake one."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Awaitable, Callable

import pytest

from hived.errors import Refused, Transient
from hived.runtime.beat import SLACK_S, Beat
from tests.clock import FakeClock

Tick = Callable[[], Awaitable[object]]


class Enough(Exception):
    """Ends a beat's endless loop."""


def beat(clock: FakeClock, tick: Tick, every: float = 15.0, limit: float = 60.0, backoff_max: float = 300.0) -> Beat:
    """Return a beat on a fake clock, without any chance in it."""
    return Beat(
        "status",
        tick,
        every,
        limit,
        backoff_max,
        spread=0.0,
        clock=clock,
        random=lambda low, high: (low + high) / 2,
        sleep=clock.sleep,
    )


def script(clock: FakeClock, *steps: float | Exception) -> tuple[Tick, list[float]]:
    """Return a tick that takes the given seconds or raises, one step per call, and the times at which it started."""
    todo, times, start = list(steps), list[float](), clock()

    async def tick() -> None:
        times.append(clock() - start)
        if not todo:
            raise Enough
        step = todo.pop(0)
        if isinstance(step, Exception):
            raise step
        clock.advance(step)

    return tick, times


async def times_of(
    clock: FakeClock, *steps: float | Exception, every: float = 15.0, backoff: float = 300.0
) -> list[float]:
    tick, times = script(clock, *steps)
    with pytest.raises(Enough):
        await beat(clock, tick, every, backoff_max=backoff).repeat()
    return times


async def test_ticks_start_at_even_times_whatever_they_take(clock: FakeClock) -> None:
    assert await times_of(clock, 0, 3, 14, 1) == pytest.approx([0, 15, 30, 45, 60])


async def test_a_tick_that_takes_too_long_skips_beats_and_never_catches_up(clock: FakeClock) -> None:
    assert await times_of(clock, 20, 31, 1) == pytest.approx([0, 30, 75, 90])


async def test_a_suspended_machine_ticks_once_and_not_for_every_missed_beat(clock: FakeClock) -> None:
    times = await times_of(clock, 0, 8 * 3600, 0, 0)
    assert times == pytest.approx([0, 15, 15 + 8 * 3600 + 15, 15 + 8 * 3600 + 30, 15 + 8 * 3600 + 45])


async def test_failures_double_the_pause_up_to_the_longest(clock: FakeClock) -> None:
    times = await times_of(clock, *[Transient("x")] * 7, 0, every=10, backoff=100)
    pauses = [late - early for early, late in itertools.pairwise(times)]
    assert pauses == pytest.approx([20, 40, 80, 100, 100, 100, 100, 10])


async def test_a_rare_beat_does_not_become_more_frequent_by_failing(clock: FakeClock) -> None:
    times = await times_of(clock, Transient("x"), 0, every=3600, backoff=300)
    assert times == pytest.approx([0, 3600, 7200])


async def test_many_failures_do_not_overflow(clock: FakeClock) -> None:
    tick, _ = script(clock)
    one = beat(clock, tick)
    one.failures = 100_000
    assert one.pause() == 300


async def test_pauses_after_failures_are_spread_and_others_are_not(clock: FakeClock) -> None:
    tick, _ = script(clock)
    one = beat(clock, tick)
    one.failures = 1
    one.random = lambda low, high: low
    assert one.pause() == pytest.approx(27)
    one.random = lambda low, high: high
    assert one.pause() == pytest.approx(33)
    one.failures, one._began = 0, clock()
    assert one.pause() == 15


async def test_the_first_tick_waits_a_random_moment(clock: FakeClock) -> None:
    tick, times = script(clock)
    one = beat(clock, tick)
    one.spread = 8.0
    with pytest.raises(Enough):
        await one.repeat()
    assert times == [4.0]


async def test_waking_ticks_at_once(clock: FakeClock) -> None:
    ticks = asyncio.Semaphore(0)

    async def tick() -> None:
        ticks.release()

    async def never(_seconds: float) -> None:
        await asyncio.Event().wait()

    one = beat(clock, tick)
    one.sleep = never
    task = asyncio.create_task(one.repeat())
    for _ in range(3):
        one.wake.set()
        await asyncio.wait_for(ticks.acquire(), 2)
        for _ in range(20):
            await asyncio.sleep(0)
        assert ticks.locked(), "one waking, one tick"
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()


async def test_what_wakes_during_a_tick_is_not_lost(clock: FakeClock) -> None:
    times: list[float] = []

    async def tick() -> None:
        times.append(clock())
        if len(times) == 3:
            raise Enough
        one.wake.set()
        await asyncio.sleep(0)

    async def never(_seconds: float) -> None:
        await asyncio.Event().wait()

    one = beat(clock, tick)
    one.wake.set()
    one.sleep = never
    with pytest.raises(Enough):
        await asyncio.wait_for(one.repeat(), 2)


# --- failures --------------------------------------------------------------------------------------------------------


async def test_trouble_is_said_once_and_its_end_with_the_count(
    clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    tick, _ = script(clock, Transient("no route"), TimeoutError(), Transient("again"), 0, 0)
    one = beat(clock, tick)
    caplog.set_level(logging.DEBUG, "hived")
    results = [await one.attempt() for _ in range(5)]
    assert results == [False, False, False, True, True]
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("WARNING", "status failed (1): Transient: no route"),
        ("DEBUG", "status failed (2): TimeoutError"),
        ("DEBUG", "status failed (3): Transient: again"),
        ("INFO", "status recovered after 3 failures"),
    ]


@pytest.mark.parametrize("error", [KeyError("x"), Refused("no"), OSError("disk")])
async def test_a_bug_is_not_waited_for(error: Exception, clock: FakeClock) -> None:
    tick, _ = script(clock, error)
    with pytest.raises(type(error)):
        await beat(clock, tick).repeat()


async def test_a_group_of_troubles_is_trouble_and_a_group_with_a_bug_is_a_bug(clock: FakeClock) -> None:
    troubles = [Transient("a"), ExceptionGroup("inner", [TimeoutError()])]
    tick, _ = script(clock, ExceptionGroup("x", troubles), ExceptionGroup("x", [*troubles, KeyError("bug")]))
    one = beat(clock, tick)
    assert not await one.attempt()
    assert one.last_error == "Transient: a, TimeoutError"
    with pytest.raises(ExceptionGroup):
        await one.attempt()


async def test_a_tick_is_cut_at_its_limit_and_that_is_said(clock: FakeClock) -> None:
    cut = asyncio.Event()

    async def tick() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cut.set()

    one = beat(clock, tick, limit=0.01)
    assert not await one.attempt()
    assert cut.is_set()
    assert one.last_error == "no progress within 0.01 s"
    assert one.failures == 1


async def test_a_tick_that_reports_progress_gets_its_whole_limit_again(clock: FakeClock) -> None:
    loop = asyncio.get_running_loop()
    ends: list[float] = []

    async def tick() -> None:
        assert one._timer is not None
        one._timer.reschedule(loop.time() + 1)  # as if 59 s had passed
        one.touch()
        ends.append((one._timer.when() or 0) - loop.time())

    one = beat(clock, tick, limit=60)
    assert await one.attempt()
    assert ends == [pytest.approx(60, abs=1)]


async def test_touching_outside_a_tick_is_harmless(clock: FakeClock) -> None:
    tick, _ = script(clock, 0)
    one = beat(clock, tick)
    one.touch()
    assert await one.attempt()
    one.touch()
    assert not one.hung()


# --- hung ------------------------------------------------------------------------------------------------------------


async def test_a_tick_that_ignores_its_limit_is_hung(clock: FakeClock) -> None:
    seen: list[bool] = []

    async def tick() -> None:
        seen.append(one.hung())
        clock.advance(60 + SLACK_S)
        seen.append(one.hung())
        clock.advance(1)
        seen.append(one.hung())
        one.touch()
        seen.append(one.hung())

    one = beat(clock, tick, limit=60)
    await one.attempt()
    assert seen == [False, False, True, False]


async def test_a_long_pause_is_not_hung_and_one_that_does_not_end_is(clock: FakeClock) -> None:
    seen: list[bool] = []
    tick, _ = script(clock, Transient("x"))

    async def sleep(seconds: float) -> None:
        if seconds:
            clock.advance(seconds + SLACK_S)
            seen.append(one.hung())
            clock.advance(1)
            seen.append(one.hung())

    one = beat(clock, tick, every=100)
    one.sleep = sleep
    with pytest.raises(Enough):
        await one.repeat()
    assert seen == [False, True]


def test_a_beat_that_never_ran_is_not_hung(clock: FakeClock) -> None:
    tick, _ = script(clock)
    one = beat(clock, tick)
    clock.advance(1e9)
    assert not one.hung()


@pytest.mark.parametrize(("every", "limit"), [(0, 1), (1, 0), (-1, 1), (float("nan"), 1)])
def test_a_beat_without_a_pause_or_a_limit_is_refused(every: float, limit: float, clock: FakeClock) -> None:
    tick, _ = script(clock)
    with pytest.raises(ValueError, match="must be above 0"):
        beat(clock, tick, every, limit)
