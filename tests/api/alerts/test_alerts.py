"""Alerts over HTTP: what is open and what is over, who takes them in hand, and what is told of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from hived.api.http import latest
from hived.api.stream import Pace
from hived.records.access import Role
from hived.records.times import rfc3339
from hived.store import Store, audit
from hived.store.alerts import alerts as rows
from tests import alerts
from tests.api import farm
from tests.api.farm import NOW, Api
from tests.api.http.listener import listen
from tests.clock import FakeClock

ALERTS = "/api/v1/alerts"


@pytest.fixture
async def numbers(api: Api) -> tuple[int, int, int]:
    """The group that is dark, the miner that is hot, the fans that were lost."""
    return await api.store.write(alerts.furnish, NOW)


async def test_open_ones_come_first_each_with_what_it_explains(api: Api, numbers: tuple[int, int, int]) -> None:
    dark, hot, over = numbers
    found = await api.get(ALERTS)
    assert [one["id"] for one in found] == [dark, hot, over]  # both are bad: the newest first
    first = found[0]
    assert (first["what"], first["where"]) == (
        "12 miners offline, all at once: group row A",
        "group row A: 127.20.0.1, 127.20.0.2, 127.20.0.3, 127.20.0.4, 127.20.0.5 and 7 more",
    )
    assert first["next_step"].startswith("check the breaker")
    assert (first["since"], first["open"], first["wrong"], first["count"]) == (rfc3339(NOW - 1080), True, 12, 12)
    assert (first["lost_ths"], first["lost_th_hours"]) == (1200.0, 360.0)  # 1,200 TH/s for 18 minutes
    assert first["explains_count"] == 3
    assert next((one["name"], one["title"], one["what"]) for one in first["explains"]) == (
        "127.20.0.1", "Share of the expected hashrate", "0 % of what it should give",
    )  # fmt: skip
    assert len(first["members"]) == 10  # of twelve: the alert itself has them all
    assert len((await api.get(f"{ALERTS}/{dark}"))["members"]) == 12
    assert (found[2]["open"], found[2]["ended_at"], found[2]["next_step"]) == (False, rfc3339(NOW - 86_400), None)
    assert found[2]["lost_th_hours"] == 100.0


async def test_a_list_is_narrowed_by_state_and_goes_back_by_number(api: Api, numbers: tuple[int, int, int]) -> None:
    dark, hot, over = numbers
    assert [one["id"] for one in await api.get(f"{ALERTS}?state=open")] == [dark, hot]
    assert [one["id"] for one in await api.get(f"{ALERTS}?state=over")] == [over]
    assert [one["id"] for one in await api.get(f"{ALERTS}?before={dark}&limit=5")] == [over]
    assert await api.get(f"{ALERTS}?before={over}") == []
    assert (await api.ask("GET", f"{ALERTS}?state=past"))[0] == 400


async def test_an_alert_says_what_was_told_and_how_it_arrived(api: Api, numbers: tuple[int, int, int]) -> None:
    (told,) = (await api.get(f"{ALERTS}/{numbers[0]}"))["told"]
    assert (told["title"], told["at"]) == ("12 miners offline, all at once: group row A", rfc3339(NOW - 1000))
    assert told["deliveries"] == [
        {"channel": "mail", "attempts": 1, "sent_at": rfc3339(NOW - 379), "next_try_at": None, "given_up": False},
        {"channel": "ops", "attempts": 1, "sent_at": None, "next_try_at": rfc3339(NOW + 600), "given_up": False},
    ]
    assert (await api.ask("GET", f"{ALERTS}/99"))[0] == 404


async def test_who_acknowledges_takes_it_in_hand_once(api: Api, numbers: tuple[int, int, int]) -> None:
    dark, _, over = numbers
    assert await api.get(f"{ALERTS}/counts") == {"bad": 2, "warn": 0}
    code, taken = await api.ask("POST", f"{ALERTS}/{dark}/acknowledge", {})
    assert (code, taken["acknowledged_by"], taken["acknowledged_at"], taken["quiet"]) == (
        200, "tests", rfc3339(NOW), True,
    )  # fmt: skip
    assert await api.get(f"{ALERTS}/counts") == {"bad": 1, "warn": 0}
    api.clock.advance(60)
    assert (await api.ask("POST", f"{ALERTS}/{dark}/acknowledge"))[1]["acknowledged_at"] == rfc3339(NOW)
    assert (await api.ask("POST", f"{ALERTS}/{over}/acknowledge", {}))[0] == 409
    assert (await api.ask("POST", f"{ALERTS}/99/acknowledge", {}))[0] == 404
    noted = await api.store.read(audit.listing, limit=9)
    assert [(row["action"], row["target"]) for row in noted] == [("alert.acknowledge", f"{dark} group-offline")]


async def test_an_alert_sleeps_for_seconds_or_until_a_time(api: Api, numbers: tuple[int, int, int]) -> None:
    dark, hot, over = numbers
    code, asleep = await api.ask("POST", f"{ALERTS}/{dark}/snooze", {"seconds": 3600})
    assert (code, asleep["snoozed_until"], asleep["snoozed_by"], asleep["quiet"]) == (
        200, rfc3339(NOW + 3600), "tests", True,
    )  # fmt: skip
    until = rfc3339(NOW + 7200)
    assert (await api.ask("POST", f"{ALERTS}/{hot}/snooze", {"until": until}))[1]["snoozed_until"] == until
    assert (await api.ask("POST", f"{ALERTS}/{over}/snooze", {"seconds": 60}))[0] == 409
    api.clock.advance(4000)
    assert not (await api.get(f"{ALERTS}/{dark}"))["quiet"]
    noted = await api.store.read(audit.listing, limit=9)
    assert [(row["action"], row["after"]) for row in noted][1] == ("alert.snooze", {"until": rfc3339(NOW + 3600)})


NO_SNOOZES: tuple[dict[str, Any], ...] = (
    {}, {"seconds": 0}, {"seconds": -5}, {"seconds": 700_000}, {"seconds": "60"}, {"seconds": True},
    {"seconds": 60, "until": rfc3339(NOW + 60)}, {"until": rfc3339(NOW - 1)}, {"until": "tomorrow"}, {"until": None},
    {"seconds": 60, "surprise": 1},
)  # fmt: skip


async def test_a_snooze_that_makes_no_sense_is_refused(api: Api, numbers: tuple[int, int, int]) -> None:
    for body in NO_SNOOZES:
        assert (await api.ask("POST", f"{ALERTS}/{numbers[0]}/snooze", body))[0] == 400, body
    assert (await api.store.read(rows.one, numbers[0])).snoozed_until is None


@pytest.mark.parametrize(
    ("role", "codes"),
    [
        ("viewer", (200, 403, 403, 403, 403, 403)),
        ("operator", (200, 200, 200, 403, 201, 403)),
        ("admin", (200, 200, 200, 200, 201, 200)),
    ],
)
async def test_a_viewer_looks_an_operator_takes_in_hand_an_admin_makes_rules(
    api: Api, numbers: tuple[int, int, int], role: Role, codes: tuple[int, ...]
) -> None:
    window = {"name": "fans", "when": {"from": "01:00", "to": "02:00"}}
    asked: tuple[tuple[str, str, Any], ...] = (
        ("GET", f"{ALERTS}/rules", None), ("POST", f"{ALERTS}/{numbers[0]}/acknowledge", {}),
        ("POST", f"{ALERTS}/{numbers[1]}/snooze", {"seconds": 60}),
        ("PUT", f"{ALERTS}/rules", {"rules": [{"name": "too-hot", "threshold": 99}]}),
        ("POST", f"{ALERTS}/windows", window), ("GET", "/api/v1/channels", None),
    )  # fmt: skip
    async with api.browser(role) as client:
        assert tuple([(await client.ask(*one))[0] for one in asked]) == codes


async def test_whoever_is_not_known_hears_of_no_trouble(nobody: Api, numbers: tuple[int, int, int]) -> None:
    for path in (ALERTS, f"{ALERTS}/{numbers[0]}", f"{ALERTS}/rules", f"{ALERTS}/windows", "/api/v1/channels"):
        assert (await nobody.ask("GET", path))[0] == 401


async def test_the_stream_tells_how_many_are_open(
    made: Callable[[str], str], clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(latest, "LOOK_S", 0.02)
    pace = Pace(look_s=0.01)
    async with (
        Store.open(made("small")) as store,
        farm.serve(store, clock, pace=pace) as api,
        listen(api.port) as heard,
    ):
        assert (await heard.next("alerts")).data == {"bad": 0, "warn": 0}
        dark, *_ = await store.write(alerts.furnish, NOW)
        assert (await heard.next("alerts")).data == {"bad": 2, "warn": 0}
        assert (await api.ask("POST", f"{ALERTS}/{dark}/acknowledge", {}))[0] == 200
        assert (await heard.next("alerts")).data == {"bad": 1, "warn": 0}
