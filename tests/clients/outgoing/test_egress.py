"""Where something may be sent to, and where never."""

from __future__ import annotations

from ipaddress import IPv4Network, ip_address

import pytest

from hived.clients.outgoing.egress import Egress
from hived.errors import Blocked, Transient
from hived.records.hosts import OwnHosts

PLAIN = Egress(
    subnets=(IPv4Network("192.168.7.0/24"),), miners=frozenset({"10.9.9.9", "8.8.4.4"}),
    own=frozenset({ip_address("10.1.1.1"), ip_address("2a00::5")}),
)  # fmt: skip


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("8.8.8.8", None),
        ("10.1.2.3", None),  # a private network without miners: where a company's mail server is
        ("100.64.0.7", None),
        ("fd00::7", None),
        ("2a00::7", None),
        ("127.0.0.1", "loopback"),
        ("127.9.9.9", "loopback"),
        ("::1", "loopback"),
        ("0.0.0.0", "this very host"),
        ("169.254.169.254", "link-local"),
        ("fe80::1", "link-local"),
        ("fe80::1%eth0", "bound to one interface"),
        ("224.0.0.1", "multicast"),
        ("255.255.255.255", "reserved"),
        ("192.168.7.20", "in the networks of miners (network.subnets)"),
        ("10.9.9.9", "where a miner is or was"),
        ("8.8.4.4", "where a miner is or was"),
        ("10.1.1.1", "which is this box"),
        ("2a00::5", "which is this box"),
        ("::ffff:192.168.7.20", "in disguise"),
        ("::ffff:127.0.0.1", "in disguise"),
        ("64:ff9b::c0a8:714", "in disguise"),
        ("2002:c0a8:714::1", "in disguise"),
    ],
)
def test_an_address_is_judged(address: str, why: str | None) -> None:
    told = PLAIN.why_not("some.example.com", 80, ip_address(address))
    assert (told is None) == (why is None), told
    assert (why or "") in (told or "")


@pytest.mark.parametrize(
    ("entry", "host", "port", "address", "allowed"),
    [
        ("192.168.7.20", "192.168.7.20", 80, "192.168.7.20", True),
        ("192.168.7.20:25", "192.168.7.20", 25, "192.168.7.20", True),
        ("192.168.7.20:25", "192.168.7.20", 80, "192.168.7.20", False),
        ("192.168.7.0/28", "mail.lan", 25, "192.168.7.9", True),
        ("192.168.7.0/28", "mail.lan", 25, "192.168.7.20", False),
        ("mail.lan", "mail.lan", 25, "192.168.7.20", True),
        ("mail.lan", "MAIL.LAN.", 25, "192.168.7.20", True),
        ("mail.lan", "mail.lan", 25, "127.0.0.1", True),
        ("mail.lan", "other.lan", 25, "192.168.7.20", False),
        ("mail.lan:25", "mail.lan", 80, "192.168.7.20", False),
        ("mail.lan", "mail.lan", 25, "169.254.169.254", False),  # no name of a host leads there
        ("mail.lan", "mail.lan", 25, "224.0.0.1", False),
    ],
)
def test_the_configuration_names_what_may_be_reached_all_the_same(
    entry: str, host: str, port: int, address: str, allowed: bool
) -> None:
    egress = Egress(allowed=OwnHosts.of([entry]), subnets=PLAIN.subnets, miners=frozenset({"192.168.7.20"}))
    assert (egress.why_not(host, port, ip_address(address)) is None) == allowed


async def test_a_host_is_looked_up_and_every_address_of_it_judged() -> None:
    assert await Egress(named=True)("127.0.0.1", 80) == [("127.0.0.1", 80)]
    with pytest.raises(Blocked, match=r"localhost is at .*: alerts.allow_hosts does not have it"):
        await PLAIN("localhost", 80)
    with pytest.raises(Blocked, match=r"^192.168.7.20, in the networks of miners"):
        await PLAIN("192.168.7.20", 80)
    assert await PLAIN("10.1.2.3", 8080) == [("10.1.2.3", 8080)]
    for nowhere in ("no-such-host.invalid", "a" * 300, "\udcff", ""):
        with pytest.raises((Transient, Blocked)):
            await PLAIN(nowhere, 80)
