"""`hivectl login-link`: a link on standard output that logs a browser on this machine in."""

from __future__ import annotations

import re

import pytest

from hived.records.logins import code_hash
from hived.services.access.login_link import VALID_S
from hived.store import audit
from hived.store.access import codes
from tests.cli.site import Site

LINK = re.compile(r"(https?://[^/]+)/login#code=(\w{5}(?:-\w{5}){3})")


def test_the_link_is_on_standard_output_and_its_hash_in_the_database(empty: Site) -> None:
    ran = empty.run("login-link")
    found = LINK.fullmatch(ran.out.strip())
    assert ran.code == 0
    assert found is not None, ran.out
    assert found[1] == "http://127.0.0.1:8080"
    assert found[2] not in ran.err
    assert empty.write(codes.is_open, code_hash(found[2]), empty.now + VALID_S - 1)
    assert not empty.write(codes.is_open, code_hash(found[2]), empty.now + VALID_S)
    rows = empty.write(audit.listing, limit=10)
    assert [(row["action"], row["via"]) for row in rows] == [("login.link", "command")]
    assert found[2] not in repr(rows)


@pytest.mark.parametrize(
    ("http", "starts"),
    [
        ("{addr: '0.0.0.0:81'}", "http://127.0.0.1:81"),
        ("{addr: '[::]:8080'}", "http://127.0.0.1:8080"),
        ("{addr: '[::1]:9000', tls: self-signed}", "https://[::1]:9000"),
        ("{addr: 'localhost:8080'}", "http://localhost:8080"),
        ("{addr: '127.3.2.1:8080'}", "http://127.3.2.1:8080"),
    ],
)
def test_it_leads_to_this_machine_however_hive_apid_listens(empty: Site, http: str, starts: str) -> None:
    empty.configure(f"http: {http}")
    link = empty.run("login-link", "--json").document["link"]
    assert LINK.fullmatch(link)
    assert link.startswith(f"{starts}/login#code=")


def test_where_hive_apid_listens_to_the_lan_alone_the_other_ways_are_named(empty: Site) -> None:
    empty.configure("http: {addr: '192.168.7.2:8080'}")
    ran = empty.run("login-link")
    assert (ran.code, ran.out) == (1, "")
    assert "http.addr" in ran.err
    assert "hivectl users add" in ran.err
    assert not empty.write(audit.listing, limit=10)
