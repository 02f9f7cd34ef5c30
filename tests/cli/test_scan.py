"""`hivectl miners scan`: a wish for hive-discoverd, carried out by its own services on simulated miners."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from ipaddress import IPv4Network

import pytest

from hived.clients.firmwares import Link, families
from hived.clients.firmwares.http import open_session
from hived.records.commands import Command
from hived.records.node import Order
from hived.runtime.beat import Beat
from hived.services.miners.catalogue import Catalogue
from hived.services.miners.complete import Completer
from hived.services.miners.discover import Discoverer
from hived.services.miners.keys import KeyKeeper
from hived.services.miners.scans import ScanCommands
from hived.services.miners.sweep import LightScan, Range
from hived.simulator.miners.fleet import Fleet
from hived.store import Store, commands
from hived.store import commands as orders
from tests import nodes as fleet
from tests.cli.site import Ran, Site, Terminal
from tests.waiting import until

SUBNET = "127.33.7.0/29"


@asynccontextmanager
async def discovering(site: Site, port: int, subnets: Sequence[str] = ()) -> AsyncIterator[None]:
    """Run what hive-discoverd does about commands, quicker than it does."""
    networks = [IPv4Network(one) for one in subnets]
    async with Store.open(site.url) as store, open_session(concurrency=4, keepalive_s=1.0) as session:
        scan = LightScan([port], timeout_s=0.5, retry_timeout_s=0.5, concurrency=8, progress=lambda: None)
        firmwares = families(Link(session, port, 2.0))
        keys = KeyKeeper(store, ["admin"], inside=lambda _: True, clock=site.clock)
        catalogue = Catalogue(store, clock=site.clock)
        completer = Completer(store, firmwares, keys, catalogue, places=2, clock=site.clock)
        discoverer = Discoverer(
            store, firmwares, ranges=partial(Range, networks), scan=scan, completer=completer,
            node_id="n1", probe_timeout_s=1.0, probe_concurrency=2, offline_after_scans=2, clock=site.clock,
        )  # fmt: skip
        commands = ScanCommands(store, discoverer, clock=site.clock)
        task = asyncio.create_task(Beat("commands", commands.run_open, every=0.05, limit=10.0, spread=0.01).repeat())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait({task})


async def scanned(site: Site, *argv: str) -> Ran:
    return await asyncio.to_thread(site.run, "miners", "scan", *argv)


async def wished(store: Store) -> int:
    """Return the id of the scan that hivectl asks for, as soon as it does."""

    async def look() -> list[Command]:
        return await store.read(commands.open_commands, "hive-discoverd", newer_than=0.0)

    await until(look)
    return (await look())[0].id


async def test_named_addresses_are_scanned_and_what_is_there_is_told(empty: Site) -> None:
    empty.daemon("hive-discoverd")
    async with Fleet(2, subnet=SUBNET, rpc_port=0, steady=True) as fleet, discovering(empty, fleet.port):
        ran = await scanned(empty, SUBNET, "--outside")
    assert ran.code == 0
    assert ran.err == f"hive-discoverd scans {SUBNET}\n"
    assert ran.lines[0] == "6 addresses tried, 2 answered: 2 miners, 0 other devices, 0 unreadable"
    assert ran.lines[2] == "Miners there"
    assert [line.split()[0] for line in ran.lines[4:]] == ["127.33.7.1", "127.33.7.2"]


async def test_a_sweep_of_the_configured_networks_is_told_as_json(empty: Site) -> None:
    empty.daemon("hive-discoverd")
    empty.configure(f"network: {{subnets: [{SUBNET}]}}")
    async with Fleet(1, subnet=SUBNET, rpc_port=0, steady=True) as fleet, discovering(empty, fleet.port, [SUBNET]):
        ran = await scanned(empty, "--json")
    assert ran.code == 0
    document = ran.document
    assert document["done"] is True
    assert document["result"] == {"addresses": 6, "responders": 1, "miners": 1, "strangers": 0, "unreadable": 0}
    assert len(document["miners"]) == 1


async def test_who_is_no_miner_is_told_with_the_reason(empty: Site) -> None:
    empty.daemon("hive-discoverd")

    async def web_page(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        body = b"<html>printer</html>"
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%b" % (len(body), body))
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(web_page, "127.33.8.1", 0) as server:
        port: int = server.sockets[0].getsockname()[1]
        async with discovering(empty, port):
            ran = await scanned(empty, "127.33.8.1", "--outside")
    assert ran.code == 0
    assert "1 address tried, 1 answered: 0 miners, 1 other device, 0 unreadable" in ran.out
    assert "No miners that can be read" in ran.out
    assert "answers, but not with JSON" in ran.row("127.33.8.1")


async def test_only_what_this_scan_saw_is_told(site: Site) -> None:
    """Miner 1 was seen long before; who asks about its address now must not be told that it is there."""
    site.daemon("hive-discoverd", beat_ago=-60.0)
    site.clock.advance(60)
    run = asyncio.create_task(scanned(site, "192.168.7.0/24"))
    async with Store.open(site.url) as store:
        await store.write(commands.finish, await wished(store), {"addresses": 254}, site.now)
    ran = await run
    assert ran.lines == ["254 addresses tried, 0 answered: 0 miners, 0 other devices, 0 unreadable"]


def test_without_the_daemon_nothing_is_left_and_it_is_said(site: Site) -> None:
    site.daemon("hive-discoverd", beat_ago=31.0)
    ran = site.run("miners", "scan")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err == (
        "hivectl: hive-discoverd is not running (last heard of 31 s ago), so nobody would scan: "
        "systemctl start hive-discoverd\n"
    )
    assert site.write(commands.open_commands, "hive-discoverd", newer_than=0.0) == []


def test_a_daemon_that_never_ran_is_said_to_be_so(empty: Site) -> None:
    assert "(it has never run)" in empty.run("miners", "scan").err


def test_the_wait_ends_when_it_was_said_to(site: Site) -> None:
    began = time.monotonic()
    ran = site.run("miners", "scan", "192.168.7.1", "--wait", "0.3")
    assert 0.3 <= time.monotonic() - began < 3
    assert ran.code == 1
    assert "not done after 0.3 s; hive-discoverd goes on" in ran.err


def test_not_waiting_leaves_the_wish_and_ends(site: Site) -> None:
    ran = site.run("miners", "scan", "192.168.7.1", "--wait", "0", "--json")
    assert (ran.code, ran.document["done"]) == (0, False)
    (wish,) = site.write(commands.open_commands, "hive-discoverd", newer_than=0.0)
    assert (wish.verb, wish.args) == ("scan", {"targets": ["192.168.7.1/32"], "outside": False})


OUTSIDE = ["192.168.8.1", "192.168.0.0/17", "8.8.8.8", "127.0.0.1"]


@pytest.mark.parametrize("target", OUTSIDE)
def test_what_is_not_configured_is_scanned_only_when_it_is_meant(site: Site, target: str) -> None:
    ran = site.run("miners", "scan", "192.168.7.4", target, "--wait", "0")
    assert ran.code == 2
    assert target in ran.err
    assert "192.168.7.4" not in ran.err
    assert ran.err.endswith("add --outside if that is intended\n")
    assert site.write(commands.open_commands, "hive-discoverd", newer_than=0.0) == []
    assert site.run("miners", "scan", target, "--wait", "0", "--outside").code == 0
    (wish,) = site.write(commands.open_commands, "hive-discoverd", newer_than=0.0)
    assert wish.args["outside"] is True


@pytest.mark.parametrize(("answer", "code"), [("y\n", 0), ("YES\n", 0), ("n\n", 2), ("\n", 2), ("", 2)])
def test_a_person_is_asked(site: Site, monkeypatch: pytest.MonkeyPatch, answer: str, code: int) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal(answer))
    ran = site.run("miners", "scan", "192.168.9.0/24", "--wait", "0")
    assert ran.code == code
    assert "192.168.9.0/24: not in network.subnets of " in ran.err
    assert len(site.write(commands.open_commands, "hive-discoverd", newer_than=0.0)) == (code == 0)


async def test_another_node_is_asked_and_what_it_says_is_told(site: Site) -> None:
    """Its hive-discoverd looks: whether ours runs does not matter."""
    site.write(fleet.let_in, "n1", site.now, name="shed")
    site.daemon("hive-discoverd", beat_ago=90.0)
    site.configure("network: {subnets: []}")
    ran = await scanned(site, "--node", "shed", "--wait", "0")
    assert (ran.code, ran.out) == (0, "node shed was asked to scan\n")
    (order,) = site.write(orders.waiting, "n1", secure=False, now=site.now)
    assert (order.daemon, order.verb, order.args) == ("hive-discoverd", "scan", {"targets": [], "outside": False})
    site.write(orders.done, "n1", [(order.id, {})], site.now)
    run = asyncio.create_task(scanned(site, "192.168.7.0/24", "--node", "n1"))
    async with Store.open(site.url) as store:

        async def given() -> list[Order]:
            return await store.write(orders.waiting, "n1", secure=False, now=site.now)

        await until(given)
        (order,) = await given()
        await store.write(orders.done, "n1", [(order.id, {"addresses": 254, "miners": 3})], site.now)
    ran = await run
    assert (ran.code, ran.lines[0]) == (
        0, "254 addresses tried, 0 answered: 3 miners, 0 other devices, 0 unreadable"
    )  # fmt: skip
    assert (await scanned(site, "--node", "barn")).err == "hivectl: there is no node 'barn'\n"


def test_what_is_no_address_and_nothing_to_scan_are_wrong_usage(site: Site) -> None:
    ran = site.run("miners", "scan", "rack1")
    assert (ran.code, ran.err) == (2, "hivectl: 'rack1' is neither an IPv4 address nor a network like 192.168.1.0/24\n")
    site.configure("network: {subnets: []}")
    ran = site.run("miners", "scan")
    assert ran.code == 2
    assert "network.subnets is empty in SITE/hived.yaml" in ran.err


async def test_a_daemon_that_ends_meanwhile_is_noticed(site: Site) -> None:
    """The clock moves on while nobody beats."""
    run = asyncio.create_task(scanned(site, "192.168.7.1", "--wait", "20"))
    async with Store.open(site.url) as store:
        await wished(store)
    site.clock.advance(60)
    ran = await run
    assert ran.code == 1
    assert "hive-discoverd is not running" in ran.err


async def test_a_reason_of_the_daemon_is_passed_on(site: Site) -> None:
    run = asyncio.create_task(scanned(site, "192.168.7.1"))
    async with Store.open(site.url) as store:
        await store.write(
            commands.finish, await wished(store), {"error": "more than 65,536 addresses at once"}, site.now
        )
    ran = await run
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.endswith("hivectl: more than 65,536 addresses at once\n")
