"""History ages, gaps stay gaps, and the disk budget holds."""

from __future__ import annotations

from typing import Any

import pytest

from hived.records import measures
from hived.records.miner import ChipReading, FanReading, HashboardChips, HashboardReading, MinerIdentity, PoolReading
from hived.records.miner_view import PollOutcome, StoredStatus
from hived.runtime.options import Retention as Limits
from hived.services.appliance.retain import Retention
from hived.store import Store
from hived.store.engine import dialect
from hived.store.miners import history, miners, readings, telemetry
from hived.store.schema import Chips, Rollup1h, Rollup5m, Status
from tests.clock import FakeClock

START = 1_800_000_000.0  # a full hour
BOARD = HashboardChips(
    1, "mining", chips=tuple(ChipReading(i, 3e11, 500.0, 300.0, 70.0, 0, "grey", False) for i in range(76))
)


async def a_miner(store: Store, mac: str = "02:00:00:00:00:01", ip: str = "127.0.0.9") -> int:
    row = await store.write(miners.saw, miners.Sighting(MinerIdentity(mac), ip, START), node_id="n")
    return row.num


async def fill(store: Store, num: int, times: list[float], *, chips: bool = False, **values: Any) -> None:
    given: dict[str, Any] = {
        "state": "mining",
        "hashrate_hs": 1e14,
        "power_w": 3000.0,
        "chip_temp_max_c": 70.0,
    } | values
    outcomes = [
        PollOutcome(num, at, status=StoredStatus(num=num, at=at, **given), boards=(BOARD,) if chips else None)
        for at in times
    ]
    await store.write(readings.save, outcomes)


def count(db: Any, table: Any) -> int:
    return int(table.select().bind(db).count())


async def test_five_minutes_become_one_row_with_minimum_mean_and_maximum(store: Store) -> None:
    num = await a_miner(store)
    for i, rate in enumerate((90e12, 100e12, 110e12)):
        await fill(store, num, [START + 60 * i], hashrate_hs=rate, power_w=3000.0 + i)
    await fill(store, num, [START + 250], state="stopped", hashrate_hs=0.0, power_w=None, chip_temp_max_c=None)
    assert await store.write(history.roll_up, 300.0, START + 300 + history.SETTLE_S) == 1
    (row,) = await store.read(history.rollups, num, since=START, width_s=300.0)
    assert (row["at"], row["n"], row["hashing_n"]) == (START, 4, 3)
    assert (row["hashrate_min_hs"], row["hashrate_mean_hs"], row["hashrate_max_hs"]) == (0.0, 75e12, 110e12)
    assert (row["power_min_w"], row["power_mean_w"], row["power_max_w"]) == (3000.0, 3001.0, 3002.0)


async def test_a_stretch_that_has_not_settled_waits(store: Store) -> None:
    num = await a_miner(store)
    await fill(store, num, [START + 1])
    assert await store.write(history.roll_up, 300.0, START + 300 + history.SETTLE_S - 1) == 0
    assert await store.read(history.rollups, num, since=0.0, width_s=300.0) == []


async def test_a_gap_leaves_no_rows_and_no_zeros(store: Store) -> None:
    num = await a_miner(store)
    await fill(store, num, [START + 1, START + 3601])
    for _ in range(3):
        await store.write(history.roll_up, 300.0, START + 7200)
    rows = await store.read(history.rollups, num, since=0.0, width_s=300.0)
    assert [row["at"] for row in rows] == [START, START + 3600]


async def test_a_year_without_data_is_skipped_at_once(store: Store) -> None:
    num = await a_miner(store)
    later = START + 365 * 86_400
    await fill(store, num, [START + 1, later + 1])
    for _ in range(3):
        await store.write(history.roll_up, 300.0, later + 600)
    rows = await store.read(history.rollups, num, since=later, width_s=300.0)
    assert [row["at"] for row in rows] == [later]


async def test_the_hour_weighs_each_stretch_by_its_statuses(store: Store) -> None:
    num = await a_miner(store)
    await fill(store, num, [START + 1], hashrate_hs=100e12)
    await fill(store, num, [START + 301, START + 302, START + 303], hashrate_hs=60e12)
    now = START + 3600 + history.SETTLE_S
    assert await store.write(history.roll_up, 300.0, now, most=99) == 12
    assert await store.write(history.roll_up, 3600.0, now) == 1
    (row,) = await store.read(history.rollups, num, since=START, width_s=3600.0)
    assert (row["n"], row["hashrate_mean_hs"]) == (4, 70e12)
    assert (row["hashrate_min_hs"], row["hashrate_max_hs"]) == (60e12, 100e12)


