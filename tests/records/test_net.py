"""One rule of what is this machine alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hived.records.net import as_mac, is_loopback


@pytest.mark.parametrize(
    "host",
    [
        *("localhost", "LocalHost", "localhost.", "localhost:8080", "localhost:"),
        *("127.0.0.1", "127.3.2.1", "127.255.255.254", "127.0.0.1:80"),
        *("::1", "[::1]", "[::1]:8080", "0:0:0:0:0:0:0:1", "::1%lo", "::0001"),
        *("::ffff:127.0.0.1", "[::ffff:127.9.9.9]:443", "::ffff:7f00:1"),
    ],
)
def test_this_machine_is_known_however_it_is_written(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host",
    [
        *("", ":", ":80", "[]", "rig-1", "10.0.0.1", "0.0.0.0", "::", "128.0.0.1", "::2", "fe80::1", "fe80::1%lo"),
        *("::ffff:10.0.0.1", "::127.0.0.1", "64:ff9b::127.0.0.1", "[::ffff:10.0.0.1]:80"),
        # names that look like it, which somebody else may hold
        *(
            "localhost.example",
            "127.0.0.1.example",
            "127.evil.example",
            "127.1",
            "0x7f.0.0.1",
            "2130706433",
            "0177.0.0.1",
        ),
        *("localhost:80.example", "localhost@example", "example#localhost", " localhost", "127.0.0.1 ", "127.0.0.1\n"),
        *("127.0.0.1:x", "127.0.0.1:80:80", "[127.0.0.1]", "[localhost]", "[::1", "::1]", "[[::1]]", "[::1]x"),
        *("١٢٧.0.0.1", "127.0.0.1:٨٠", "ｌocalhost", "http://127.0.0.1"),
    ],
)
def test_whatever_else_is_not(host: str) -> None:
    assert not is_loopback(host)


@given(st.text(max_size=60))
def test_no_text_raises(text: str) -> None:
    is_loopback(text)


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_and_its_mapped_form_are_the_same(address: object) -> None:
    assert is_loopback(str(address)) == is_loopback(f"::ffff:{address}") == str(address).startswith("127.")


@pytest.mark.parametrize(
    "text", ["02:0e:7e:00:00:01", "02-0E-7E-00-00-01", "020e7e000001", "020e.7e00.0001", " 02:0e:7e:00:00:01\n"]
)
def test_a_mac_is_known_however_it_is_written(text: str) -> None:
    assert as_mac(text) == "02:0e:7e:00:00:01"


@pytest.mark.parametrize("text", ["", "02:0e:7e:00:00", "02:0e:7e:00:00:0g", "02:0e:7e:00:00:01:02", "０20e7e000001"])
def test_what_is_no_mac(text: str) -> None:
    assert as_mac(text) is None
    assert as_mac("02:0e:7e:00:00:01" + ":" * 64) is None
