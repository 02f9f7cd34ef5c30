"""`hivectl nodes` and `hivectl enroll-code`."""

from __future__ import annotations

import json
import re

from hived.api.nodes import ingest_parse
from hived.records.enrolling import EnrollCode
from hived.records.events import Event
from hived.records.joining import new_key, read_key
from hived.records.node import Wish
from hived.services.appliance import certificates
from hived.store import audit, events
from hived.store.access import node_keys
from hived.store.nodes import contacts, ingest, nodes
from tests import nodes as fleet
from tests.cli.site import MINUTE, Site


def asks(site: Site, node_id: str = "n1", name: str = "shed") -> str:
    """Let a node ask and return its phrase."""
    key = new_key()
    wish = Wish(node_id, name, None, "0.1.0", key.id, key.secret_hash)
    return site.write(nodes.ask, wish, own_id="m", pin=None, address="192.0.2.9", now=site.now).phrase


def test_without_a_master_there_are_none(empty: Site) -> None:
    ran = empty.run("nodes", "list")
    assert (ran.code, ran.out, ran.err) == (0, "", "there is no node: hive-apid has not run yet\n")
    assert empty.run("nodes", "list", "--json").document == []


def test_a_collector_gets_a_key_that_works(empty: Site) -> None:
    ran = empty.run("nodes", "add", "histo", "--name", "Histo", "--json")
    assert ran.document["node_id"] == "histo"
    key = read_key(ran.document["key"])
    assert key is not None
    found = empty.write(node_keys.find, key)
    assert found is not None
    assert (found.node_id, found.node_name, found.scope) == ("histo", "Histo", "ingest")
    again = empty.run("nodes", "add", "histo", "--name", "Histo")
    assert (again.code, again.err) == (1, "hivectl: there is a node histo already\n")
    assert empty.run("nodes", "add", "a b", "--name", "Histo").code == 2
    rows = empty.write(audit.listing, limit=9)
    assert [(row["action"], row["target"], row["via"]) for row in rows] == [("node.add", "histo", "command")]
    assert key.secret not in json.dumps(rows)


def test_the_list_shows_who_waits_with_the_phrase(empty: Site) -> None:
    empty.write(contacts.own, "m", name="head", site=None, version="0.1.0", now=empty.now)
    empty.write(fleet.let_in, "n2", empty.now, name="hall")
    empty.write(fleet.touch, "n2", empty.now - MINUTE, name="hall", newest={"events": 5})
    said = asks(empty, name="sh\x1bed")
    ran = empty.run("nodes", "list")
    assert ran.row("head").split()[1:4] == ["-", "master", "alive"]
    assert ran.row("hall").split()[:4] == ["hall", "-", "node", "alive"]
    assert " 5 " in ran.row("hall")
    assert "pending" in ran.lines[3]
    assert ran.lines[-1] == f"sh\\x1bed (n1) asks from 192.0.2.9 with the phrase {said}"
    assert [one["node_id"] for one in empty.run("nodes", "list", "--json").document] == ["m", "n2", "n1"]


def test_a_node_is_approved_by_its_phrase_and_revoked(empty: Site) -> None:
    first, second = asks(empty), asks(empty)
    assert empty.run("nodes", "approve", "n1").err.startswith("hivectl: 2 keys wait for this node")
    assert empty.run("nodes", "approve", "n1", second).out == "shed is approved: it sends with its next contact\n"
    assert empty.run("nodes", "revoke", "shed").out == "shed is revoked: nothing that it sends is accepted any more\n"
    assert empty.run("nodes", "approve", "n1", first).code == 1  # revoked as well
    assert empty.run("nodes", "remove", "n1", "--json").document == {"node_id": "n1", "ok": True}
    assert empty.run("nodes", "revoke", "n1").err == "hivectl: there is no node 'n1'\n"


def test_a_node_that_is_known_and_asks_with_another_key_is_looked_at(empty: Site) -> None:
    """Its box was set up again; or somebody wants to be it."""
    empty.daemons()
    empty.write(fleet.let_in, "n1", empty.now, name="shed")
    empty.write(fleet.touch, "n1", empty.now, name="shed")
    assert "asks to join" not in empty.run("status").out
    phrase = asks(empty)
    said = empty.run("status").out
    assert "  node        shed asks to join anew, with another key\n" in said
    assert "next: compare the phrase that it shows, then: hivectl nodes approve n1 PHRASE" in said
    assert f"with the phrase {phrase}: it is known already" in empty.run("nodes", "list").out


