"""`hivectl events`: what happened, in words."""

from __future__ import annotations

from typing import Any

import pytest

from hived.cli.happenings import sentence
from hived.records.events import Event
from tests.cli.site import HOUR, Site, mac


def test_events_come_newest_first_with_their_age_and_miner(site: Site) -> None:
    num = site.miner(40)
    site.event("fan_lost", num, ago=3 * HOUR, fan=2)
    site.event("miner_offline", num, ago=30.0, ip="192.168.7.40")
    ran = site.run("events", "--limit", "2")
    assert ran.lines[0].split() == ["TIME", "AGO", "MINER", "MAC", "WHAT"]
    assert [line.split("  ")[-1] for line in ran.lines[1:]] == ["went offline, was at 192.168.7.40", "lost fan 2"]
    assert "3 h ago  192.168.7.40" in ran.lines[2]
    assert len(ran.lines) == 3


def test_one_miners_events_are_asked_for_by_any_of_its_names(site: Site) -> None:
    site.event("fan_lost", site.miner(40), fan=2)
    for name in (mac(40), "192.168.7.40", "rack1-40"):
        assert {e["miner"] for e in site.run("events", "--miner", name, "--json").document} == {mac(40)}
    assert site.run("events", "--miner", "nobody").code == 1


def test_an_event_of_the_node_itself_has_no_miner(empty: Site) -> None:
    empty.event("database_full", None, limit_mb=4096)
    assert empty.run("events").lines[1].endswith('this node  -    database full {"limit_mb": 4096}')
    (document,) = empty.run("events", "--json").document
    assert (document["miner"], document["ip"], document["detail"]) == (None, None, {"limit_mb": 4096})


def test_without_events_it_says_so(empty: Site) -> None:
    assert (empty.run("events").out, empty.run("events").err) == ("", "nothing happened so far\n")


@pytest.mark.parametrize(
    ("kind", "detail", "said"),
    [
        ("miner_found", {"ip": "10.0.0.1", "model": "Antminer S21"}, "was found: Antminer S21"),
        ("miner_found", {}, "was found"),
        ("miner_online", {"ip": "10.0.0.1"}, "is back"),
        ("address_changed", {"before": "10.0.0.1", "after": "10.0.0.2"}, "moved from 10.0.0.1 to 10.0.0.2"),
        ("firmware_changed", {"before": "1.2.6", "after": "1.3.3"}, "firmware 1.2.6 -> 1.3.3"),
        ("reboot", {"uptime_s": 240.0}, "rebooted, up for 4 min when noticed"),
        ("reboot", {}, "rebooted"),
        ("miner_error", {"error": "no answer {within} 5 s"}, "cannot be read: no answer {within} 5 s"),
        ("state_changed", {"before": "mining", "after": "stopped"}, "mining -> stopped"),
        ("state_changed", {"after": "failure", "failure_code": 7, "description": "x"}, "is in failure: x, code 7"),
        ("preset_changed", {"before": "1", "after": "2"}, "preset 1 -> 2"),
        ("pool_switched", {"after": "b"}, "pool ? -> b"),
        ("board_lost", {"board": 2}, "lost board 2"),
        ("fan_back", {"fan": 0}, "fan 0 is back"),
        ("settings_changed", {"changes": [{"path": "a", "after": 5}]}, "settings changed: a: none -> 5"),
        ("settings_changed", {"changes": "?"}, "settings changed: ?"),
        ("something_new", {"a": 1}, 'something new {"a": 1}'),
    ],
)  # fmt: skip
def test_each_kind_has_its_sentence(kind: str, detail: dict[str, Any], said: str) -> None:
    assert sentence(Event(kind, 0.0, detail)) == said
