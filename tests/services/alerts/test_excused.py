"""What an order excuses a miner from, and for how long."""

from __future__ import annotations

import pytest

from tests.services.alerts.alertsite import AlertSite


@pytest.mark.parametrize(
    ("verb", "state", "wrong"),
    [
        ("cooling", "confirmed", 4), ("preset", "confirmed", 4), ("resume", "running", 4), ("reboot", "confirmed", 4),
        ("reboot", "running", 3), ("restart", "running", 3), ("pause", "running", 3),
    ],
)  # fmt: skip
async def test_an_order_excuses_from_being_offline_only_what_it_can_cause(
    site: AlertSite, verb: str, state: str, wrong: int
) -> None:
    await site.miners(range(1, 5), group="row A")
    await site.miners(range(5, 9), group="row B")
    await site.ordered(4, verb, state)
    await site.offline(1, 2, 3, 4)
    await site.turn(2)
    (notice,) = await site.notices()
    assert notice.title == f"{wrong} miners offline, all at once: group row A"
    await site.turn(12)
    (alert,) = await site.open()
    assert alert.most == 4, "patience is over: it should have been back long ago"


async def test_one_that_answers_is_proof_that_not_all_are_gone(site: AlertSite) -> None:
    await site.miners(range(1, 5), group="row A")
    await site.miners(range(5, 9), group="row B")
    await site.ordered(4, "preset", "confirmed")
    await site.offline(1, 2, 3)
    await site.turn(5)
    assert await site.said() == [("miners-offline", "opened")]


async def test_what_is_back_is_back_while_it_starts_by_an_order(site: AlertSite) -> None:
    await site.miners(range(1, 5), group="row A")
    await site.miners(range(5, 9), group="row B")
    await site.offline(1, 2, 3, 4)
    await site.turn(2)
    await site.online(1, 2, 3, 4)
    for number in range(1, 5):
        await site.ordered(number, "resume", "running")
    await site.turn(4)
    assert await site.said() == [("group-offline", "opened"), ("group-offline", "ended")]
