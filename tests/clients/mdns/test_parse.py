"""mDNS records, whatever their bytes: a sighting that makes sense, or one refusal."""

from __future__ import annotations

import ipaddress
import socket
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hived.clients.mdns import parse
from hived.clients.mdns.parse import MAX_ADDRESSES, SERVICE
from hived.errors import Unreadable
from hived.records.peers import Announcement, Sighting

NAME = f"rig-7.{SERVICE}"
FINGERPRINT = "0123456789abcdef" * 4


def txt(**told: str) -> bytes:
    return b"".join(bytes([len(entry)]) + entry for entry in (f"{key}={value}".encode() for key, value in told.items()))


def packed(*addresses: str) -> list[bytes]:
    return [ipaddress.ip_address(one).packed for one in addresses]


def seen(*, name: str = NAME, port: int | None = 0, addresses: tuple[str, ...] = ("192.0.2.7",), **told: str) -> Any:
    given = {"id": "abc", "role": "node", "v": "1.2.3", "tls": "0"} | told
    return parse.sighting(name, port, packed(*addresses), txt(**given))


def test_a_node_is_read_as_it_announces_itself() -> None:
    assert seen() == Sighting("rig-7", "abc", "node", ("192.0.2.7",), "1.2.3")


def test_a_master_is_read_with_its_door() -> None:
    found = seen(role="master", port=8443, path="/api/v1", tls="1", fp=FINGERPRINT.upper())
    assert (found.port, found.path, found.tls, found.fingerprint) == (8443, "/api/v1", True, FINGERPRINT)


@pytest.mark.parametrize(
    "own",
    [
        Announcement("a" * 32, "rig", "node", "0.1.0"),
        Announcement("b", "head", "master", "0.1.0", 8080, "/api/v1", tls=False),
        Announcement("c", "head", "master", "0.1.0", 8443, "/api/v1", tls=True, fingerprint=FINGERPRINT),
    ],
)
def test_what_we_announce_is_what_others_read(own: Announcement) -> None:
    record = txt(**parse.properties(own))
    name = f"{parse.instance_label(own.name)}.{SERVICE}"
    found = parse.sighting(name, own.port, packed("192.0.2.1"), record)
    read = Announcement(
        found.id, found.name, found.role, found.version or "", found.port, found.path, found.tls, found.fingerprint
    )
    assert read == own


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"id": ""}, "no id"),
        ({"id": "../../etc"}, "no id"),
        ({"id": "x" * 65}, "no id"),
        ({"role": "boss"}, "neither"),
        ({"role": ""}, "neither"),
        ({"role": "master", "port": 0}, "without a port"),
        ({"role": "master", "port": None}, "without a port"),
        ({"role": "master", "port": 70_000}, "without a port"),
        ({"role": "master", "port": 1, "tls": "1"}, "fingerprint"),
        ({"role": "master", "port": 1, "tls": "1", "fp": "ab"}, "fingerprint"),
        ({"role": "master", "port": 1, "tls": "yes"}, "fingerprint"),
        ({"addresses": ()}, "no address"),
        ({"name": f"a\x00b.{SERVICE}"}, "cannot be shown"),
        ({"name": f"\x1b[31mred.{SERVICE}"}, "cannot be shown"),
        ({"name": f"{'x' * 64}.{SERVICE}"}, "cannot be shown"),
        ({"name": SERVICE}, "none of ours|not a name"),
        ({"name": "rig._http._tcp.local."}, "not a name"),
    ],
)
def test_what_makes_no_sense_is_refused(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(Unreadable, match=reason):
        seen(**changes)


def test_what_is_only_for_people_is_left_out_when_it_is_odd() -> None:
    found = seen(v="\x07", path="/../../x y", role="master", port=80)
    assert (found.version, found.path) == (None, None)
    assert seen(v="9" * 65).version is None


def test_a_node_has_neither_port_nor_certificate_whatever_it_says() -> None:
    found = seen(port=22, tls="1", fp=FINGERPRINT, path="/x")
    assert (found.port, found.path, found.tls, found.fingerprint) == (0, None, False, None)


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (b"\x05id=", "ends within"),
        (b"\xff", "ends within"),
        (b"\x04id=\xff", "UTF-8"),
        (b"\x04\xff\xfe=1", "UTF-8"),
        (b"\x03a=1" * 33, "more than 32"),
        (b"\x00" * 33, "more than 32"),
        (b"\x00" * 1301, "1301 bytes"),
    ],
)
def test_a_txt_record_that_lies_of_its_lengths_or_is_no_text_is_refused(record: bytes, reason: str) -> None:
    with pytest.raises(Unreadable, match=reason):
        parse.txt(record)


