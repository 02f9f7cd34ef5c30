"""`hivectl peers`, and the line of `hivectl status`."""

from __future__ import annotations

from hived.records.events import Event
from hived.records.peers import Peer
from hived.store import events
from hived.store.nodes import peers
from tests.cli.site import MINUTE, Site


def fill(site: Site) -> None:
    now = site.now
    head = Peer("head", "a", "master", "0.1.0", ("192.0.2.7",), 8443, "/api/v1", True, "ab" * 32, "alive", now - MINUTE,
                now, now)  # fmt: skip
    rig = Peer("rig", "b", "node", "0.1.0", ("192.0.2.8",), 0, None, False, None, "dead", now - 5 * MINUTE, now, now, 3,
               "no answer")  # fmt: skip
    ghost = Peer("gh\x1bost", "c", "node", None, ("192.0.2.9",), 0, None, False, None, "sighted", now, now)
    site.write(peers.save, [head, rig, ghost])


def test_without_any_it_says_so(site: Site) -> None:
    ran = site.run("peers")
    assert (ran.code, ran.out, ran.err) == (0, "", "no other box was seen by zeroconf so far\n")
    assert site.run("peers", "--json").document == []
    site.configure("discoverd: {zeroconf: false}")
    assert site.run("peers").err == "zeroconf is switched off: discoverd.zeroconf\n"


def test_each_peer_has_a_line_and_no_name_can_write_to_the_terminal(site: Site) -> None:
    fill(site)
    ran = site.run("peers")
    assert ran.row("head").split() == [
        "head", "master", "alive", "60", "s", "ago", "https://192.0.2.7:8443", "0.1.0", "a", "-"
    ]  # fmt: skip
    assert "no answer" in ran.row("rig")
    assert "\x1b" not in ran.out
    assert [one["name"] for one in site.run("peers", "--json").document] == ["head", "gh\x1bost", "rig"]


def test_status_tells_of_the_proven_ones_in_one_line(site: Site) -> None:
    assert " peers" not in site.run("status").out
    fill(site)
    assert site.run("status").row("peers").split("peers")[1].strip() == "1 here (1 master), 1 gone"
    assert len(site.run("status", "--json").document["peers"]) == 3


def test_what_happened_to_peers_reads_as_a_sentence(site: Site) -> None:
    who = {"id": "a", "name": "head", "role": "master", "address": "192.0.2.7"}
    told = [
        Event("peer_found", site.now, who), Event("peer_dead", site.now, {**who, "reason": "no answer"}),
        Event("peer_moved", site.now, {**who, "before": "192.0.2.7 port 80", "after": "192.0.2.9 port 80"}),
        Event("peer_left", site.now, who), Event("peer_twice", site.now, {"id": "a", "name": "head", "other": "rig"}),
    ]  # fmt: skip
    site.write(events.add, told)
    out = site.run("events", "--limit", "5").out
    for sentence in (
        "master head was found at 192.0.2.7", "master head no longer answers: no answer",
        "master head moved from 192.0.2.7 port 80 to 192.0.2.9 port 80", "master head left the network",
        "head and rig have the same node id a: one is a copy",
    ):  # fmt: skip
        assert sentence in out
