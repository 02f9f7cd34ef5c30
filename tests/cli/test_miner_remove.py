"""`hivectl miners remove` and `hivectl miners merge`."""

from __future__ import annotations

from hived.api.nodes import ingest_parse
from hived.records.streams import MINERS
from hived.store import audit
from hived.store import commands as orders
from hived.store.miners import miners
from hived.store.nodes import ingest
from tests import nodes as fleet
from tests.cli.site import HOUR, Site, mac


def gone(site: Site, number: int) -> None:
    site.write(miners.missed, [site.miner(number)], site.now, offline_after=1)


def test_miners_that_are_gone_are_forgotten_and_the_audit_says_who_did_it(site: Site) -> None:
    gone(site, 20)
    gone(site, 21)
    ran = site.run("miners", "remove", "192.168.7.20", mac(21))
    assert (ran.code, ran.lines) == (0, [f"{mac(20)} is forgotten", f"{mac(21)} is forgotten"])
    assert "192.168.7.20" not in site.run("miners", "list").out
    told = site.write(audit.listing, limit=2)
    assert [(row["action"], row["via"]) for row in told] == [("miner.remove", "command")] * 2
    assert told[1]["target"] == mac(20)
    assert told[1]["before"]["last_ip"] == "192.168.7.20"


def test_one_that_is_there_is_not_forgotten_and_none_of_those_named_with_it(site: Site) -> None:
    gone(site, 20)
    ran = site.run("miners", "remove", "192.168.7.20", "192.168.7.1")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err == f"hivectl: {mac(1)} is there, at 192.168.7.1: only a miner that is offline can be removed\n"
    assert "192.168.7.20" in site.run("miners", "list").out


def test_a_machine_goes_on_as_its_new_control_board(site: Site) -> None:
    gone(site, 20)
    site.clock.advance(HOUR)
    site.status(site.miner(21))
    ran = site.run("miners", "merge", "192.168.7.20", "192.168.7.21")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == f"merging {mac(20)} into {mac(21)} is done: one miner, with the history of both\n"
    assert "192.168.7.20" not in site.run("miners", "list").out
    assert f"has a new control board: {mac(21)} in place of {mac(20)}" in site.run("miners", "show", mac(21)).out
    (told,) = site.write(audit.listing, limit=1)
    assert (told["action"], told["target"], told["before"]) == ("miner.merge", mac(21), {"mac": mac(20)})


def test_two_machines_are_not_merged(site: Site) -> None:
    for old, new, why in (("1", "2", "is there"), ("1", "1", "same miner")):
        ran = site.run("miners", "merge", f"192.168.7.{old}", f"192.168.7.{new}")
        assert (ran.code, ran.out) == (1, "")
        assert why in ran.err


def test_a_miner_of_a_node_goes_here_and_its_node_is_asked(site: Site) -> None:
    site.write(fleet.let_in, "n1", site.now, name="shed")
    site.write(fleet.touch, "n1", site.now, name="shed")
    item = fleet.miner(1, 70, ip=None, online=False)
    told = ingest_parse.batch(fleet.batch("n1", MINERS, 1, 1, [item]), "n1", site.now)
    site.write(ingest.take, "n1", told, site.now)
    assert site.run("miners", "remove", mac(70)).code == 0
    assert [one.verb for one in site.write(orders.waiting, "n1", secure=True, now=site.now)] == ["remove_miner"]
    assert mac(70) not in site.run("miners", "list").out
