"""Miners that vanish, move, swap addresses or get another control board keep their histories."""

from __future__ import annotations

from hived.store import events
from hived.store.miners import miners, readings, telemetry, views
from tests.services.conftest import MakeSite, kinds


async def test_a_vanished_miner_is_offline_after_two_misses_and_comes_back_as_it_was(make_site: MakeSite) -> None:
    here = await make_site(3)
    gone = here.fleet.miners[1]
    await here.discoverer().round()
    await here.store.write(miners.set_managed, gone.mac, True, here.clock())
    await here.store.write(miners.set_password, gone.mac, "secret-1", here.clock())
    before = await here.row(gone)
    await here.fleet.vanish(gone)
    await here.discoverer().round()
    assert (await here.row(gone)).online
    await here.discoverer().round()
    row = await here.row(gone)
    assert (row.online, row.ip, row.managed, row.unlock_password) == (False, None, True, "secret-1")
    await here.fleet.bring_back(gone)
    await here.discoverer().round()
    row = await here.row(gone)
    assert (row.online, row.ip, row.access) == (True, gone.ip, before.access)
    assert (await kinds(here, row.num))[:2] == ["miner_online", "miner_offline"]
    assert len(gone.keys) == 1


async def test_two_miners_that_swap_addresses_keep_their_rows_and_histories(make_site: MakeSite) -> None:
    here = await make_site(2)
    one, other = here.fleet.miners
    discoverer = here.discoverer()
    await discoverer.round()
    async with here.poller() as poller:
        await poller.round()
        rows = {m.mac: (await here.row(m)).num for m in (one, other)}
        await here.fleet.swap(one, other)
        here.clock.advance(15)
        await poller.round()  # nobody has told hived yet: what the wrong miner says is not stored
        for miner in (one, other):
            assert len(await here.store.read(readings.newest, rows[miner.mac], limit=10)) == 1
            assert "address now" in ((await here.view(miner)).last_error or "")
        await discoverer.round()
        here.clock.advance(15)
        await poller.round()
    for miner in (one, other):
        row = await here.row(miner)
        assert (row.num, row.ip) == (rows[miner.mac], miner.ip)
        newest = (await here.store.read(readings.newest, row.num, limit=1))[0]
        assert newest.at == here.clock()
        assert newest.pools[0].user == miner.settings["miner"]["pools"][0]["user"]
    assert len(await here.store.read(miners.known)) == 2


async def test_a_moved_miner_is_found_again_and_the_move_is_an_event(make_site: MakeSite) -> None:
    here = await make_site(2)
    moved = here.fleet.miners[0]
    await here.discoverer().round()
    await here.fleet.move(moved, "127.33.0.40")
    await here.discoverer().round()
    row = await here.row(moved)
    assert (row.online, row.ip) == (True, "127.33.0.40")
    event = (await here.store.read(events.newest, num=row.num, kind="address_changed"))[0]
    assert event.detail == {"before": "127.33.0.1", "after": "127.33.0.40"}
    assert len(moved.keys) == 1


async def test_a_replaced_control_board_is_a_new_miner_with_a_history_of_its_own(make_site: MakeSite) -> None:
    here = await make_site(1)
    rig = here.fleet.miners[0]
    old_mac = rig.mac
    discoverer = here.discoverer()
    await discoverer.round()
    here.fleet.replace_board(rig)
    await discoverer.round()
    await discoverer.round()
    old = await here.store.read(miners.by_mac, old_mac)
    new = await here.row(rig)
    assert old is not None
    assert (old.online, old.ip) == (False, None)
    assert (new.online, new.ip, new.num != old.num) == (True, rig.ip, True)
    assert len(rig.keys) == 1


async def test_history_of_chips_survives_a_move(make_site: MakeSite) -> None:
    here = await make_site(1)
    rig = here.fleet.miners[0]
    discoverer = here.discoverer()
    await discoverer.round()
    async with here.poller() as poller:
        await poller.round()
        await here.fleet.move(rig, "127.33.0.50")
        await discoverer.round()
        here.clock.advance(61)
        await poller.round()
    stored = await here.store.read(telemetry.newest, (await here.row(rig)).num, limit=100)
    assert len({at for at, _ in stored}) == 2
    assert len(await here.store.read(views.miners)) == 1
