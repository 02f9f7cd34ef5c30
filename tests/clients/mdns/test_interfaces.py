"""Which of this host's addresses mDNS uses: the LAN first, whatever else there is."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest

from hived.clients.mdns import interfaces
from hived.clients.mdns.interfaces import MAX_ADDRESSES, networks_of, own_addresses
from hived.runtime.interfaces import OwnAddress


def host(monkeypatch: pytest.MonkeyPatch, *own: tuple[str, str, str], route: str | None = None) -> None:
    """Let this host have these (interface, address, netmask), and a default route by one interface."""
    found = [OwnAddress(name, ip_address(address), mask) for name, address, mask in own]
    monkeypatch.setattr("hived.runtime.interfaces.own_addresses", lambda **_: iter(found))
    monkeypatch.setattr(interfaces, "_interfaces_with_a_default_route", lambda: {route} if route else set())


def bridges(name: str, count: int) -> list[tuple[str, str, str]]:
    return [(f"{name}{n}", f"172.{n}.0.1", "255.255.0.0") for n in range(17, 17 + count)]


@pytest.mark.parametrize("name", ["br-6b1f", "docker", "veth", "virbr"])
def test_a_lan_is_used_whatever_number_of_bridges_there_is(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    host(monkeypatch, *bridges(name, 40), ("enp3s0", "192.168.1.9", "255.255.255.0"))
    found = own_addresses()
    assert found[0] == ip_address("192.168.1.9")
    assert len(found) == MAX_ADDRESSES


def test_the_interface_with_a_route_out_is_kept_where_no_name_tells(monkeypatch: pytest.MonkeyPatch) -> None:
    host(monkeypatch, *bridges("tenant", 20), ("br0", "192.168.1.9", "255.255.255.0"), route="br0")
    assert ip_address("192.168.1.9") in own_addresses()


def test_a_route_that_goes_changes_nothing_where_all_have_room(monkeypatch: pytest.MonkeyPatch) -> None:
    lans = [("eth0", "10.0.0.1", "255.0.0.0"), ("eth1", "192.168.1.1", "255.255.255.0")]
    host(monkeypatch, *lans, route="eth1")
    before = own_addresses()
    host(monkeypatch, *lans)
    assert own_addresses() == before


def test_the_networks_of_addresses_come_in_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    host(monkeypatch, ("eth0", "10.1.2.3", "255.255.0.0"), ("eth1", "192.168.1.1", "255.255.255.0"))
    ours = [ip_address("192.168.1.1"), ip_address("10.1.2.3"), ip_address("203.0.113.1")]
    assert networks_of(ours) == [ip_network("192.168.1.0/24"), ip_network("10.1.0.0/16")]


def test_the_default_route_is_read_from_the_kernels_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = tmp_path / "route"
    head = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
    table.write_text(
        f"{head}eth0\t00000000\t010AA8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n"
        "eth1\t000AA8C0\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0\nodd\n"
    )
    monkeypatch.setattr(interfaces, "_ROUTES", table)
    assert interfaces._interfaces_with_a_default_route() == {"eth0"}
    monkeypatch.setattr(interfaces, "_ROUTES", tmp_path / "none")
    assert interfaces._interfaces_with_a_default_route() == set()
