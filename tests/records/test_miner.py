"""What is asked of a miner's records in more than one place."""

from __future__ import annotations

import pytest

from hived.records.daemon import BEAT_OLD_S, alive
from hived.records.miner import HashboardReading, MinerReading, PoolReading, active_pool, fans_matter
from hived.records.times import rfc3339


def test_the_owners_pool_in_use_is_the_active_one() -> None:
    fee = PoolReading(0, url="fee:1", kind="devfee", status="active")
    idle = PoolReading(1, url="own:1", status="working")
    nameless = PoolReading(2, status="active")
    used = PoolReading(3, url="own:2", status="active")
    assert active_pool([fee, idle, nameless, used]) == "own:2"
    assert active_pool([fee, idle, nameless]) is None
    assert active_pool([]) is None


@pytest.mark.parametrize(
    ("mode", "water_c", "matter"),
    [
        ("auto", None, True), ("manual", None, True), (None, None, True), ("immersion", None, False),
        ("hydro", None, False), ("liquid", None, False), ("", None, False), ("auto", 31.0, False), (None, 0.0, False),
    ],
)  # fmt: skip
def test_a_fan_that_stands_is_a_fault_only_where_air_cools(
    mode: str | None, water_c: float | None, matter: bool
) -> None:
    boards = HashboardReading(1), HashboardReading(2, outlet_water_temp_c=water_c)
    assert fans_matter(MinerReading(hashboards=boards), mode) is matter


def test_a_daemon_runs_while_its_row_is_neither_old_nor_ahead() -> None:
    now = 1_800_000_000.0
    assert alive(now, now)
    assert alive(now - BEAT_OLD_S + 1, now)
    assert alive(now + BEAT_OLD_S - 1, now)
    assert not alive(now - BEAT_OLD_S, now)
    assert not alive(now + BEAT_OLD_S, now)
    assert not alive(None, now)


def test_a_time_is_shown_with_milliseconds_and_z() -> None:
    assert rfc3339(0.0) == "1970-01-01T00:00:00.000Z"
    assert rfc3339(1_800_000_000.5) == "2027-01-15T08:00:00.500Z"
    assert rfc3339(None) is None
