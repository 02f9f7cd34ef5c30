"""Which addresses are public, however they are wrapped."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hived.records import addresses

NOT_PUBLIC = [
    *("0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.127.255.254", "127.0.0.1", "127.9.9.9"),
    *("169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.8", "192.0.2.1", "192.88.99.1", "192.168.1.1"),
    *("198.18.0.1", "198.19.255.255", "198.51.100.7", "203.0.113.7", "224.0.0.1", "239.1.2.3", "240.0.0.1"),
    *(
        "255.255.255.255",
        "::",
        "::1",
        "fe80::1",
        "fe80::1%eth0",
        "2606:2800::1%eth0",
        "fec0::1",
        "fc00::1",
        "fd12:3456::1",
        "ff02::1",
    ),
    *("2001:db8::1", "3fff::1", "100::1", "5f00::1", "2001:2::1", "2001:10::1", "4000::1", "8000::1"),
    # mapped, compatible, translated
    *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::ffff:0:127.0.0.1", "::127.0.0.1"),
    *("::ffff:224.0.0.1", "::8.8.8.8", "::ffff:0:8.8.8.8"),
    # NAT64, well known and local in each of its layouts
    *("64:ff9b::10.0.0.1", "64:ff9b::127.0.0.1", "64:ff9b::169.254.169.254", "64:ff9b:1::10.0.0.1"),
    *("64:ff9b:1:a00:0:100::", "64:ff9b:1:a00:0:100:808:808", "64:ff9b:1:a:0:1:808:808", "64:ff9b:1:0:a:0:108:808"),
    # 6to4, Teredo (server, client inverted), ISATAP
    *(
        "2002:a00:1::",
        "2002:7f00:1::1",
        "2002:c0a8:101::",
        "2002:808:808::1",
        "2001:0:a00:1::f7f7:f7f7",
        "2001:0:808:808::f5ff:fffe",
    ),
    *("2606:2800::5efe:10.0.0.1", "2606:2800::200:5efe:127.0.0.1"),
]
PUBLIC = [
    *("8.8.8.8", "1.1.1.1", "93.184.216.34", "100.63.255.255", "100.128.0.1", "172.15.0.1", "172.32.0.1", "11.0.0.1"),
    *("192.88.98.1", "223.255.255.255", "2606:2800:220:1:248:1893:25c8:1946", "2a00:1450:4001::1"),
    *("::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "64:ff9b:1::8.8.8.8", "2606:2800::5efe:8.8.8.8"),
]


@pytest.mark.parametrize("text", NOT_PUBLIC)
def test_an_address_that_is_not_of_the_open_internet_is_told_with_its_reason(text: str) -> None:
    assert addresses.why_not_public(ip_address(text))


@pytest.mark.parametrize("text", PUBLIC)
def test_an_address_of_the_open_internet_passes(text: str) -> None:
    assert addresses.why_not_public(ip_address(text)) is None


@pytest.mark.parametrize("text", ["64:ff9b::10.0.0.1", "::ffff:10.0.0.1", "2002:a00:1::", "2001:0:a00:1::f7f7:f7f7"])
def test_the_reason_names_the_address_inside(text: str) -> None:
    assert addresses.why_not_public(ip_address(text)) == "10.0.0.1 in disguise, a private network"


@pytest.mark.parametrize(
    ("text", "private"),
    [
        ("127.0.0.1", True),
        ("192.168.1.2", True),
        ("fd00::1", True),
        ("::1", True),
        ("169.254.169.254", False),  # where clouds keep their secrets: no name may lead there, only a network entry
        ("224.0.0.1", False),
        ("0.0.0.0", False),
        ("fe80::1", False),
        ("::ffff:127.0.0.1", False),
        ("8.8.8.8", False),
    ],
)
def test_an_own_host_may_live_on_loopback_or_in_a_private_network(text: str, private: bool) -> None:
    assert addresses.is_private_unicast(ip_address(text)) is private


@given(st.ip_addresses(v=4))
def test_wrapping_never_makes_an_address_public(inner: object) -> None:
    four = ip_address(str(inner))
    hidden = [
        f"::ffff:{four}",
        f"64:ff9b::{four}",
        f"64:ff9b:1::{four}",
        f"2002:{int(four) >> 16:x}:{int(four) & 0xFFFF:x}::1",
        f"2606:2800::5efe:{four}",
    ]
    for text in hidden:
        assert (addresses.why_not_public(ip_address(text)) is None) <= (addresses.why_not_public(four) is None), text
