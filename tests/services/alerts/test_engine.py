"""The engine over its rows, of both kinds of database."""

from __future__ import annotations

from hived.records.host import HostTrouble
from hived.store.alerts import notices
from tests.services.alerts.alertsite import AlertSite, board

DEAD = {"hashboards": (board(1), board(2, state="failure", hashrate_hs=0.0)), "hashrate_hs": 50e12}
WELL = {"hashboards": (board(1), board(2)), "hashrate_hs": 102e12}
FULL = HostTrouble("disk_full", "the disk is full", "make room")


async def test_a_breaker_is_told_once_with_what_was_lost_and_once_when_it_is_over(site: AlertSite) -> None:
    await site.miners(range(1, 9), group="row A")
    await site.miners(range(11, 15), group="row B")
    await site.turn(5)
    await site.offline(*range(1, 9))
    await site.turn(18)
    await site.online(*range(1, 9))
    await site.turn(20)
    opened, ended = await site.notices()
    assert opened.title == "8 miners offline, all at once: group row A"
    assert opened.body.splitlines() == [
        "What: 8 miners offline, all at once: group row A",
        "Where: group row A: 10.0.0.1, 10.0.0.2, 10.0.0.3, 10.0.0.4, 10.0.0.5 and 3 more",
        "Since: 2027-01-15 08:06 UTC (60 s ago)",
        "Lost: 832 TH/s now, 14 TH·h so far",
        "Next step: check the breaker, the switch and its cable: all of them went at once",
        "More: https://shed.example/alerts/1",
    ]
    assert ended.title == ("Over: 8 miners offline, all at once, group row A: 8 of 8 back after 18 min, 0.2 PH·h lost")
    assert (opened.key[8:], ended.key[8:]) == ("-1-1", "-1-2")


async def test_a_round_that_is_repeated_writes_nothing_twice(site: AlertSite) -> None:
    await site.miners(range(1, 9), group="row A")
    await site.offline(*range(1, 9))
    await site.turn(3)
    for _ in range(5):
        site.engine = site.fresh()
        await site.engine.tick()
    assert await site.said() == [("group-offline", "opened")]
    assert len(await site.store.read(notices.listing)) == 1
