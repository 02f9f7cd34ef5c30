"""A miner in trouble delays nobody, and its reason is stored: every fault on the wire, every move and lock."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from hived.services.miners import poll
from hived.simulator.miners.faults import Fault
from hived.store import events
from hived.store.miners import readings, views
from tests.services.conftest import MakeSite, Site
from tests.services.miners.test_poll import SOON_S, polled

HEALTHY = 6

FAULTS: list[tuple[Fault, dict[str, Any], str, str]] = [
    (Fault.SLOW, {"delay": 30.0}, "no answer within 1.5 s", "timeout"),
    (Fault.HUNG, {}, "no answer within 1.5 s", "timeout"),
    (Fault.DRIP, {}, "no answer within 1.5 s", "timeout"),
    (Fault.RESET, {}, "connection", "connection_lost"),
    (Fault.ERROR_500, {}, "HTTP 500", "server_error"),
    (Fault.CUT_JSON, {}, "cut", "unreadable"),
    (Fault.CUT_JSON, {"drop": True}, "cut", "unreadable"),
    (Fault.INVALID_JSON, {}, "not JSON", "unreadable"),
    (Fault.HUGE_BODY, {}, "too long", "unreadable"),
    (Fault.GZIP_BOMB, {}, "compressed", "unreadable"),
    (Fault.NOT_A_MINER, {"kind": "printer"}, "", "unreadable"),
    (Fault.NOT_A_MINER, {"kind": "json"}, "", "other_device"),
    (Fault.NOT_A_MINER, {"kind": "router"}, "asks for a login", "other_device"),
    (Fault.STOCK_FIRMWARE, {}, "stock", "stock_firmware"),
]


@pytest.mark.parametrize(
    ("fault", "options", "reason", "code"), FAULTS, ids=lambda v: v.value if isinstance(v, Fault) else ""
)
async def test_a_faulty_miner_delays_nobody_and_its_reason_is_stored(
    make_site: MakeSite, fault: Fault, options: dict[str, Any], reason: str, code: str
) -> None:
    here = await make_site(HEALTHY + 1)
    await here.discoverer().round()
    bad = here.fleet.miners[3]
    here.fleet.set_fault(bad, fault, **options)
    num = (await here.row(bad)).num
    others = [i for i in range(HEALTHY + 1) if i != 3]
    if fault in (Fault.SLOW, Fault.HUNG, Fault.DRIP):
        async with here.poller(timeout_s=60.0) as poller:
            await poller.poll_due()
            waiting = poller.under_way()
            await asyncio.gather(*(task for n, task in waiting.items() if n != num))
            assert not waiting[num].done(), "the healthy ones waited for the faulty one"
        here.clock.advance(15)
    async with here.poller(timeout_s=SOON_S) as poller:
        for turn in range(2):
            await poller.poll_due()
            await asyncio.gather(*(task for n, task in poller.under_way().items() if n != num))
            await poller.flush()
            for index in others:  # whatever the faulty one does by now, all others are stored, on time
                assert (await polled(here, index))[0].at == here.clock(), f"turn {turn}"
            await poller.drain()
            here.clock.advance(15)
    view = await here.view(bad)
    assert await polled(here, 3) == []
    assert reason in (view.last_error or "")
    assert view.last_error
    assert view.last_error_code == code
    assert view.error_count >= 2
    assert view.last_error_at is not None
    assert view.failures >= 2
    assert view.online
    here.fleet.clear_fault(bad)
    here.clock.advance(poll.BACKOFF_MAX_S)
    async with here.poller() as poller:
        await poller.round()
    assert len(await polled(here, 3)) == 1
    assert (await here.view(bad)).failures == 0


async def _moved(here: Site) -> None:
    await here.fleet.move(here.fleet.miners[3], "127.33.0.55")


async def _swapped(here: Site) -> None:
    await here.fleet.swap(here.fleet.miners[3], here.fleet.miners[2])


async def _vanished(here: Site) -> None:
    await here.fleet.vanish(here.fleet.miners[3])


async def _key_and_password_changed(here: Site) -> None:
    rig = here.fleet.miners[3]
    rig.access.keys.clear()
    here.fleet.change_password(rig, "another")


async def _board_replaced(here: Site) -> None:
    here.fleet.replace_board(here.fleet.miners[3])


@pytest.mark.parametrize(
    ("trouble", "hit", "reason"),
    [
        (_moved, {3}, "refused"),
        (_swapped, {2, 3}, "address now"),
        (_vanished, {3}, "refused"),
        (_key_and_password_changed, {3}, "password"),
        (_board_replaced, {3}, "address now"),
    ],
)
async def test_who_moves_vanishes_or_locks_itself_delays_nobody_and_the_reason_is_stored(
    make_site: MakeSite, trouble: Callable[[Site], Awaitable[None]], hit: set[int], reason: str
) -> None:
    here = await make_site(6)
    await here.discoverer().round()
    nums = [(await here.row(m)).num for m in here.fleet.miners]
    macs = [m.mac for m in here.fleet.miners]
    async with here.poller() as poller:
        await poller.round()
        await trouble(here)
        for _ in range(2):
            here.clock.advance(15)
            await poller.round()
            for index in set(range(6)) - hit:
                assert (await here.store.read(readings.newest, nums[index], limit=1))[0].at == here.clock()
        # A restarted discovery tries the stored key at once; a running one within the hour.
        await here.discoverer().round()
    for index in hit:
        told = [
            e.detail.get("error", "") for e in await here.store.read(events.newest, num=nums[index], kind="miner_error")
        ]
        found = await here.store.read(views.miners, mac=macs[index])
        assert any(reason in text for text in [*told, found[0].last_error or ""])
        assert found[0].error_count >= 1