def test_a_code_is_printed_once_with_its_end(empty: Site) -> None:
    document = empty.run("enroll-code", "--json").document
    assert re.fullmatch(r"[B-Z2-9]{4}(-[0-9A-Z]{4}){5}", document["code"]), (
        "with 80 bits of the key of a new certificate"
    )
    assert set(document) == {"code", "expires_at"}
    assert empty.write(nodes.use_code, document["code"], "n1", by="k1", now=empty.now + 899)
    assert not empty.write(nodes.use_code, document["code"], "n2", by="k2", now=empty.now + 899)
    assert "hivectl join URL " in empty.run("enroll-code").out


def test_a_code_carries_the_key_that_this_master_answers_with(empty: Site) -> None:
    empty.configure("http: {tls: self-signed}")
    code = EnrollCode.read(empty.run("enroll-code", "--json").document["code"])
    made = certificates.look(empty.folder / "tls.crt", empty.folder / "tls.key")
    assert code.key == made.pin[:20]
    assert EnrollCode.read(empty.run("enroll-code").out.split()[0]).key == code.key


def test_a_code_for_a_node_that_joins_anew_is_for_that_one_alone(empty: Site) -> None:
    empty.write(fleet.let_in, "n1", empty.now, name="shed")
    ran = empty.run("enroll-code", "--node", "shed")
    assert "for the node shed: hivectl join URL" in ran.out
    code = ran.out.split()[0]
    assert not empty.write(nodes.use_code, code, "n2", by="k2", now=empty.now)
    assert empty.write(nodes.use_code, code, "n1", by="k1", now=empty.now)
    assert empty.run("enroll-code", "--node", "barn").err == "hivectl: there is no node 'barn'\n"


def test_who_waits_is_refused_one_by_one_or_all_at_once(empty: Site) -> None:
    phrase, _, _ = asks(empty), asks(empty), asks(empty, "n2")
    for wrong in ((), ("n1", "--all")):
        assert empty.run("nodes", "refuse", *wrong).code == 2
    assert empty.run("nodes", "refuse", "n1", phrase.upper()).out == (
        "shed is refused: it may ask again with another key\n"
    )
    assert empty.run("nodes", "refuse", "n2", "--json").document == {"node_id": "n2", "ok": True}
    assert empty.run("nodes", "refuse", "--all").out == "1 wish to join forgotten\n"
    assert empty.run("nodes", "refuse", "--all", "--json").document == {"refused": 0}
    left = empty.run("nodes", "list", "--json").document
    assert [(one["node_id"], one["status"], one["phrases"]) for one in left] == [("n2", "revoked", [])]
    assert [row["action"] for row in empty.write(audit.listing, limit=9)] == ["node.refuse"] * 4


def test_what_happened_to_nodes_reads_as_a_sentence(empty: Site) -> None:
    who = {"node_id": "n1", "name": "shed"}
    kinds = ("node_joined", "node_lost", "node_back")
    empty.write(events.add, [Event(kind, empty.now, who) for kind in kinds])
    out = empty.run("events").out
    for sentence in ("node shed joined", "node shed has gone silent", "node shed is back"):
        assert sentence in out


def test_lists_can_be_narrowed_to_one_node(site: Site) -> None:
    site.write(contacts.own, "m", name="head", site=None, version="0.1.0", now=site.now)
    site.write(fleet.let_in, "n9", site.now, name="barn")
    for stream, items in (
        ("miners", [fleet.miner(1, 900)]), ("events", [fleet.event(1, 900)]), ("contributions", [fleet.said(1, 1)]),
    ):  # fmt: skip
        batch = ingest_parse.batch(fleet.batch("n9", stream, 1, 1, items), "n9", site.now)
        site.write(ingest.take, "n9", batch, site.now)
    assert [one["id"] for one in site.run("miners", "list", "--node", "barn", "--json").document] == [fleet.mac_of(900)]
    assert len(site.run("miners", "list", "--json").document) == 5
    (told,) = site.run("events", "--node", "n9", "--json").document
    assert (told["node_id"], told["kind"], told["who"]) == ("n9", "reboot", fleet.miner(1, 900)["ip"])
    assert all(one["node_id"] is None for one in site.run("events", "--node", "head", "--json").document)
    assert len(site.run("artifacts", "list", "--node", "barn", "--json").document) == 1
    assert site.run("artifacts", "list", "--node", "head", "--json").document == []
    assert site.run("events", "--node", "nobody").err == "hivectl: there is no node 'nobody'\n"
