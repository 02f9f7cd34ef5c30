"""The light scan: any size of network with the same memory, and our own shortages are not the miners' fault."""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import socket
import tracemalloc
from collections import namedtuple

import psutil
import pytest

from hived.errors import Transient
from hived.services.miners import sweep
from hived.services.miners.sweep import LightScan, Range

Address = namedtuple("Address", "family address netmask")
Stats = namedtuple("Stats", "isup")


def scan_of(port: int, concurrency: int = 256) -> LightScan:
    return LightScan([port], timeout_s=10.0, retry_timeout_s=10.0, concurrency=concurrency, progress=lambda: None)


async def peak_of(network: str, port: int) -> tuple[int, int]:
    """Sweep a network of loopback addresses that all refuse; return (addresses tried, peak of new memory in bytes)."""
    scan = scan_of(port)
    tracemalloc.start()
    try:
        found = [ip async for ip, _ports in scan.responders(Range([ipaddress.IPv4Network(network)]))]
        assert found == []
        return scan.tried, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


async def test_memory_is_that_of_the_open_sockets_not_of_the_network(free_port: int) -> None:
    small_tried, small = await peak_of("127.60.0.0/23", free_port)
    large_tried, large = await peak_of("127.61.0.0/20", free_port)
    assert (small_tried, large_tried) == (510, 4094)
    assert large < 1.5 * small


def test_the_addresses_of_a_sixteen_are_made_as_they_are_needed() -> None:
    tracemalloc.start()
    try:
        assert sum(1 for _ in Range([ipaddress.IPv4Network("10.0.0.0/16")])) == 65_534
        assert tracemalloc.get_traced_memory()[1] < 100_000
    finally:
        tracemalloc.stop()


async def test_a_responder_is_told_while_the_scan_goes_on(free_port: int) -> None:
    with socket.create_server(("127.60.1.7", free_port)):
        scan = scan_of(free_port, concurrency=4)
        network = Range([ipaddress.IPv4Network("127.60.0.0/21")])
        async for ip, ports in scan.responders(network, known=["127.60.1.7"]):
            assert (ip, ports) == ("127.60.1.7", frozenset({free_port}))
            assert scan.tried < 100
            break


async def test_every_port_of_the_table_is_tried_once_and_told_when_it_is_open(free_port: int) -> None:
    with socket.create_server(("127.60.1.8", 0)) as second, socket.create_server(("127.60.1.9", free_port)):
        other = second.getsockname()[1]
        scan = LightScan(
            [free_port, other, free_port], timeout_s=10.0, retry_timeout_s=10.0, concurrency=4, progress=lambda: None
        )
        found = {ip: ports async for ip, ports in scan.responders(["127.60.1.7", "127.60.1.8", "127.60.1.9"])}
        assert found == {"127.60.1.8": frozenset({other}), "127.60.1.9": frozenset({free_port})}


async def test_a_shortage_of_sockets_is_ours_and_never_counts_as_a_miss(
    free_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    scan = scan_of(free_port)
    naps: list[float] = []

    async def nap(seconds: float) -> None:
        naps.append(seconds)

    async def none_left(*_args: object) -> bool:
        raise OSError(errno.EMFILE, "too many open files")

    monkeypatch.setattr(asyncio, "sleep", nap)
    monkeypatch.setattr(scan, "_connect", none_left)
    with pytest.raises(Transient, match="limit of open files"):
        await scan.answers("127.0.0.1", 0.3)
    assert len(naps) == 5
    with pytest.raises(Transient, match="limit of open files"):
        async for _ in scan.responders(["127.0.0.1"]):
            pass


def test_auto_means_this_hosts_own_networks_none_larger_than_a_22(monkeypatch: pytest.MonkeyPatch) -> None:
    addresses = {
        "lo": [Address(socket.AF_INET, "127.0.0.1", "255.0.0.0")],
        "eth0": [Address(socket.AF_INET, "10.1.18.7", "255.255.0.0"), Address(socket.AF_INET6, "fe80::1", None)],
        "eth1": [Address(socket.AF_INET, "192.168.5.2", "255.255.255.0")],
        "eth2": [Address(socket.AF_INET, "192.168.9.2", "255.255.255.0")],
        "docker0": [Address(socket.AF_INET, "172.17.0.1", "255.255.0.0")],
        "ppp0": [Address(socket.AF_INET, "203.0.113.5", "255.255.255.255")],
        "eth3": [Address(socket.AF_INET, "169.254.3.3", "255.255.0.0")],
    }
    monkeypatch.setattr(psutil, "net_if_addrs", lambda: addresses)
    monkeypatch.setattr(psutil, "net_if_stats", lambda: {name: Stats(name != "eth2") for name in addresses})
    assert [str(n) for n in sweep.own_networks()] == ["10.1.16.0/22", "192.168.5.0/24"]
    ranges = sweep.ranges_of(["auto", ipaddress.IPv4Network("198.51.100.0/30")], [])
    tried = list(ranges)
    assert "10.1.18.7" not in tried  # ourselves
    assert "198.51.100.1" in tried
    assert len(tried) == 1022 - 1 + 254 - 1 + 2


@pytest.mark.parametrize(
    ("interface", "is_scanned"),
    [
        ("br-lan", True), ("br-guest", True), ("br0", True), ("bridge0", True), ("br-deadbeef", True),
        ("br-9f1c0a7733be", False), ("virbr0", False), ("lxdbr0", False), ("veth12ab", False), ("wg0", False),
    ],
)  # fmt: skip
def test_a_bridge_of_the_lan_is_a_network_of_its_own_and_one_of_containers_is_none(
    monkeypatch: pytest.MonkeyPatch, interface: str, is_scanned: bool
) -> None:
    monkeypatch.setattr(
        psutil, "net_if_addrs", lambda: {interface: [Address(socket.AF_INET, "192.168.1.2", "255.255.255.0")]}
    )
    monkeypatch.setattr(psutil, "net_if_stats", lambda: {interface: Stats(True)})
    assert [str(network) for network in sweep.own_networks()] == ["192.168.1.0/24"] * is_scanned


@pytest.mark.parametrize(
    ("named", "tried"),
    [
        (["10.0.0.4/32", "10.0.0.5/32", "10.0.0.6/32", "10.0.0.7/32"], [4, 5, 6, 7]),
        (["10.0.0.4/31", "10.0.0.6/31"], [4, 5, 6, 7]),
        (["10.0.0.0/32", "10.0.0.1/32"], [0, 1]),
        (["10.0.0.0/29", "10.0.0.7/32"], [1, 2, 3, 4, 5, 6, 7]),
        (["10.0.0.7/32", "10.0.0.0/29", "10.0.0.8/29"], [1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14]),
        (["10.0.0.0/28", "10.0.0.0/29", "10.0.0.4/31", "10.0.0.4/31"], list(range(1, 15))),
        (["10.0.0.0/29", "10.0.0.8/29"], [1, 2, 3, 4, 5, 6, 9, 10, 11, 12, 13, 14]),
    ],
)
def test_addresses_are_tried_as_they_were_named_and_each_once(named: list[str], tried: list[int]) -> None:
    networks = [ipaddress.IPv4Network(name) for name in named]
    assert list(Range(networks)) == [f"10.0.0.{number}" for number in tried]
    assert list(sweep.addresses(networks)) == [f"10.0.0.{number}" for number in tried]