async def test_old_statuses_go_but_the_latest_of_each_miner_stays(store: Store) -> None:
    one, other = await a_miner(store), await a_miner(store, "02:00:00:00:00:02", "127.0.0.10")
    await fill(store, one, [START + i for i in range(10)])
    await fill(store, other, [START + i for i in range(5)])
    assert not await store.write(history.prune, Status, START + 8)  # not summed up yet: it stays
    await store.write(history.roll_up, 300.0, START + 600)
    while await store.write(history.prune, Status, START + 8):
        pass
    assert [s.at for s in await store.read(readings.newest, one, limit=99)] == [START + 9, START + 8]
    assert [s.at for s in await store.read(readings.newest, other, limit=99)] == [START + 4]


async def test_old_chips_are_thinned_to_one_a_half_hour_and_still_read_in_order(store: Store) -> None:
    num = await a_miner(store)
    await fill(store, num, [START + 60 * i for i in range(180)], chips=True)  # three hours, a record a minute
    while await store.write(history.thin_chips, START + 7200):
        pass
    times = [at - START for at, _ in await store.read(telemetry.newest, num, limit=1000)]
    assert times == [*(60.0 * i for i in range(179, 119, -1)), 5400.0, 3600.0, 1800.0, 0.0]


async def test_the_budget_takes_the_oldest_and_the_file_shrinks(store: Store) -> None:
    num = await a_miner(store)
    without = await store.read(dialect.used_bytes)
    for day in range(6):
        await fill(store, num, [START + day * 86_400 + 15 * i for i in range(1200)], chips=True)
    filled = await store.read(dialect.used_bytes) - without
    two_thirds: Any = (without + filled * 2 / 3) / 2**20
    limits = Limits(raw_days=3650, telemetry_raw_hours=87_600, max_database_mb=two_thirds)
    keeper = Retention(store, limits, clock=FakeClock(START + 6 * 86_400))
    for _ in range(3):
        await keeper.prune()
    assert await store.read(dialect.used_bytes) <= limits.max_database_mb * 2**20
    newest = await store.read(readings.newest, num, limit=1)
    assert newest[0].at == START + 5 * 86_400 + 15 * 1199
    assert await store.read(count, Status) > 1000
    assert await store.read(count, Chips) > 1000


async def test_a_miner_that_left_long_ago_holds_up_no_ageing(store: Store) -> None:
    gone, one = await a_miner(store), await a_miner(store, "02:00:00:00:00:02", "127.0.0.10")
    await fill(store, gone, [START - 30 * 86_400], chips=True)
    await fill(store, one, [START + 15 * i for i in range(960)], chips=True)  # four hours
    limits = Limits(raw_days=0.05, telemetry_raw_hours=1, telemetry_30m_days=0.05)
    keeper = Retention(store, limits, clock=(clock := FakeClock(START + 4 * 3600)))
    for _ in range(12):
        await keeper.prune()
        clock.advance(60)
    assert 200 < await store.read(count, Status) < 400
    assert [s.at for s in await store.read(readings.newest, gone, limit=9)] == [START - 30 * 86_400]


async def test_the_budget_reaches_the_rollups_where_nothing_of_the_raw_history_may_go(store: Store) -> None:
    for i in range(3):  # as on a master: the latest of each miner, and what other nodes summed up
        num = await a_miner(store, f"02:00:00:00:00:0{i}", f"127.0.0.1{i}")
        await fill(store, num, [START + 86_400 * i])
    await store.write(sum_up, 1000)
    for _ in range(300):
        if not await store.write(history.drop_oldest):
            break
    assert await store.read(count, Rollup5m) <= 1
    assert await store.read(count, Status) == 3


def sum_up(db: Any, stretches: int) -> None:
    for i in range(stretches):
        Rollup5m.insert(at=START + 300 * i, num=1, n=1, hashing_n=1).execute(db)


async def test_retention_rolls_up_before_it_prunes(store: Store) -> None:
    num = await a_miner(store)
    await fill(store, num, [START + 15 * i for i in range(960)])  # four hours
    keeper = Retention(store, Limits(raw_days=0.05), clock=(clock := FakeClock(START + 4 * 3600)))
    for _ in range(12):
        await keeper.prune()
        clock.advance(60)
    assert await store.read(count, Rollup5m) == 48
    assert await store.read(count, Rollup1h) == 4
    assert await store.read(count, Status) < 400


async def test_a_broken_link_ends_the_list_and_nothing_else(store: Store) -> None:
    num = await a_miner(store)
    await fill(store, num, [START + i for i in range(5)])
    await store.write(lambda db: Status.delete().where(Status.at == START + 2).execute(db))
    assert [s.at - START for s in await store.read(readings.newest, num, limit=99)] == [4.0, 3.0]


