"""A clock that jumps, ahead or back, costs no history, and no summary for longer than it is wrong."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from hived.runtime.options import Retention as Limits
from hived.services.appliance.retain import Retention
from hived.services.appliance.trusted_clock import DOUBT_S, OFF_S, TrustedClock
from hived.store import Store
from hived.store.access import codes, sessions
from hived.store.miners import history
from hived.store.schema import Counter, Rollup5m, Status
from tests.clock import FakeClock
from tests.store.miners.test_history import START, a_miner, count, fill

HOUR, DAY, YEAR = 3600.0, 86_400.0, 365 * 86_400.0


@dataclass
class Time:
    """A wall clock that somebody sets, and one that only goes on."""

    wall: FakeClock
    monotonic: FakeClock

    def pass_(self, seconds: float) -> None:
        self.wall.advance(seconds)
        self.monotonic.advance(seconds)


@pytest.fixture
def time() -> Time:
    return Time(FakeClock(START), FakeClock(1000.0))


def steady(time: Time, seen: float | None = None) -> TrustedClock:
    return TrustedClock(time.wall, time.monotonic, seen)


def test_a_new_box_and_one_that_was_off_for_a_day_are_believed_at_once(time: Time) -> None:
    assert steady(time).sure() == START
    assert steady(time, seen=START - DAY).sure() == START


@pytest.mark.parametrize("off", [YEAR, OFF_S + 1, -2 * HOUR, -YEAR])
def test_after_a_long_rest_or_with_a_clock_of_before_it_waits_an_hour(time: Time, off: float) -> None:
    clock = steady(time, seen=START - off)
    assert clock.sure() is None
    time.pass_(DOUBT_S - 1)
    assert clock.sure() is None
    time.pass_(1)
    assert clock.sure() == START + DOUBT_S


@pytest.mark.parametrize("jump", [YEAR, -YEAR, 3 * HOUR, -3 * HOUR])
def test_a_jump_is_in_doubt_until_it_is_over(time: Time, jump: float, caplog: pytest.LogCaptureFixture) -> None:
    clock = steady(time)
    clock.sure()
    with caplog.at_level(logging.INFO):
        time.wall.advance(jump)
        for _ in range(30):
            time.pass_(60)
            assert clock.sure() is None
            assert clock.likely() == pytest.approx(time.wall() - jump)
        time.wall.advance(-jump)
        assert clock.sure() == time.wall()
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"], "said once, and that it is over"


def test_a_jump_that_stays_is_believed_after_an_hour(time: Time) -> None:
    clock = steady(time)
    time.wall.advance(YEAR)
    assert clock.sure() is None
    time.pass_(DOUBT_S)
    assert clock.sure() == time.wall()
    time.wall.advance(-YEAR)
    assert clock.sure() is None


def test_the_time_server_that_answers_after_the_start_ends_the_doubt(time: Time) -> None:
    time.wall.now = 0.0  # 1970: there is no battery for the clock
    clock = steady(time, seen=START)
    assert clock.sure() is None
    time.pass_(40)
    time.wall.now = START + 7200
    assert clock.sure() == START + 7200


def test_small_corrections_are_no_jump(time: Time) -> None:
    clock = steady(time)
    for _ in range(100):
        time.pass_(60)
        time.wall.advance(-30)
        assert clock.sure() == time.wall()


def keeper(store: Store, time: Time, **limits: Any) -> Retention:
    return Retention(store, Limits(**limits), clock=time.wall, monotonic=time.monotonic)


async def a_day(store: Store, time: Time) -> int:
    """Let a miner have a day of statuses, summed up, and the clock be at its end."""
    num = await a_miner(store)
    await fill(store, num, [START + 60 * i for i in range(1440)])
    time.pass_(DAY + 600)
    keep = keeper(store, time)
    for _ in range(3):
        await keep.prune()
    assert await store.read(count, Rollup5m) == 288
    return num


async def run(keep: Retention, time: Time, minutes: int) -> None:
    for _ in range(minutes):
        await keep.prune()
        time.pass_(60)


@pytest.mark.parametrize("jump", [YEAR, 10 * YEAR])
async def test_a_clock_that_is_years_ahead_for_half_an_hour_deletes_nothing(
    store: Store, time: Time, jump: float
) -> None:
    num = await a_day(store, time)
    keep = keeper(store, time)
    await keep.prune()
    time.wall.advance(jump)
    await fill(store, num, [time.wall() + i for i in range(5)])
    await run(keep, time, 30)
    time.wall.advance(-jump)
    await run(keep, time, 3)
    assert await store.read(count, Status) == 1440 + 5
    assert await store.read(count, Rollup5m) == 288
    # And what comes after it is summed up as if nothing had been.
    await fill(store, num, [time.wall() + 60 * i for i in range(20)])
    time.pass_(1800)
    await run(keep, time, 3)
    assert await store.read(count, Rollup5m) > 288 + 3


async def test_marks_that_were_set_years_ahead_come_back(store: Store, time: Time) -> None:
    num = await a_day(store, time)
    keep = keeper(store, time)
    await keep.prune()
    time.wall.advance(YEAR)
    await fill(store, num, [time.wall()])
    await run(keep, time, 70)  # long enough to be believed
    assert await store.read(history.sure_until) == pytest.approx(time.wall(), abs=120)
    time.wall.advance(-YEAR)
    await fill(store, num, [time.wall() + 60 * (60 + i) for i in range(60)])
    await run(keep, time, 140)
    assert await store.read(lambda db: count_after(db, START + DAY, START + YEAR / 2)) >= 11


def count_after(db: Any, since: float, until: float) -> int:
    return int(Rollup5m.select().where(Rollup5m.at >= since, Rollup5m.at < until).bind(db).count())


async def test_set_back_by_hours_it_goes_on_and_sums_up_again(store: Store, time: Time) -> None:
    num = await a_day(store, time)
    keep = keeper(store, time)
    await keep.prune()
    time.wall.advance(-5 * HOUR)
    await run(keep, time, 90)
    assert await store.read(count, Status) == 1440
    await fill(store, num, [time.wall() + 7 + 60 * i for i in range(10)])
    time.pass_(5 * HOUR + 1800)
    await fill(store, num, [time.wall() - 900 + 60 * i for i in range(10)])
    await run(keep, time, 3)
    mark = await store.read(
        lambda db: Counter.select(Counter.value).where(Counter.name == "rolled_300").bind(db).scalar()
    )
    assert mark <= time.wall()
    assert await store.read(count, Rollup5m) > 288


async def test_over_its_budget_it_drops_a_twentieth_and_not_all_before_a_row_of_next_year(
    store: Store, time: Time
) -> None:
    num = await a_day(store, time)
    await fill(store, num, [time.wall() + YEAR, time.wall() + YEAR + 15])
    assert await store.write(history.drop_oldest, time.wall())
    assert 1300 < await store.read(count, Status) < 1441
    assert await store.write(history.drop_oldest, None)
    assert await store.read(count, Status) <= 3, "which it would be without the time"


async def test_a_session_of_a_clock_that_was_ahead_does_not_last_for_years(store: Store) -> None:
    def begin(db: Any, cookie: str, at: float) -> None:
        sessions.begin(db, cookie, user="anna", role="admin", at=at)

    await store.write(begin, "now", START)
    await store.write(begin, "ahead", START + YEAR)
    look: Callable[..., Any] = lambda db, cookie, at: sessions.find(db, cookie, at)  # noqa: E731
    assert await store.read(look, "ahead", START) is None
    await store.write(begin, "again", START)
    assert await store.read(look, "again", START - 3 * HOUR) is not None, "set back by hours nobody is logged out"


async def test_a_code_of_a_clock_that_was_ahead_opens_nothing_afterwards(store: Store) -> None:
    def add(db: Any) -> None:
        codes.add(db, "h", kind="enroll", at=START + YEAR, expires_at=START + YEAR + 900, by=None, most=5)

    await store.write(add)
    assert not await store.write(codes.use, "h", kind="enroll", at=START, by="x")
    assert await store.write(codes.use, "h", kind="enroll", at=START + YEAR + 10, by="x")
