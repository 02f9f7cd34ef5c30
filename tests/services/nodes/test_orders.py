"""What the master wants is checked, done once, and told until the master knows."""

from __future__ import annotations

import json
import logging
from ipaddress import IPv4Network
from typing import Any

import pytest

from hived.errors import BadRequest
from hived.records.commands import VERBS, verb_for
from hived.records.node import Order
from hived.services.miners.sweep import Range
from hived.services.nodes.orders import DOES, GIVE_UP_S, Orders
from hived.store import Store, audit, commands
from hived.store.miners import miners, models
from hived.store.nodes import nodes, received_commands
from hived.store.schema import Command, Miner
from tests import nodes as fleet
from tests.clock import FakeClock
from tests.databases import Databases
from tests.services.nodes.node import fill

MAC = "02:00:00:00:00:01"
MASTER = "m-1"


@pytest.fixture
async def store(databases: Databases, clock: FakeClock) -> Any:
    async with Store.open(databases.make()) as opened:
        await opened.write(fill, clock())
        yield opened


@pytest.fixture
def orders(store: Store, clock: FakeClock) -> Orders:
    return Orders(store, ranges=lambda: Range([IPv4Network("10.0.0.0/16")]), clock=clock)


def order(number: int, verb: str, daemon: str = "hive-syncd", **args: Any) -> Order:
    return Order(number, daemon, verb, args)


async def take(orders: Orders, master_id: str, given: list[Order], *, pinned: bool = True) -> None:
    await orders.take(master_id, given, pinned=pinned)


async def results(orders: Orders) -> dict[int, dict[str, Any]]:
    return dict(await orders.done(MASTER))


async def test_an_order_is_done_and_told_until_the_master_knows(store: Store, orders: Orders) -> None:
    await take(orders, MASTER, [order(3, "set_managed", mac=MAC, managed=True)])
    assert await orders.carry_out()
    row = await store.read(miners.by_mac, MAC)
    assert row is not None
    assert row.managed
    assert await results(orders) == {3: {"ok": True}}
    assert await results(orders) == {3: {"ok": True}}
    await orders.told(MASTER, [3])
    assert await results(orders) == {}
    (noted,) = await store.read(audit.listing, limit=9)
    assert (noted["action"], noted["who"], noted["via"]) == ("miner.managed", "master m-1", "daemon")


async def test_an_order_that_comes_again_is_not_done_again(store: Store, orders: Orders, clock: FakeClock) -> None:
    given = [order(3, "set_managed", mac=MAC, managed=True)]
    await take(orders, MASTER, given)
    await take(orders, MASTER, given)
    await orders.carry_out()
    await orders.told(MASTER, [3])
    await store.write(miners.set_managed, MAC, False, clock())
    await take(orders, MASTER, given)
    assert not await orders.carry_out()
    row = await store.read(miners.by_mac, MAC)
    assert row is not None
    assert not row.managed
    assert await results(orders) == {3: {"ok": True}}, "it lost the answer: told again"


async def test_the_same_number_of_another_master_is_another_order(store: Store, orders: Orders) -> None:
    await take(orders, MASTER, [order(3, "set_managed", mac=MAC, managed=True)])
    await take(orders, "m-2", [order(3, "set_managed", mac=MAC, managed=False)])
    await orders.carry_out()
    row = await store.read(miners.by_mac, MAC)
    assert row is not None
    assert not row.managed
    assert list(await results(orders)) == [3]


async def test_a_password_is_sealed_while_it_waits_and_gone_when_it_is_done(store: Store, orders: Orders) -> None:
    await take(orders, MASTER, [order(4, "set_unlock_pass", mac=MAC, password="s3same")])
    waiting = await store.read(_args)
    assert waiting["mac"] == MAC
    assert waiting["password"].startswith("sealed:")
    await orders.carry_out()
    assert await store.read(_args) == {"mac": MAC}
    row = await store.read(miners.by_mac, MAC)
    assert row is not None
    assert row.unlock_password == "s3same"
    assert "s3same" not in str(await store.read(audit.listing, limit=9))


async def test_an_order_for_a_miner_that_was_another_nodes_is_answered_and_stops_nothing(
    store: Store, orders: Orders, clock: FakeClock
) -> None:
    """A box that was a master once has miners of other nodes in its database."""
    await store.write(fleet.let_in, "n9", clock())
    await store.write(nodes.revoke, "n9", by="tests", now=clock())
    await store.write(lambda db: Miner.update(remote=True, node_id="n9").where(Miner.mac == MAC).execute(db))
    await take(orders, MASTER, [order(3, "set_managed", mac=MAC, managed=True)])
    await orders.carry_out()
    assert "takes no orders" in (await results(orders))[3]["error"]


