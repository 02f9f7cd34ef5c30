"""What daemons count about themselves, and that every name has its place among the metrics."""

from __future__ import annotations

import asyncio

import pytest

from hived.errors import Transient
from hived.records.metrics import DAEMONS_COUNT, HISTOGRAM
from hived.runtime.beat import Beat
from hived.runtime.runner import Life
from hived.runtime.tally import BUCKETS_S, MOST_LABELS, Tally, together
from tests.clock import FakeClock


def test_a_histogram_counts_each_duration_once_and_sums_them_up() -> None:
    tally = Tally()
    for seconds in (0.005, 0.0051, 61.0, -1.0):
        tally.took("t_seconds", seconds)
    counts = tally.numbers()["t_seconds"][""]
    assert isinstance(counts, list)
    assert len(counts) == len(BUCKETS_S) + 2
    assert counts[:2] == [2.0, 1.0]
    assert counts[-2] == 1.0
    assert sum(counts[:-1]) == 4
    assert counts[-1] == pytest.approx(61.0101)


def test_labels_are_bounded() -> None:
    tally = Tally()
    for n in range(MOST_LABELS + 10):
        tally.count("x_total", f"code-{n}")
    found = tally.numbers()["x_total"]
    assert len(found) == MOST_LABELS + 1
    assert found["other"] == 10


def test_what_was_given_away_does_not_change_any_more() -> None:
    tally = Tally()
    tally.count("x_total")
    tally.took("t_seconds", 1.0)
    before = tally.numbers()
    tally.count("x_total")
    tally.took("t_seconds", 1.0)
    assert before == {"x_total": {"": 1.0}, "t_seconds": {"": [*[0.0] * 7, 1.0, *[0.0] * 6, 1.0]}}


async def test_a_daemon_counts_the_ticks_of_its_beats(clock: FakeClock) -> None:
    fails = True

    async def tick() -> None:
        clock.advance(0.2)
        if fails:
            raise Transient("away")

    life = Life(once=True)
    beat = Beat("poll", tick, every=1.0, limit=5.0, clock=clock)
    own = Tally()
    own.count("poll_failures_total", "timeout")
    numbers = life.numbers(own.numbers)
    await life.run([beat])
    fails = False
    await asyncio.wait_for(beat.attempt(), 5.0)
    found = numbers()
    durations = found["beat_duration_seconds"]["poll"]
    assert isinstance(durations, list)
    assert sum(durations[:-1]) == 2
    assert durations[-1] == pytest.approx(0.4)
    assert found["beat_failures_total"] == {"poll": 1.0}
    assert found["beat_last_success_timestamp_seconds"]["poll"]
    assert found["poll_failures_total"] == {"timeout": 1.0}


def test_a_later_part_has_the_last_word() -> None:
    assert together([{"a": {"x": 1.0}}, {"a": {"x": 2.0, "y": 3.0}}]) == {"a": {"x": 2.0, "y": 3.0}}


def test_each_metric_of_daemons_has_a_name_of_its_kind() -> None:
    names = [metric.name for metric in DAEMONS_COUNT]
    assert len(set(names)) == len(names)
    assert all(metric.name.endswith("_seconds") for metric in DAEMONS_COUNT if metric.kind == HISTOGRAM)
    assert all(metric.name.endswith("_total") for metric in DAEMONS_COUNT if metric.kind == "counter")