def test_of_an_entry_given_twice_the_first_counts_and_keys_have_no_case() -> None:
    assert parse.txt(txt(ID="a", id="b", flag="")) == {"id": "a", "flag": ""}
    assert parse.txt(b"\x04flag\x00") == {"flag": "", "": ""}


def test_only_addresses_that_can_be_another_box_stay_and_ipv4_comes_first() -> None:
    told = (
        "::1", "fe80::1", "fd00::7", "2001:db8::7", "127.0.0.1", "192.0.2.7", "0.0.0.0", "224.0.0.251", "ff02::fb",
        "255.255.255.255", "::ffff:192.0.2.9", "10.0.0.7",
    )  # fmt: skip
    assert parse.reachable(packed(*told)) == ("192.0.2.7", "10.0.0.7", "fd00::7", "2001:db8::7")


def test_loopback_counts_where_we_use_nothing_else() -> None:
    both = packed("127.0.0.1", "192.0.2.7")
    loopback, lan = ipaddress.ip_address("127.0.0.1"), ipaddress.ip_address("192.0.2.1")
    assert parse.reachable(both, [loopback]) == ("127.0.0.1",)
    assert parse.reachable(both, [lan]) == ("192.0.2.7",)
    assert parse.reachable(both, [loopback, lan]) == ("192.0.2.7",)


@pytest.mark.parametrize("order", [1, -1])
def test_an_address_in_a_network_of_ours_comes_before_the_bridges_of_containers(order: int) -> None:
    ours = [ipaddress.ip_address("10.77.0.1"), *(ipaddress.ip_address(f"172.{n}.0.1") for n in (17, 18))]
    networks = [ipaddress.ip_network(f"{one}/{8 if n == 0 else 16}", strict=False) for n, one in enumerate(ours)]
    named = [*(f"172.{n}.0.1" for n in range(17, 23)), "10.200.3.4", "172.18.0.9"][::order]
    found = parse.reachable(packed(*named), ours, networks)
    assert found[:2] == ("10.200.3.4", "172.18.0.9"), "the LAN before the bridges, the reachable before the rest"
    assert not {"172.17.0.1", "172.18.0.1"} & set(found), "what both have leads to ourselves"


def test_a_record_with_thousands_of_addresses_gives_a_few() -> None:
    many = [socket.inet_aton(f"10.{n >> 8}.{n & 255}.1") for n in range(5000)]
    assert len(parse.reachable(many)) == MAX_ADDRESSES
    assert parse.reachable([b"", b"abc", b"x" * 17]) == ()


@pytest.mark.parametrize(
    ("name", "number", "label"),
    [
        ("rig", 1, "rig"),
        ("rig", 2, "rig (2)"),
        ("rig.farm.lan", 1, "rig-farm-lan"),
        ("Büro\n", 1, "Büro-"),
        ("", 1, "hived"),
        ("x" * 70, 2, "x" * 59 + " (2)"),
        ("é" * 40, 1, "é" * 31),
    ],
)
def test_a_node_name_becomes_one_label_of_at_most_63_bytes(name: str, number: int, label: str) -> None:
    assert parse.instance_label(name, number) == label
    assert len(label.encode()) <= 63
    assert parse.instance_of(f"{label}.{SERVICE}") == label


@given(
    name=st.one_of(st.text(max_size=80), st.text(max_size=70).map(lambda label: f"{label}.{SERVICE}")),
    port=st.one_of(st.none(), st.integers(-1, 70_000)),
    addresses=st.lists(st.binary(max_size=17), max_size=20),
    record=st.one_of(
        st.binary(max_size=1400),
        st.dictionaries(
            st.sampled_from(["id", "role", "v", "path", "tls", "fp", "ID", "x"]),
            st.one_of(st.text(max_size=40), st.sampled_from(["node", "master", "0", "1", FINGERPRINT])),
        ).map(lambda told: txt(**{k: v for k, v in told.items() if len(v.encode("utf-8", "replace")) < 200})),
    ),
)
def test_no_bytes_raise_anything_but_a_refusal(
    name: str, port: int | None, addresses: list[bytes], record: bytes
) -> None:
    try:
        found = parse.sighting(name, port, addresses, record)
    except Unreadable:
        return
    assert found.name.isprintable()
    assert 1 <= len(found.addresses) <= MAX_ADDRESSES
    assert 0 <= found.port <= 65535
    assert found.role in ("node", "master")
