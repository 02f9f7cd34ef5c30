"""A machine whose control board was exchanged is one miner, as hive-discoverd and hive-polld see it."""

from __future__ import annotations

import pytest

from hived.store import events
from hived.store.miners import miners, readings, views
from tests.services.conftest import MakeSite


@pytest.mark.parametrize("waits", [False, True], ids=["at once", "when it was offline"])
async def test_a_machine_goes_on_with_its_history_under_the_mac_of_its_new_board(
    make_site: MakeSite, waits: bool
) -> None:
    here = await make_site(3)
    discoverer = here.discoverer()
    await discoverer.round()
    rig = here.fleet.miners[0]
    old, num = rig.mac, (await here.row(rig)).num
    await here.store.write(miners.set_managed, old, True, here.clock())
    async with here.poller() as poller:
        await poller.round()
        if waits:
            await here.fleet.vanish(rig)
            for _ in range(2):
                here.clock.advance(30)
                await discoverer.round()
        here.fleet.replace_board(rig)
        if waits:
            await here.fleet.bring_back(rig)
        for _ in range(3):
            here.clock.advance(30)
            await discoverer.round()
            await poller.round()
    found = await here.store.read(views.miners)
    assert len(found) == 3
    (view,) = [one for one in found if one.num == num]
    assert (view.mac, view.online, view.managed, view.has_key) == (rig.mac, True, True, True)
    assert view.mac != old
    assert view.ip == rig.ip
    assert len(await here.store.read(readings.newest, num, limit=9)) >= 3
    told = [event.kind for event in await here.store.read(events.newest, num=num, limit=99)]
    assert told.count("board_replaced") == 1
