"""Plans over HTTP: who may make them, what they say, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from hived.records.times import rfc3339
from tests.api.farm import NOW, Api
from tests.api.miners.test_orders import cookie_of, site, token_of

PLANS = "/api/v1/plans"
NIGHT = {
    "name": "night",
    "when": {"days": ["fri"], "from": "22:00", "to": "06:00"},
    "order": {"verb": "pause", "where": {}},
}
assert site  # the fixture


async def test_a_plan_is_made_listed_switched_and_removed(site: Api) -> None:
    code, made = await site.ask("POST", PLANS, NIGHT)
    assert (code, made["name"], made["when"], made["next"]) == (201, "night", NIGHT["when"], "do")
    assert made["order"] == NIGHT["order"]
    assert await site.get(PLANS) == [made]
    code, off = await site.ask("PATCH", f"{PLANS}/{made['id']}", {"enabled": False})
    assert (code, off["enabled"], off["next_at"], off["next"]) == (200, False, None, None)
    code, on = await site.ask("PATCH", f"{PLANS}/{made['id']}", {"enabled": True})
    assert (code, on["next_at"]) == (200, made["next_at"])
    assert (await site.ask("POST", PLANS, NIGHT))[0] == 409
    assert (await site.ask("DELETE", f"{PLANS}/{made['id']}"))[0] == 204
    assert (await site.ask("DELETE", f"{PLANS}/{made['id']}"))[0] == 404


async def test_before_a_storm_the_order_is_given_at_once_and_its_way_back_planned(site: Api) -> None:
    body = {"name": "storm", "until": rfc3339(NOW + 7200), "order": NIGHT["order"]}
    code, order = await site.ask("POST", f"{PLANS}/storm", body)
    assert (code, order["verb"], order["counts"]) == (202, "pause", {"pending": 2, "skipped": 1})
    (plan,) = await site.get(PLANS)
    assert (plan["next"], plan["next_at"], plan["last_order"]) == ("back", rfc3339(NOW + 7200), order["id"])


async def test_viewers_and_tokens_that_are_not_made_for_it_make_no_plan(site: Api) -> None:
    proofs = (
        await cookie_of(site, "viewer"),
        await site.store.write(token_of, "all", "admin"),
        await site.store.write(token_of, "miners", "admin", "miners"),
    )
    steering = await site.store.write(token_of, "steers", "operator", "steer")
    async with site.browser(None) as client:
        for proof in proofs:
            assert (await client.ask("POST", PLANS, NIGHT, **proof))[0] == 403
            assert (await client.ask("GET", PLANS, **proof))[0] == 200
        assert (await client.ask("POST", PLANS, NIGHT, **steering))[0] == 201


@pytest.mark.parametrize(
    "change",
    [
        {"name": ""}, {"when": {}}, {"when": {"from": "26:00"}}, {"order": {}},
        {"order": {"verb": "explode", "where": {}}},
        {"order": {"verb": "pause", "where": {}, "force": True}}, {"order": {"verb": "pause", "where": {}, "key": "x"}},
        {"order": {"verb": "pools", "where": {}, "args": {"pools": [{"url": "a:1", "user": "b"}]}}}, {"late": "yes"},
        {"surprise": 1}, {"order": {"verb": "reboot", "where": {}}},
    ],
)  # fmt: skip
async def test_a_plan_that_makes_no_sense_is_refused(site: Api, change: dict[str, Any]) -> None:
    code, told = await site.ask("POST", PLANS, NIGHT | change)
    assert code == 400, told
    assert await site.get(PLANS) == []
