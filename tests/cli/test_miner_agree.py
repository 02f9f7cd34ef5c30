"""`hivectl miners agree`, and how what is in doubt is told."""

from __future__ import annotations

from hived.api.nodes import ingest_parse
from hived.records.daemon import DISCOVERD
from hived.records.streams import MINERS
from hived.store import audit, commands
from hived.store.miners import miners, trust
from hived.store.nodes import ingest
from tests import nodes as fleet
from tests.cli.site import Site, mac

IP = "192.168.7.20"


def doubt(site: Site, ip: str = IP) -> None:
    site.write(trust.doubt, site.miner(20), ip, site.now, "not_agreed", "does not take our key")


def test_what_is_in_doubt_is_told_until_somebody_agrees(site: Site) -> None:
    before = site.run("status").out
    assert "nobody agreed" not in before
    doubt(site)
    told = site.run("status").out
    assert "is at an address that nobody agreed to: it gets no password there" in told
    assert f"hivectl miners agree {IP}" in told
    assert "nobody agreed" in site.run("miners", "show", IP).out
    ran = site.run("miners", "agree", IP)
    assert (ran.code, ran.out, ran.err) == (0, f"{mac(20)} is the device at {IP}\n", "")
    assert "nobody agreed" not in site.run("status").out
    known = site.write(miners.by_mac, mac(20))
    assert known is not None
    assert (known.agreed_ip, known.doubted_ip) == (IP, None)
    (row,) = site.write(audit.listing, limit=1)
    assert (row["action"], row["target"], row["via"]) == ("miner.agree", mac(20), "command")
    asked = site.write(commands.open_commands, DISCOVERD, newer_than=0.0)
    assert asked[-1].args == {"targets": [IP], "outside": True}


def test_a_second_device_is_told_with_both_addresses(site: Site) -> None:
    site.write(trust.doubt_twin, site.miner(20), "192.168.7.99", site.now)
    told = site.run("status").out
    assert "192.168.7.99 answers with the same MAC address" in told
    ran = site.run("--json", "miners", "agree", mac(20), "--at", "192.168.7.99")
    assert (ran.code, ran.document["ip"]) == (0, "192.168.7.99")
    known = site.write(miners.by_mac, mac(20))
    assert known is not None
    assert (known.agreed_ip, known.doubted_ip) == ("192.168.7.99", IP)


def test_only_an_address_of_one_machine_is_agreed_to(site: Site) -> None:
    for at in ("192.168.7.0/24", "x", "224.0.0.1", "::1", "0.0.0.0"):
        ran = site.run("miners", "agree", IP, "--at", at)
        assert (ran.code, ran.out) == (1, ""), at
    assert site.run("miners", "agree", "192.168.7.222").code == 1


def test_the_node_of_a_miner_is_asked_and_tells_of_its_doubt(site: Site) -> None:
    site.write(fleet.let_in, "n1", site.now, name="shed")
    site.write(fleet.touch, "n1", site.now, name="shed")
    item = fleet.miner(1, 70, ip="10.9.9.9") | {"doubted_ip": "10.9.9.9"}
    told = ingest_parse.batch(fleet.batch("n1", MINERS, 1, 1, [item]), "n1", site.now)
    site.write(ingest.take, "n1", told, site.now)
    assert "nobody agreed to" in site.run("miners", "show", mac(70)).out
    ran = site.run("miners", "agree", mac(70))
    assert (ran.code, ran.out) == (0, f"{mac(70)} is the device at 10.9.9.9: node n1 is told\n")
    (order,) = site.write(commands.waiting, "n1", secure=False, now=site.now)
    assert (order.verb, order.args) == ("agree_to_address", {"mac": mac(70), "ip": "10.9.9.9"})
