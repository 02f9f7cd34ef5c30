"""What is asked of a miner's records in more than one place."""

from __future__ import annotations

from hived.records.daemon import BEAT_OLD_S, alive
from hived.records.miner import PoolReading, active_pool
from hived.records.times import rfc3339


def test_the_owners_pool_in_use_is_the_active_one() -> None:
    fee = PoolReading(0, url="fee:1", kind="devfee", status="active")
    idle = PoolReading(1, url="own:1", status="working")
    nameless = PoolReading(2, status="active")
    used = PoolReading(3, url="own:2", status="active")
    assert active_pool([fee, idle, nameless, used]) == "own:2"
    assert active_pool([fee, idle, nameless]) is None
    assert active_pool([]) is None


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
