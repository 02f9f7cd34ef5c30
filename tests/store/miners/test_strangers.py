"""What only claimed to be a miner leaves, and what it told of models harms nobody else."""

from __future__ import annotations

from typing import Any

import pytest

from hived.records.miner import MinerIdentity, ModelInfo, Preset
from hived.runtime.options import Retention as Limits
from hived.services.appliance.retain import Retention
from hived.store import Store, events
from hived.store.miners import miners, models, replaced
from hived.store.miners.miners import Sighting
from hived.store.schema import Event as EventRow
from hived.store.schema import Health, Ladder, Miner, Model
from tests.clock import FakeClock

NOW = 1_800_000_000.0
DAY = 86_400.0
REAL = Preset("3080", 3080.0, 100e12)
FALSE = Preset("3080", 1.0, 1e12)


def saw(db: Any, /, n: int, at: float, **more: Any) -> int:
    identity = MinerIdentity(f"02:00:00:00:00:{n:02x}", model_alias=more.pop("alias", "s19"), **more)
    return miners.saw(db, Sighting(identity, f"10.0.0.{n}", at, "vnish"), node_id="node-1").num


def went(db: Any, /, num: int, at: float) -> None:
    miners.missed(db, [num], at, offline_after=1)


def rows_of(db: Any, /, table: Any, num: int) -> int:
    return int(table.select().where(table.num == num).bind(db).count())


async def prune(store: Store, clock: FakeClock) -> None:
    await Retention(store, Limits(), clock=clock, monotonic=clock).prune()


async def test_who_was_never_opened_and_is_gone_for_a_day_is_forgotten_with_all_rows(
    store: Store, clock: FakeClock
) -> None:
    def site(db: Any) -> dict[str, int]:
        nums = {name: saw(db, n, clock()) for n, name in enumerate(("lie", "opened", "own", "managed", "here"), 1)}
        miners.keep_access(db, nums["opened"], "key", clock(), ip="10.0.0.2")
        miners.drop_access(db, nums["opened"], clock())
        miners.set_password(db, "02:00:00:00:00:03", "p", clock())
        miners.set_managed(db, "02:00:00:00:00:04", True, clock())
        for name in ("lie", "opened", "own", "managed"):
            went(db, nums[name], clock())
        return nums

    nums = await store.write(site)
    clock.advance(DAY - 60)
    await prune(store, clock)
    assert len(await store.read(miners.known)) == 5
    clock.advance(120)
    await prune(store, clock)
    assert {miner.num for miner in await store.read(miners.known)} == set(nums.values()) - {nums["lie"]}
    for table in (Miner, Health, EventRow):
        assert await store.read(rows_of, table, nums["lie"]) == 0, table


async def test_removing_a_miner_takes_its_events_along(store: Store) -> None:
    num = await store.write(saw, 1, NOW)
    await store.write(replaced.remove, [num])
    again = await store.write(saw, 2, NOW)
    told = [event.kind for event in await store.read(events.newest, num=again)]
    assert told == ["miner_found"]


# models


def tells(db: Any, /, alias: str, presets: list[Preset] | None, version: str, at: float, **facts: Any) -> None:
    boards = facts.pop("boards", "")
    models.save(db, ModelInfo(alias, **facts), presets, version, at, boards=boards)


def opened(db: Any, /, n: int, **more: Any) -> None:
    miners.keep_access(db, saw(db, n, NOW, **more), "key", NOW, ip=f"10.0.0.{n}")


async def test_a_made_up_version_changes_nothing_for_the_others(store: Store) -> None:
    for n in range(1, 4):
        await store.write(opened, n, firmware_version="1.2.6")
    await store.write(tells, "s19", [REAL], "1.2.6", NOW, name="Antminer S19", chips_per_chain=76, chains=3)
    await store.write(opened, 9, firmware_version="9.9.9")
    lie = {"name": "Toaster", "chips_per_chain": 1, "chains": 9, "series": "x", "topology": ((0, 1),)}
    await store.write(tells, "s19", [FALSE, Preset("9999", 9999.0, 9e15)], "9.9.9", NOW + 1, **lie)
    (model,) = await store.read(models.views)
    assert (model.name, model.chips_per_chain, model.chains) == ("Antminer S19", 76, 3)
    assert {preset["name"]: preset["hashrate_hs"] for preset in model.presets}["3080"] == REAL.hashrate_hs
    assert model.topology == ((0, 1),), "what nobody told yet is taken"
    honest, liar = await store.read(lambda db: (ladder_of(db, "1.2.6"), ladder_of(db, "9.9.9")))
    assert honest[0]["hashrate_hs"] == REAL.hashrate_hs
    assert liar[0]["hashrate_hs"] == FALSE.hashrate_hs


def ladder_of(db: Any, version: str) -> Any:
    return models.ladder(db, models.Make("s19", version, ""))


async def test_the_ladders_of_a_model_are_bounded_and_that_of_most_miners_stays(store: Store) -> None:
    for n in (1, 2):
        await store.write(opened, n, firmware_version="1.2.6")
    await store.write(tells, "s19", [REAL], "1.2.6", NOW)
    for n in range(3 * models.MAX_VERSIONS):
        await store.write(tells, "s19", [FALSE], f"9.{n}", NOW + 1 + n)
    count = await store.read(lambda db: Ladder.select().bind(db).count())
    assert count == models.MAX_VERSIONS
    assert (await store.read(ladder_of, "1.2.6"))[0]["hashrate_hs"] == REAL.hashrate_hs
    (model,) = await store.read(models.views)
    assert model.presets[0]["hashrate_hs"] == REAL.hashrate_hs
    assert "1.2.6" in model.firmware_versions
    assert len(model.firmware_versions) <= models.MAX_VERSIONS


async def test_a_true_model_finds_room_among_invented_ones(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "MAX_MODELS", 20)
    await store.write(opened, 1, alias="s21")
    await store.write(tells, "s21", [REAL], "1", NOW - 1)
    await store.write(tells, "t9", [REAL], "1", NOW - 1)
    await store.write(models.set_limits, "t9", {"max_preset": "3080"})
    for n in range(60):
        await store.write(tells, f"fake-{n}", [FALSE], "1", NOW + n)
    names = {model.alias for model in await store.read(models.views)}
    assert len(names) == 20
    assert {"s21", "t9", "fake-59"} <= names
    ladders = await store.read(lambda db: {row.short for row in Ladder.select(Ladder.short).bind(db)})
    assert ladders <= names


async def test_models_that_no_miner_has_leave_after_a_day(store: Store, clock: FakeClock) -> None:
    await store.write(opened, 1, alias="s21")
    for alias in ("s21", "fake"):
        await store.write(tells, alias, [REAL], "1", clock())
    clock.advance(DAY + 60)
    await prune(store, clock)
    assert [model.alias for model in await store.read(models.views)] == ["s21"]
    assert await store.read(lambda db: Model.select().bind(db).count()) == 1
