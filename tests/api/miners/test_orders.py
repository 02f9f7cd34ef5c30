"""Orders to miners over HTTP: who may give them, what they say, and what is refused."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from hived.records.access import Role, new_token
from hived.records.miner_rules import Hold, MinerRules
from hived.records.steering import Seen
from hived.store import Database, Store, audit
from hived.store.access import tokens, users
from hived.store.miners import miners, orders, rules
from tests import access
from tests import nodes as fleet
from tests.api import farm
from tests.api.farm import MAC, NOW, Api, mac_of
from tests.clock import FakeClock

ORDERS = "/api/v1/orders"
PAUSE = {"verb": "pause", "miners": [MAC]}
ALLOWED = {"url": "pool.example:3333", "user": "a.b"}
POOLS = {"verb": "pools", "miners": [MAC], "args": {"pools": [ALLOWED]}}
CAN = "cooling dimmer locate pause pools preset reboot restart"


def steered(db: Database) -> None:
    """Three miners that are managed, of a firmware that can be steered; the third is locked."""
    farm.catalogue(db, NOW - 600)
    farm.polls(db, NOW)
    for n in (1, 2, 3):
        num = farm.find(db, n, NOW - 600)
        miners.saw(db, miners.Sighting(farm.identity(n), farm.address_of(n), NOW, "vnish", CAN), node_id="node-1")
        farm.poll(db, num, NOW)
        miners.set_managed(db, mac_of(n), True, NOW)
    rules.save(db, num, MinerRules(group="row 3", locked=Hold("on the bench", "anna", NOW)), NOW)


@pytest.fixture
async def site(made: Callable[[str], str], clock: FakeClock) -> AsyncIterator[Api]:
    async with Store.open(made("empty")) as opened:
        await opened.write(steered)
        async with farm.serve(opened, clock) as running:
            yield running


def token_of(db: Database, name: str, role: Role, *scopes: str) -> dict[str, str]:
    made = new_token()
    tokens.add(db, made, name=name, role=role, created_by="tests", at=NOW, scopes=scopes)
    return {"Authorization": f"Bearer {made.text}"}


async def cookie_of(api: Api, role: Role) -> dict[str, str]:
    return {"Cookie": f"{api.cookie}={await api.store.write(access.session, role, NOW)}"}


async def counted(api: Api) -> int:
    return len(await api.get(ORDERS))


async def test_a_dry_run_says_what_would_happen_to_each_miner_and_keeps_nothing(site: Api) -> None:
    code, told = await site.ask("POST", ORDERS, {"verb": "pause", "where": {}, "dry_run": True})
    assert (code, told["id"], told["words"], told["counts"]) == (200, 0, "pause 2 miners", {"pending": 2, "skipped": 1})
    assert told["effect"] == {"power_w": pytest.approx(-5900.0), "hashrate_ths": pytest.approx(-191.0)}
    left_out = told["targets"][2]
    assert (left_out["id"], left_out["name"], left_out["state"]) == (mac_of(3), "127.20.0.3", "skipped")
    assert (left_out["reason"], left_out["reason_words"]) == ("locked", "it is locked")
    assert (await counted(site), await site.store.read(audit.listing, limit=1)) == (0, [])


async def test_an_order_is_kept_listed_cancelled_and_told_of_with_who_gave_it(site: Api) -> None:
    code, given = await site.ask(
        "POST", ORDERS, {"verb": "preset", "where": {"model": "s19"}, "args": {"name": "2350"}}
    )
    assert (code, given["state"], given["words"]) == (202, "running", "set the preset of 3 miners to 2350")
    assert (given["by"], given["via"], given["can_undo"]) == ("tests", "token", False)
    assert given["packet"] == {"size": 10, "interval_seconds": 10.0}
    path = f"{ORDERS}/{given['id']}"
    assert await site.get(path) == given
    assert await site.get(ORDERS) == [{name: value for name, value in given.items() if name != "targets"}]
    assert await site.get(f"{ORDERS}?before={given['id']}") == []
    code, cancelled = await site.ask("POST", f"{path}/cancel", {})
    assert (code, cancelled["state"], cancelled["cancelled_by"]) == (202, "cancelled", "tests")
    assert [one["state"] for one in cancelled["targets"]] == ["cancelled", "cancelled", "skipped"]
    assert (await site.ask("POST", f"{path}/undo", {}))[0] == 409, "it changed nothing"
    told = {one["kind"]: one["sentence"] for one in await site.get("/api/v1/events")}
    number = given["id"]
    assert told["order_given"] == f"order {number} by tests: set the preset of 3 miners"
    assert told["order_cancelled"] == f"order {number} was cancelled by tests: 2 miners were not asked"
    audited = [(one["action"], one["who"]) for one in await site.store.read(audit.listing, limit=5)]
    assert audited == [("order.cancel", "tests"), ("order.preset", "tests")]


async def test_what_was_done_is_shown_with_its_units_and_can_be_undone(site: Api) -> None:
    number = (await site.ask("POST", ORDERS, PAUSE))[1]["id"]

    def done(db: Database) -> None:
        target = orders.one(db, number)[1][0]
        before = Seen(NOW, state="mining", hashrate_hs=95e12, power_w=3000.0)
        orders.begin(db, target, before, NOW + 1, args={})
        orders.end(db, target, "confirmed", NOW + 9, said="ok", after=Seen(NOW + 9, state="stopped", power_w=40.0))

    await site.do(done)
    told = await site.get(f"{ORDERS}/{number}")
    assert (told["state"], told["can_undo"], told["finished_at"]) == ("done", True, "2027-01-15T08:00:09.000Z")
    (target,) = told["targets"]
    assert target["before"] == {
        "at": "2027-01-15T08:00:00.000Z", "state": "mining", "hashrate_ths": 95.0, "power_w": 3000.0
    }  # fmt: skip
    assert (target["after"]["state"], target["said"], target["at"]) == ("stopped", "ok", "2027-01-15T08:00:09.000Z")
    await site.do(farm.poll, 1, NOW + 10, state="stopped", hashrate_hs=0.0, power_w=40.0)
    code, would = await site.ask("POST", f"{ORDERS}/{number}/undo", {"dry_run": True})
    assert (code, would["id"], would["words"], would["undo_of"]) == (200, 0, "resume 1 miner", number)
    assert (would["effect"]["power_w"] > 0, would["needs_password"]) == (True, False)
    assert await counted(site) == 1
    code, back = await site.ask("POST", f"{ORDERS}/{number}/undo", {})
    assert (code, back["verb"], back["undo_of"], back["targets"][0]["state"]) == (202, "resume", number, "pending")


async def test_the_same_key_is_the_same_order_and_with_another_body_none(site: Api) -> None:
    first, again = [await site.ask("POST", ORDERS, PAUSE | {"key": "k1"}) for _ in range(2)]
    assert (first[0], again) == (202, first)
    code, said = await site.ask("POST", ORDERS, PAUSE | {"key": "k1", "expires_seconds": 5})
    assert (code, said["code"]) == (409, "key_used")
    assert await counted(site) == 1
    other = await site.store.write(token_of, "other", "operator", "steer")
    assert (await site.ask("POST", ORDERS, PAUSE | {"key": "k1", "expires_seconds": 5}, **other))[0] == 202


async def test_who_may_give_orders_and_who_may_see_them(site: Api) -> None:
    number = (await site.ask("POST", ORDERS, PAUSE))[1]["id"]
    wanted = {
        "a token without scopes": (await site.store.write(token_of, "old", "admin"), 200, 403),
        "one for the miners": (await site.store.write(token_of, "miners", "admin", "miners"), 200, 403),
        "one for the site": (await site.store.write(token_of, "site", "admin", "site"), 403, 403),
        "one to steer": (await site.store.write(token_of, "steer", "operator", "steer"), 200, 202),
        "one to steer, of a viewer": (await site.store.write(token_of, "looks", "viewer", "steer"), 200, 403),
        "a viewer": (await cookie_of(site, "viewer"), 200, 403),
        "an operator": (await cookie_of(site, "operator"), 200, 202),
        "a node": ({"Authorization": f"Bearer {(await site.store.write(fleet.let_in, 'n1', NOW)).text}"}, 403, 403),
        "nobody": ({}, 401, 401),
    }  # fmt: skip
    async with site.browser(None) as client:
        for who, (proof, reads, gives) in wanted.items():
            for path in (ORDERS, f"{ORDERS}/{number}"):
                assert (await client.ask("GET", path, **proof))[0] == reads, who
            assert (await client.ask("POST", ORDERS, PAUSE | {"dry_run": True}, **proof))[0] == (
                200 if gives == 202 else gives
            ), who
            for path, body in ((ORDERS, PAUSE), (f"{ORDERS}/{number}/cancel", {})):
                assert (await client.ask("POST", path, body, **proof))[0] == gives, who
            if gives == 403:
                assert (await client.ask("POST", f"{ORDERS}/{number}/undo", {}, **proof))[0] == 403, who
    by = {one["by"] for one in await site.get(ORDERS)}
    assert by == {"tests", "steer", "operator"}


async def test_only_an_admin_forces(site: Api) -> None:
    async with site.browser("operator") as operator:
        code, said = await operator.ask("POST", ORDERS, PAUSE | {"force": True})
        assert (code, said["code"]) == (403, "not_admin")
    assert (await site.ask("POST", ORDERS, PAUSE | {"force": True}))[1]["force"] is True


async def test_pools_without_a_list_take_an_admin_and_the_own_password(site: Api) -> None:
    def people(db: Database) -> None:
        for name, role in (("anna", "admin"), ("otto", "operator")):
            users.add(db, name, access.HASHER.hash("correct horse battery"), role, NOW)

    await site.store.write(people)
    right = POOLS | {"password": "correct horse battery"}
    steer = await site.store.write(token_of, "anna", "admin", "steer")  # by her name, with her password
    refused = (403, "confirm_password")
    async with site.browser(None) as anna, site.browser(None) as otto, site.browser(None) as program:
        for name, client in (("anna", anna), ("otto", otto)):
            login = {"user": name, "password": "correct horse battery"}
            assert (await client.ask("POST", "/api/v1/session", login))[0] == 200
        for client, body, proof in (
            (anna, POOLS, {}), (anna, POOLS | {"password": "wrong horse battery"}, {}), (otto, right, {}),
            (program, right, steer), (program, POOLS, steer),
        ):  # fmt: skip
            code, said = await client.ask("POST", ORDERS, body, **proof)
            assert (code, said["code"]) == refused, (body, said)
        assert (await anna.ask("POST", ORDERS, right | {"dry_run": True}))[1]["needs_password"] is False
        code, told = await anna.ask("POST", ORDERS, POOLS | {"dry_run": True})
        assert (code, told["needs_password"], told["counts"]) == (200, True, {"pending": 1}), "without any guess"
        assert (await anna.ask("POST", ORDERS, PAUSE | {"dry_run": True}))[1]["needs_password"] is False
        for client, proof in ((otto, {}), (program, steer)):
            code, said = await client.ask("POST", ORDERS, POOLS | {"dry_run": True}, **proof)
            assert (code, said["code"]) == refused, "a password would not help"
        code, given = await anna.ask("POST", ORDERS, right | {"key": "k"})
        assert (code, given["args"]) == (202, {"pools": [{"slot": 0, "url": "pool.example:3333", "user": "a.b"}]})
        again = {**POOLS, "key": "k"}
        assert (await anna.ask("POST", ORDERS, again))[1]["id"] == given["id"], "the password is no part of the order"
        for _ in range(6):
            code, _ = await anna.ask("POST", ORDERS, POOLS | {"password": "wrong horse battery"})
        assert code == 429, "who guesses waits, as at a login"
    shown = json.dumps([await site.get(ORDERS), await site.store.read(audit.listing, limit=50)])
    assert "horse" not in shown


async def test_with_a_list_a_pool_that_is_not_in_it_is_refused_whole(site: Api) -> None:
    assert (await site.ask("POST", "/api/v1/pools/allowed", {"url": "pool.example"}))[0] == 201
    foreign = POOLS | {"args": {"pools": [ALLOWED, {"url": "evil.example:1", "user": "x"}]}}
    async with site.browser("operator") as operator:
        code, said = await operator.ask("POST", ORDERS, foreign)
        assert (code, said["code"], "evil.example:1" in said["error"]) == (403, "pool_not_allowed", True)
        secret = {"args": {"pools": [ALLOWED | {"password": "pool-secret"}]}}
        code, given = await operator.ask("POST", ORDERS, POOLS | secret)
        assert (code, "pool-secret" in json.dumps(given)) == (202, False)


BAD: tuple[tuple[Any, str], ...] = (
    (b"", "verb"), (b"{", "not JSON"), (b"[]", "object"), ({}, "verb"), (PAUSE | {"verb": "explode"}, "verb"),
    (PAUSE | {"verb": ["pause"]}, "verb"), ({"verb": "pause"}, "name the miners"), (PAUSE | {"where": {}}, "where"),
    (PAUSE | {"miners": []}, "miners"), (PAUSE | {"miners": MAC}, "miners"), (PAUSE | {"miners": ["x"]}, "miners[0]"),
    (PAUSE | {"miners": [MAC] * 5001}, "miners"), ({"verb": "pause", "where": {"ip": "x"}}, "where"),
    ({"verb": "pause", "where": {"group": 5}}, "where.group"),
    ({"verb": "pause", "where": {"group": "none"}}, "no miner"),
    (PAUSE | {"args": {"x": 1}}, "knows no 'x'"), (PAUSE | {"args": [1]}, "args"), (PAUSE | {"dry_run": 1}, "dry_run"),
    (PAUSE | {"force": "yes"}, "force"), (PAUSE | {"key": ""}, "key"), (PAUSE | {"key": "x" * 101}, "key"),
    (PAUSE | {"packet": {"size": 0}}, "packet.size"), (PAUSE | {"packet": 5}, "packet"),
    (PAUSE | {"packet": {"size": 1, "interval_seconds": -1}}, "interval"), (PAUSE | {"expires_seconds": 0}, "expires"),
    (PAUSE | {"expires_seconds": 1e9}, "expires"), (PAUSE | {"password": 5}, "password"),
    (PAUSE | {"who": "me"}, "who"),
    ({**POOLS, "args": {"pools": [{"url": "a", "slot": 8}]}}, "slot"), ({**POOLS, "args": {"pools": "a"}}, "pools"),
    ({**POOLS, "args": {"pools": [{"url": "a", "worker": "b"}]}}, "pools[0]"),
    ({"verb": "power", "miners": [MAC], "args": {"watts": True}}, "watts"),
    ({"verb": "preset", "miners": [MAC], "args": {}}, "name"),
    (b'{"verb": "pause", "verb": "reboot", "where": {}}', "more than once"),
)  # fmt: skip


async def test_what_makes_no_sense_is_refused_with_a_sentence_and_nothing_is_kept(site: Api) -> None:
    async with site.browser("admin") as admin:
        for body, word in BAD:
            code, said = await admin.ask("POST", ORDERS, body)
            assert (code, word in said["error"]) in ((400, True), (403, True), (404, True)), (body, said)
        assert (await admin.ask("POST", ORDERS, PAUSE | {"miners": [mac_of(99)]}))[0] == 404
        assert (await admin.ask("POST", ORDERS, b" " * 200_000))[0] == 413
        for number in ("0", "999", "x", "9" * 40):
            for method, path in (("GET", ""), ("POST", "/cancel"), ("POST", "/undo")):
                assert (await admin.ask(method, f"{ORDERS}/{number}{path}"))[0] == 404, (method, number, path)
        assert (await admin.ask("GET", f"{ORDERS}?limit=0"))[0] == 400
        assert (await admin.ask("GET", f"{ORDERS}?before=x"))[0] == 400
    assert await counted(site) == 0


async def test_as_many_miners_as_an_order_may_name_fit_into_its_body(site: Api) -> None:
    code, said = await site.ask("POST", ORDERS, {"verb": "pause", "miners": [mac_of(n) for n in range(1, 5001)]})
    assert (code, said["error"]) == (404, f"there is no miner {mac_of(4)}")


async def test_the_last_orders_of_a_miner_say_what_became_of_it_there(site: Api) -> None:
    first = (await site.ask("POST", ORDERS, PAUSE))[1]["id"]
    second = (await site.ask("POST", ORDERS, {"verb": "locate", "where": {}}))[1]["id"]
    told = await site.get(f"{ORDERS}?miner={MAC.upper()}")
    assert [(one["id"], [target["id"] for target in one["targets"]]) for one in told] == [
        (second, [MAC]), (first, [MAC]),
    ]  # fmt: skip
    assert (await site.ask("GET", f"{ORDERS}?miner=nobody"))[0] == 400
    assert (await site.ask("GET", f"{ORDERS}?miner=02:00:00:00:99:99"))[0] == 404