def test_a_scan_without_targets_is_of_all_networks() -> None:
    assert checked("hive-discoverd", "scan", {}) == {"targets": [], "outside": False}


def checked(daemon: str, verb: str, args: dict[str, Any]) -> dict[str, Any]:
    return verb_for(verb, daemon).checked(args)


def test_hive_syncd_can_do_whatever_the_table_wants_of_it() -> None:
    assert DOES.keys() == {verb.name for verb in VERBS.values() if verb.daemon == "hive-syncd"}


def _args(db: Any) -> dict[str, Any]:
    text = Command.select(Command.args).where(Command.origin.is_null(False)).bind(db).scalar()
    return dict(json.loads(text))


async def test_a_limit_of_presets_is_set_as_the_ladder_spells_it(store: Store, orders: Orders) -> None:
    await take(orders, MASTER, [order(5, "set_max_preset", alias="s19", name="1200"),
                               order(6, "set_max_preset", alias="s19", name="9999"),
                               order(7, "set_max_preset", alias="none", name=None)])  # fmt: skip
    await orders.carry_out()
    found = await results(orders)
    assert found[5] == {"ok": True}
    assert "its presets are: 1200" in found[6]["error"]
    assert "no model" in found[7]["error"]
    (model,) = await store.read(models.views, "s19")
    assert model.max_preset == "1200"


async def test_a_scan_is_left_for_hive_discoverd(store: Store, orders: Orders, clock: FakeClock) -> None:
    await take(orders, MASTER, [order(8, "scan", "hive-discoverd", targets=["10.0.0.0/30"])])
    (wish,) = await store.read(commands.open_commands, "hive-discoverd", newer_than=clock() - 60)
    assert wish.args == {"targets": ["10.0.0.0/30"], "outside": False}
    assert not await orders.carry_out()
    await store.write(commands.finish, wish.id, {"miners": 2}, clock())
    assert await results(orders) == {8: {"miners": 2}}


async def test_what_nobody_does_ends_with_a_reason(store: Store, orders: Orders, clock: FakeClock) -> None:
    await take(orders, MASTER, [order(8, "scan", "hive-discoverd", targets=[])])
    clock.advance(GIVE_UP_S + 1)
    await orders.carry_out()
    assert "is hive-discoverd running?" in (await results(orders))[8]["error"]


async def test_what_is_not_known_is_answered(store: Store, orders: Orders) -> None:
    await take(orders, MASTER, [order(9, "explode"), order(10, "set_managed", mac="02:00:00:00:00:99", managed=True)])
    await orders.carry_out()
    found = await results(orders)
    assert "does not know the order 'explode'" in found[9]["error"]
    assert "no miner 02:00:00:00:00:99" in found[10]["error"]


@pytest.mark.parametrize(
    ("daemon", "verb", "args"),
    [
        ("hive-syncd", "set_managed", {"mac": MAC}),
        ("hive-syncd", "set_managed", {"mac": MAC, "managed": 1}),
        ("hive-syncd", "set_managed", {"mac": "nonsense", "managed": True}),
        ("hive-syncd", "set_managed", {"mac": [MAC], "managed": True}),
        ("hive-syncd", "set_unlock_pass", {"mac": MAC, "password": ""}),
        ("hive-syncd", "set_unlock_pass", {"mac": MAC, "password": "x" * 257}),
        ("hive-syncd", "set_unlock_pass", {"mac": MAC, "password": "a\nb"}),
        ("hive-syncd", "set_max_preset", {"name": "1"}),
        ("hive-syncd", "set_max_preset", {"alias": "s19", "name": 5}),
        ("hive-discoverd", "scan", {"targets": None}),
        ("hive-discoverd", "scan", {"targets": ["0.0.0.0/0"]}),
        ("hive-discoverd", "scan", {"targets": ["example.com"]}),
        ("hive-discoverd", "scan", {"targets": ["10.0.0.1"] * 100}),
        ("hive-discoverd", "set_managed", {"mac": MAC, "managed": True}),
        ("hive-minerd", "start", {}),
        ("hive-syncd", "rotate_key", {}),
    ],
)
def test_an_order_that_makes_no_sense_is_refused(daemon: str, verb: str, args: dict[str, Any]) -> None:
    with pytest.raises(BadRequest):
        checked(daemon, verb, args)


