"""A wallet that is changed on a miner is told within one poll, and judged by what the operator allows."""

from __future__ import annotations

from typing import Any

import pytest

from hived.errors import Conflict, NotFound
from hived.records.access import By
from hived.records.condition import Moment, condition, essence
from hived.records.events import sentence, tone
from hived.services.miners import pools
from hived.simulator.miners.miner import SimulatedMiner
from hived.store import audit, events
from hived.store.engine.database import Database
from hived.store.miners import allowed_pools, views
from tests.services.conftest import MakeSite, Site


def set_pool(rig: SimulatedMiner, slot: int, **values: str) -> None:
    told = [dict(pool) for pool in rig.settings["miner"]["pools"]]
    told[slot] |= values
    rig.settings = {**rig.settings, "miner": {**rig.settings["miner"], "pools": told}}
    rig.changed()


async def told(here: Site) -> list[str]:
    found = await here.store.read(events.newest, kind="pool_changed")
    assert all(tone(event) == "bad" for event in found)
    return [sentence(event) for event in reversed(found)]


@pytest.mark.parametrize(
    ("slot", "values", "text"),
    [
        (0, {"user": "thief.777"}, "pool 1 is {url} as thief.777, was"),
        (1, {"user": "thief.777"}, "pool 2 is {url} as thief.777, was"),
        (0, {"url": "evil.example:3333"}, "pool 1 is evil.example:3333 as"),
        (1, {"url": "evil.example:3333"}, "pool 2 is evil.example:3333 as"),
        (
            2,
            {"url": "evil.example:3333", "user": "thief"},
            "pool 3 is evil.example:3333 as thief, was not",
        ),
    ],
)
async def test_a_changed_url_or_worker_in_any_slot_is_told_within_one_poll(
    make_site: MakeSite, slot: int, values: dict[str, str], text: str
) -> None:
    here = await make_site(1)
    await here.discoverer().round()
    rig = here.fleet.miners[0]
    num = (await here.row(rig)).num
    async with here.poller() as poller:
        for _ in range(3):
            await poller.round()
            here.clock.advance(15)
        assert await told(here) == []
        set_pool(rig, slot, **values)
        for _ in range(3):
            await poller.round()
            (only,) = await told(here)
            here.clock.advance(15)
    assert only.startswith(text.format(url=f"pool-{'abc'[slot]}.example.com:3333"))
    found = await here.store.read(events.newest, num=num, limit=99)
    assert "pool_switched" not in {event.kind for event in found}
    assert (await here.row(rig)).settings_due_at == 0.0, "the settings tell it within the next sweep"


async def test_a_restart_of_hive_polld_between_the_two_hides_nothing(make_site: MakeSite) -> None:
    here = await make_site(1)
    await here.discoverer().round()
    async with here.poller() as poller:
        await poller.round()
    set_pool(here.fleet.miners[0], 0, user="thief.777")
    here.clock.advance(900)
    async with here.poller() as poller:
        await poller.round()
    assert len(await told(here)) == 1


def by(here: Site) -> By:
    return By(at=here.clock(), who="ann", via="page", address=None)


async def test_a_miner_needs_a_look_until_its_pool_is_allowed_or_set_right(make_site: MakeSite) -> None:
    here = await make_site(2)
    await here.discoverer().round()
    rig, other = here.fleet.miners
    mine = rig.settings["miner"]["pools"][0]["user"]

    async def judged(miner: SimulatedMiner) -> tuple[str | None, str, bool]:
        allowed = await here.store.read(allowed_pools.listing)
        view, moment = await here.view(miner), Moment(here.clock(), 15.0, allowed=allowed)
        how = condition(view, moment)
        assert how == condition(essence(view), moment), "live miners keep what is judged"
        return how.why, how.tone, "foreign" in how.marks

    async def used() -> list[tuple[bool | None, int]]:
        def look(db: Database) -> list[Any]:
            return pools.in_use(views.miners(db), allowed_pools.listing(db))

        return [(one.allowed, len(one.miners)) for one in await here.store.read(look)]

    async with here.poller() as poller:

        async def poll() -> None:
            here.clock.advance(15)
            await poller.round()

        await poll()
        assert await judged(rig) == (None, "good", False)
        assert {allowed for allowed, _ in await used()} == {None}
        await here.store.write(pools.allow, "*.example.com", "farm", by(here))
        assert await judged(rig) == (None, "good", False)
        set_pool(rig, 1, user="thief.777")
        await poll()
        why, shade, strange = await judged(rig)
        assert why is not None
        assert "as thief.777, which is not allowed" in why
        assert (shade, strange) == ("bad", True)
        assert (await used())[0] == (False, 1)
        assert await judged(other) == (None, "good", False)
        entry = await here.store.write(pools.allow, "pool-b.example.com", "thief", by(here))
        assert await judged(rig) == (None, "good", False)
        await here.store.write(pools.remove, entry.id, by(here))
        assert (await judged(rig))[1:] == ("bad", True)
        set_pool(rig, 1, user=mine)
        await poll()
        assert await judged(rig) == (None, "good", False)
    told_of = [(row["action"], row["target"], row["who"]) for row in await here.store.read(audit.listing, limit=9)]
    assert told_of == [
        ("pool.remove", "pool-b.example.com", "ann"), ("pool.allow", "pool-b.example.com", "ann"),
        ("pool.allow", "*.example.com", "ann"),
    ]  # fmt: skip


async def test_an_entry_is_there_once(make_site: MakeSite) -> None:
    here = await make_site(1)
    first = await here.store.write(pools.allow, "pool.example", None, by(here))
    with pytest.raises(Conflict):
        await here.store.write(pools.allow, " pool.example ", None, by(here))
    await here.store.write(pools.allow, "pool.example", "farm", by(here))
    await here.store.write(pools.remove, first.id, by(here))
    with pytest.raises(NotFound):
        await here.store.write(pools.remove, first.id, by(here))