@pytest.mark.parametrize("set_back", [True, False])
async def test_a_clock_that_jumps_loses_nothing(store: Store, set_back: bool) -> None:
    num = await a_miner(store)
    await fill(store, num, [START + 15 * i for i in range(40)])
    jump = -86_400.0 if set_back else 86_400.0
    await fill(store, num, [START + jump + 15 * i for i in range(40)])
    for _ in range(3):
        await store.write(history.roll_up, 300.0, START + abs(jump) + 7200, most=400)
    assert len(await store.read(readings.newest, num, limit=99)) == 80


async def test_a_status_whose_small_parts_cannot_be_read_still_says_the_rest(store: Store) -> None:
    num = await a_miner(store)
    await fill(store, num, [START])
    await store.write(lambda db: Status.update(detail=b"\x02rubbish").execute(db))
    (status,) = await store.read(readings.newest, num, limit=1)
    assert (status.partial, status.hashrate_hs, status.fans) == (True, 1e14, ())


STORED_BY_0_1_0 = bytes.fromhex(
    "029593490ec2300c452f6422cf490ec302a4ee0a6283c4f171c2a4b614956c1239f18fe5fffccd42d334f15058e71e2e420c22335b65fe"
    "6abf62a910164e1e3b3b2683220ec4960db4c58b803218826570835c256e1538ec9ed020985d9b48a18944a44b4f2f9f74efb44c0012ac"
    "5c7fd540a015cc213ec1770533e0da797748c3ed70ba8cc30a7e88644b04dd2a11308536da134628400f20bbf0f12fe137947d34e07c1d"
    "c757cbb6a04cdadaa9b94f46a73a4e422e5be02694aa31d4cfd5785aa53d6134f51bf1e80be6d9105fdc57de867ee085550933ad0dc11d"
)
"""The small parts of a status that hive-polld of 0.1.0 stored, of a simulated S19j Pro."""


async def test_a_status_that_0_1_0_stored_is_read_as_before(store: Store) -> None:
    num = await a_miner(store)
    await fill(store, num, [START], power_w=2508.0, average_hashrate_hs=93.154716e12)
    await store.write(lambda db: Status.update(detail=STORED_BY_0_1_0).execute(db))
    (status,) = await store.read(readings.newest, num, limit=1)
    assert (status.partial, status.reported_power_w, status.fan_duty_percent) == (False, 2508.0, 54.0)
    assert status.fans[2:] == (FanReading(2, 3300, 6000, "ok"), FanReading(3, 3240, 6000, "ok"))
    assert [board.index for board in status.hashboards] == [1, 2, 3]
    assert status.hashboards[0] == HashboardReading(
        1, "mining", None, 31.0826e12, 31.2605e12, 836.0, 12575.0, 482.683, 42.0, 50.0, 57.0, 65.0, 793, 124, 2, 0
    )
    assert [pool.kind for pool in status.pools] == ["user", "user", "devfee"]
    assert status.pools[0] == PoolReading(
        0, "pool-a.example.com:3333", "farm.worker0015", "user", "active", 65911, 210, 105, "131K", 8, 1.0
    )
    assert (status.extra["best_share"], status.extra["preset_tuned"]) == (3100941071, True)
    assert status.pcb_temp_min_c is None


async def test_every_number_that_is_measured_comes_back(store: Store) -> None:
    num = await a_miner(store)
    told: dict[str, Any] = {measure.name: 40.0 + i for i, measure in enumerate(measures.MINER)}
    board: dict[str, Any] = {measure.name: 60.0 + i for i, measure in enumerate(measures.BOARD)}
    await fill(store, num, [START], **told, hashboards=(HashboardReading(1, **board),))
    (status,) = await store.read(readings.newest, num, limit=1)
    assert {name: getattr(status, name) for name in told} == told
    assert {name: getattr(status.hashboards[0], name) for name in board} == pytest.approx(board)


async def test_the_highest_temperatures_of_boards_and_power_supply_are_rolled_up(store: Store) -> None:
    num = await a_miner(store)
    for i, temp in enumerate((55.0, 61.0, 58.0)):
        await fill(store, num, [START + 60 * i], pcb_temp_max_c=temp, psu_temp_max_c=temp - 10)
    await store.write(history.roll_up, 300.0, START + 3600 + history.SETTLE_S)
    await store.write(history.roll_up, 3600.0, START + 3600 + history.SETTLE_S)
    for width_s in (300.0, 3600.0):
        (row,) = await store.read(history.rollups, num, since=START, width_s=width_s)
        assert (row["pcb_temp_max_c"], row["psu_temp_max_c"]) == (61.0, 51.0)
