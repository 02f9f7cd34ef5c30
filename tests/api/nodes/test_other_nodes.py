"""Miners of other nodes as a master shows and steers them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hived.records.joining import NodeKey
from hived.records.node import Order
from hived.records.times import to_text
from hived.store import Database, commands
from hived.store import commands as orders
from hived.store.engine.database import dicts
from hived.store.miners import views
from hived.store.nodes import contacts, nodes
from hived.store.schema import Command
from tests import nodes as fleet
from tests.api import farm
from tests.api.farm import NOW

CONTACT = "/api/v1/nodes/me/contact"
FAR = fleet.mac_of(900)


class Far:
    """A node with one miner, in touch with its master."""

    def __init__(self, api: farm.Api, key: NodeKey) -> None:
        self.api, self.key = api, key
        self.seqs: dict[str, int] = {}

    async def send(self, stream: str, items: list[Any], **more: Any) -> Any:
        first = self.seqs.get(stream, 0) + 1
        last = max([item["seq"] for item in items], default=0)
        told = fleet.batch("n1", stream, first if items else 0, last, items, **more)
        self.seqs[stream] = max(last, first - 1)
        status, answer = await self.api.ask("POST", "/api/v1/ingest", told, **fleet.bearer(self.key))
        assert (status, answer.get("outcome")) == (200, None), answer
        await self.api.fleet.beat()
        return answer

    async def over_tls(self) -> list[Order]:
        """Be in touch over TLS; return what it hears."""

        def touched(db: Database) -> list[Order]:
            now = self.api.clock()
            fleet.touch(db, "n1", now, name="shed")
            return orders.waiting(db, "n1", secure=True, now=now)

        return await self.api.store.write(touched)

    async def contact(self, done: list[Any] | None = None, at: float | None = None) -> Any:
        at = self.api.clock() if at is None else at
        body = {"version": "0.1.0", "name": "shed", "site": None, "epoch": "e1", "at": to_text(at), "done": done or []}
        status, answer = await self.api.ask("POST", CONTACT, body, **fleet.bearer(self.key))
        assert status == 200, answer
        await self.api.fleet.beat()
        return answer


@pytest.fixture
async def far(api: farm.Api) -> Far:
    node = Far(api, await api.store.write(fleet.let_in, "n1", NOW, name="shed"))
    await node.contact()
    await node.over_tls()
    await node.send("miners", [fleet.miner(1, 900)])
    await node.send("status", [], latest=[fleet.latest(900)])
    return node


async def test_a_miner_of_another_node_is_not_silent_because_its_node_asks_more_seldom(far: Far) -> None:
    api = far.api
    for seconds, silent in ((200, 1), (200, 2)):  # one of ours is silent much sooner
        api.clock.advance(seconds)
        await api.do(farm.polls, api.clock())
        await api.fleet.beat()
        assert (await api.get("/api/v1/fleet"))["silent"] == silent
    (row,) = [one for one in (await api.get("/api/v1/rows"))["rows"] if one["id"] == FAR]
    assert row["remote"] is True


async def test_a_miner_of_another_node_is_shown_as_one_of_ours(far: Far) -> None:
    found = await far.api.get(f"/api/miners/{FAR}")
    assert (found["node_id"], found["node_name"], found["has_key"], found["pending"]) == ("n1", "shed", True, [])
    assert (found["state"], found["latest_status"]["hashrate_ths"]) == ("mining", 95.5)
    assert [fan["status"] for fan in found["latest_status"]["fans"]] == ["ok", "lost"]
    assert found["latest_status"]["chains"][0]["hashrate"] == 31_800
    assert found["latest_status"]["pools"][0]["user"] == "farm.w1"
    totals = await far.api.get("/api/v1/fleet")
    assert (totals["miners"], totals["silent"], totals["hashrate_ths"]) == (2, 0, 191.0)


async def test_lists_can_be_asked_for_one_node(far: Far) -> None:
    for path in ("/api/miners", "/api/v1/rows"):
        found = await far.api.get(f"{path}?node=n1")
        assert [one["id"] for one in (found if isinstance(found, list) else found["rows"])] == [FAR]
        assert len(await far.api.get(path)) == 2
        none = await far.api.get(f"{path}?node=nobody")
        assert (none if isinstance(none, list) else none["rows"]) == []
        assert (await far.api.ask("GET", f"{path}?node="))[0] == 400
    await far.send("events", [fleet.event(5, 900)])
    (told,) = await far.api.get("/api/v1/events?node=n1")
    assert (told["node_id"], told["node_name"], told["miner"], told["kind"]) == ("n1", "shed", FAR, "reboot")
    own = await far.api.get("/api/v1/events?node=id-1")
    assert own
    assert all(one["node_id"] is None for one in own)
    await far.send("contributions", [fleet.said(1, 1)])
    assert len(await far.api.get("/artifacts?node=n1")) == 1
    assert await far.api.get("/artifacts?node=n2") == []


async def test_a_new_status_replaces_the_one_before_and_an_older_one_does_not(far: Far) -> None:
    far.api.clock.advance(15)
    await far.send("status", [], latest=[fleet.latest(900, NOW + 15, status={"hashrate_hs": 90e12})])
    await far.send("status", [], latest=[fleet.latest(900, NOW + 5, status={"hashrate_hs": 10e12})])
    found = await far.api.get(f"/api/miners/{FAR}/statuses")
    assert [one["hashrate_ths"] for one in found] == [90.0]
    rows = (await far.api.get("/api/v1/rows?node=n1"))["rows"]
    assert rows[0]["hashrate_ths"] == 90.0


async def test_a_repeated_status_is_no_change(far: Far) -> None:
    rev = await far.api.store.read(_rev)
    await far.send("status", [], latest=[fleet.latest(900)])
    assert await far.api.store.read(_rev) == rev


async def test_a_wrong_clock_of_the_node_makes_no_miner_silent(far: Far) -> None:
    for skew in (-3600.0, 86_400.0):
        await far.contact(at=far.api.clock() + skew)
        far.api.clock.advance(15)
        await far.send("status", [], latest=[fleet.latest(900, far.api.clock() + skew)])
        row = (await far.api.get("/api/v1/rows?node=n1"))["rows"][0]
        assert row["status_at"] == (await far.api.get("/api/v1/fleet"))["at"]


async def test_what_another_node_says_of_the_miner_does_not_count(far: Far) -> None:
    key = await far.api.store.write(fleet.let_in, "n2", NOW, name="hall")
    other = fleet.batch("n2", "status", 0, 0, [], latest=[fleet.latest(900, NOW + 5, state="failure")])
    assert (await far.api.ask("POST", "/api/v1/ingest", other, **fleet.bearer(key)))[0] == 200
    theft = fleet.batch("n2", "miners", 1, 1, [fleet.miner(1, 900, hostname="mine")])
    assert (await far.api.ask("POST", "/api/v1/ingest", theft, **fleet.bearer(key)))[0] == 200
    found = await far.api.get(f"/api/miners/{FAR}")
    assert (found["node_id"], found["state"], found["hostname"]) == ("n1", "mining", "rig-900")


async def test_a_miner_that_was_carried_elsewhere_belongs_to_who_sees_it(far: Far) -> None:
    key = await far.api.store.write(fleet.let_in, "n2", NOW, name="hall")
    await far.send("miners", [fleet.miner(2, 900, online=False, ip=None)])
    moved = fleet.batch("n2", "miners", 1, 1, [fleet.miner(1, 900)])
    assert (await far.api.ask("POST", "/api/v1/ingest", moved, **fleet.bearer(key)))[0] == 200
    assert (await far.api.get(f"/api/miners/{FAR}"))["node_id"] == "n2"


async def test_a_wish_for_the_miner_is_an_order_for_its_node(far: Far) -> None:
    status, found = await far.api.ask("PATCH", f"/api/miners/{FAR}", {"managed": True, "unlock_pass": "s3cret word"})
    assert (status, found["managed"], found["pending"]) == (200, False, ["managed", "unlock_pass"])
    assert (await far.api.get("/api/miners?node=n1"))[0]["pending"] == ["managed", "unlock_pass"]
    rows = await far.api.store.read(_commands)
    assert "s3cret" not in json.dumps(rows)
    assert [one["verb"] for one in (await far.contact())["orders"]] == ["set_managed"], "anybody could read the other"
    told = await far.over_tls()
    assert [(one.daemon, one.verb, one.args) for one in told] == [
        ("hive-syncd", "set_managed", {"mac": FAR, "managed": True}),
        ("hive-syncd", "set_unlock_pass", {"mac": FAR, "password": "s3cret word"}),
    ]
    assert await far.over_tls() == told  # until it says what came of them
    results = [{"id": one.id, "result": {"ok": True}} for one in told]
    assert (await far.contact(results))["orders"] == []
    assert (await far.contact(results))["orders"] == []
    assert (await far.api.get("/api/miners?node=n1"))[0]["pending"] == []
    assert [json.loads(row["args"]) for row in await far.api.store.read(_commands)][1] == {"mac": FAR}
    audit = [(row["action"], row["after"]) for row in await far.api.get("/api/v1/audit")]
    assert ("miner.password", {"asked": "shed"}) in audit
    assert "s3cret" not in json.dumps(audit)


async def test_a_password_is_not_told_to_a_node_that_came_over_plain_http(far: Far) -> None:
    await far.api.store.write(fleet.touch, "n1", NOW, secure=False, name="shed")
    status, answer = await far.api.ask("PATCH", f"/api/miners/{FAR}", {"unlock_pass": "x1", "managed": True})
    assert status == 409
    assert "hivectl secure" in answer["error"]
    assert await far.api.store.read(_commands) == []
    assert (await far.api.ask("PATCH", f"/api/miners/{FAR}", {"managed": True}))[0] == 200


async def test_a_password_waits_for_a_contact_that_nobody_can_read(far: Far) -> None:
    await far.api.ask("PATCH", f"/api/miners/{FAR}", {"unlock_pass": "x1"})
    assert await far.api.store.write(orders.waiting, "n1", secure=False, now=NOW) == []
    (order,) = await far.api.store.write(orders.waiting, "n1", secure=True, now=NOW)
    assert order.args["password"] == "x1"


async def test_a_later_wish_takes_the_place_of_one_that_waits(far: Far) -> None:
    for managed in (True, False):
        await far.api.ask("PATCH", f"/api/miners/{FAR}", {"managed": managed})
    (order,) = (await far.contact())["orders"]
    assert order["args"]["managed"] is False


async def test_an_order_ends_after_a_day(far: Far) -> None:
    await far.api.ask("PATCH", f"/api/miners/{FAR}", {"unlock_pass": "x1"})
    far.api.clock.advance(86_401)
    assert (await far.contact())["orders"] == []
    (row,) = await far.api.store.read(_commands)
    assert (json.loads(row["result"]), json.loads(row["args"])) == (
        {"error": "the node was not there for a day"}, {"mac": FAR},
    )  # fmt: skip


async def test_the_limit_of_a_model_goes_to_the_nodes_that_have_it(far: Far) -> None:
    await far.send("miners", [fleet.miner(3, 901, model_alias="s21")])
    assert (await far.api.ask("PATCH", "/api/models/s19", {"max_preset": "3050"}))[0] == 200
    (order,) = (await far.contact())["orders"]
    assert (order["verb"], order["args"]) == ("set_max_preset", {"alias": "s19", "name": "3050"})


async def test_a_scan_can_be_asked_of_another_node(far: Far) -> None:
    status, answer = await far.api.ask("POST", "/api/v1/scan", {"targets": ["10.0.0.0/24"], "node_id": "n1"})
    assert status == 202
    (order,) = (await far.contact())["orders"]
    assert (order["id"], order["daemon"], order["args"]) == (
        answer["id"], "hive-discoverd", {"targets": ["10.0.0.0/24"], "outside": False},
    )  # fmt: skip
    assert await far.api.store.read(commands.open_commands, "hive-discoverd", newer_than=0.0) == []
    await far.contact([{"id": order["id"], "result": {"miners": 3}}])
    done = await far.api.get(f"/api/v1/commands/{answer['id']}")
    assert (done["done"], done["result"], done["node_id"]) == (True, {"miners": 3}, "n1")
    assert (await far.api.ask("POST", "/api/v1/scan", {"node_id": "nobody"}))[0] == 404
    await far.api.store.write(nodes.revoke, "n1", by="tests", now=NOW)
    assert (await far.api.ask("POST", "/api/v1/scan", {"node_id": "n1"}))[0] == 409


async def test_a_node_cannot_end_another_nodes_order(far: Far) -> None:
    await far.api.ask("PATCH", f"/api/miners/{FAR}", {"managed": True})
    (order,) = (await far.contact())["orders"]
    await far.api.store.write(orders.done, "n2", [(order["id"], {"ok": True})], NOW)
    assert len((await far.contact())["orders"]) == 1


async def test_miners_of_a_removed_node_leave_the_list(far: Far) -> None:
    assert (await far.api.ask("DELETE", "/api/v1/nodes/n1"))[0] == 204
    assert [one["id"] for one in await far.api.get("/api/miners")] == [farm.MAC]
    assert [one.node_id for one in await far.api.store.read(contacts.listing)] == []


def _rev(db: Any) -> int:
    return max(view.rev for view in views.miners(db))


def _commands(db: Any) -> list[dict[str, Any]]:
    return dicts(Command.select().order_by(Command.id), db)
