"""`hivectl events`: what happened, in words."""

from __future__ import annotations

from tests.cli.site import HOUR, Site, mac


def test_events_come_newest_first_with_their_age_and_miner(site: Site) -> None:
    num = site.miner(40)
    site.event("fan_lost", num, ago=3 * HOUR, fan=2)
    site.event("miner_offline", num, ago=30.0, ip="192.168.7.40")
    ran = site.run("events", "--limit", "2")
    assert ran.lines[0].split() == ["TIME", "AGO", "MINER", "MAC", "WHAT"]
    assert [line.split("  ")[-1] for line in ran.lines[1:]] == ["went offline", "lost fan 2"]
    assert "3 h ago  192.168.7.40" in ran.lines[2]
    assert len(ran.lines) == 3


def test_one_miners_events_are_asked_for_by_any_of_its_names(site: Site) -> None:
    site.event("fan_lost", site.miner(40), fan=2)
    for name in (mac(40), "192.168.7.40", "rack1-40"):
        assert {e["miner"] for e in site.run("events", "--miner", name, "--json").document} == {mac(40)}
    assert site.run("events", "--miner", "nobody").code == 1


def test_an_event_of_the_node_itself_has_no_miner(empty: Site) -> None:
    empty.event("database_full", None, limit_mb=4096)
    assert empty.run("events").lines[1].endswith("this node  -    database full: limit mb 4096")
    (document,) = empty.run("events", "--json").document
    assert (document["miner"], document["ip"], document["detail"]) == (None, None, {"limit_mb": 4096})


def test_without_events_it_says_so(empty: Site) -> None:
    assert (empty.run("events").out, empty.run("events").err) == ("", "nothing happened so far\n")