async def test_untold_orders_outlive_the_clearing_of_old_commands(
    store: Store, orders: Orders, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "KEEP_COMMANDS", 5)
    await take(orders, MASTER, [order(3, "set_managed", mac=MAC, managed=True)])
    await orders.carry_out()
    for _ in range(10):
        await store.write(commands.ask, "hive-discoverd", "scan", {}, clock())
    assert list(await results(orders)) == [3]
    await orders.told(MASTER, [3])
    await store.write(commands.ask, "hive-discoverd", "scan", {}, clock())
    assert await store.read(received_commands.untold, MASTER) == []


async def test_an_order_of_another_version_that_waits_ends_with_a_reason(
    store: Store, orders: Orders, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    number = await store.write(commands.ask, "hive-syncd", "explode", {}, clock())
    with caplog.at_level(logging.INFO):
        await take(orders, MASTER, [order(3, "set_managed", mac=MAC, managed=True)])
        assert await orders.carry_out()
    ended = await store.read(commands.command, number)
    assert ended is not None
    assert "does not know the order 'explode'" in (ended.result or {})["error"]
    assert "the master wants hive-syncd to steer a miner or leave it alone" in caplog.text


# -- a master is somebody else --------------------------------------------------------------------------------------


@pytest.mark.parametrize("targets", [["127.32.3.200"], ["10.0.1.0/24", "10.1.0.0/30"], ["192.0.2.7"], ["8.8.8.8"]])
async def test_a_master_looks_at_no_other_networks_than_the_nodes_own(
    store: Store, orders: Orders, clock: FakeClock, targets: list[str]
) -> None:
    await take(orders, MASTER, [order(8, "scan", "hive-discoverd", targets=targets)])
    assert "outside of this node's network.subnets" in (await results(orders))[8]["error"]
    assert await store.read(commands.open_commands, "hive-discoverd", newer_than=0.0) == []


async def test_a_master_cannot_say_that_outside_is_meant(store: Store, orders: Orders) -> None:
    wide = {"targets": ["8.8.8.0/24", "10.128.0.0/17"], "outside": True}
    await take(orders, MASTER, [order(8, "scan", "hive-discoverd", **wide),
                                order(9, "scan", "hive-discoverd", targets=[], outside=True)])  # fmt: skip
    found = await results(orders)
    assert "for its own operator alone" in found[8]["error"]
    assert "for its own operator alone" in found[9]["error"]
    assert await store.read(commands.open_commands, "hive-discoverd", newer_than=0.0) == []


async def test_a_password_is_not_taken_from_who_could_be_anybody(store: Store, orders: Orders) -> None:
    await take(orders, MASTER, [order(4, "set_unlock_pass", mac=MAC, password="s3same")], pinned=False)
    await orders.carry_out()
    row = await store.read(miners.by_mac, MAC)
    assert row is not None
    assert row.unlock_password is None
    assert "only over TLS, from a master whose key it knows" in (await results(orders))[4]["error"]
    await take(orders, MASTER, [order(6, "agree_to_address", mac=MAC, ip="10.0.7.7")], pinned=False)
    assert "only over TLS, from a master whose key it knows" in (await results(orders))[6]["error"]
    await take(orders, MASTER, [order(5, "set_managed", mac=MAC, managed=True)], pinned=False)
    await orders.carry_out()
    assert (await results(orders))[5] == {"ok": True}, "what is no secret is"


@pytest.mark.parametrize("moved", [{"ip": "127.32.3.200"}, {"ip": None, "last_ip": "10.1.0.1"}])
async def test_a_master_gives_no_password_to_a_miner_outside_the_nodes_networks(
    store: Store, orders: Orders, moved: dict[str, Any]
) -> None:
    await store.write(lambda db: Miner.update(**moved).where(Miner.mac == MAC).execute(db))
    await take(orders, MASTER, [order(4, "set_unlock_pass", mac=MAC, password="s3same")])
    assert "outside of this node's network.subnets" in (await results(orders))[4]["error"]


async def test_a_master_lets_no_miners_secrets_go_to_an_address_outside_the_nodes_networks(
    store: Store, orders: Orders
) -> None:
    await take(orders, MASTER, [order(4, "agree_to_address", mac=MAC, ip="127.32.3.200"),
                                order(5, "agree_to_address", mac=MAC, ip="10.0.7.7")])  # fmt: skip
    await orders.carry_out()
    found = await results(orders)
    assert "127.32.3.200/32 is outside of this node's network.subnets" in found[4]["error"]
    assert found[5] == {"ok": True}
