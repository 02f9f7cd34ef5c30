"""One formula of growing pauses, and the one who keeps them for the way to the master."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hived.runtime.backoff import LONGEST_S, SHORTEST_S, Backoff, pause
from tests.clock import FakeClock


def test_a_pause_doubles_up_to_the_longest() -> None:
    assert [pause(failures, 5.0, 60.0) for failures in range(6)] == [5.0, 10.0, 20.0, 40.0, 60.0, 60.0]


@given(st.integers(0, 10**6), st.floats(0.001, 1e6), st.floats(0.001, 1e6), st.floats(0.0, 0.5))
def test_a_pause_stays_within_its_spread(failures: int, first_s: float, longest_s: float, spread: float) -> None:
    middle = pause(failures, first_s, longest_s)
    assert 0 < middle <= longest_s
    assert pause(failures, first_s, longest_s, spread=spread, uniform=min) == middle * (1 - spread)
    assert pause(failures, first_s, longest_s, spread=spread, uniform=max) == pytest.approx(middle * (1 + spread))


def test_the_way_to_the_master_is_tried_again_between_the_shortest_and_the_doubled_pause() -> None:
    clock = FakeClock()
    least, most = (Backoff(monotonic=clock, uniform=pick) for pick in (min, max))
    assert least.ready()
    assert [least.failed() for _ in range(12)] == [SHORTEST_S] * 12
    assert [most.failed() for _ in range(12)][::11] == [2 * SHORTEST_S, LONGEST_S]
    assert most.failed(3.0) == 3.0  # what the other side asked for
    assert not most.ready()
    most.clear()
    assert most.ready()
