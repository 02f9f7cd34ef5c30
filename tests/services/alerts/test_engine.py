"""From what is wrong to notices: when people are told, and when not."""

from __future__ import annotations

from tests.services.alerts.alertsite import AlertSite


async def test_a_breaker_is_told_once_with_all_that_it_explains_and_once_when_it_is_over(site: AlertSite) -> None:
    await site.miners(range(1, 9), group="row A")
    await site.miners(range(11, 15), group="row B")
    await site.turn(5)
    assert await site.said() == []
    await site.offline(*range(1, 9))
    await site.turn(18)
    assert await site.said() == [("group-offline", "opened")]
    await site.online(*range(1, 9))
    await site.turn(20)
    opened, ended = await site.notices()
    assert opened.title == "8 miners offline, all at once: group row A"
    print(opened.body)
    print(ended.title)
    print(ended.body)
    assert (
        ended.title
        == "Over: all of a group or node offline: 8 of 8 miners back after 18 min, 0.2 PH·h lost: group row A"
    )
