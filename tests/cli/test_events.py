"""`hivectl events`: what happened, in words."""

from __future__ import annotations

import pytest

from hived.records import times
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
    assert empty.run("events").lines[1].endswith("this node  -    database full: limit mb 4096")
    (document,) = empty.run("events", "--json").document
    assert (document["miner"], document["ip"], document["detail"]) == (None, None, {"limit_mb": 4096})


def test_without_events_it_says_so(empty: Site) -> None:
    assert (empty.run("events").out, empty.run("events").err) == ("", "nothing happened so far\n")


def test_events_are_asked_for_by_kind_and_by_time(empty: Site) -> None:
    site, num = empty, None
    for ago in (3 * HOUR, HOUR, 30.0):
        site.event("fan_lost", num, ago=ago, fan=2)
        site.event("board_failed", num, ago=ago, board=1)

    def kinds(*words: str) -> list[str]:
        return [event["kind"] for event in site.run("events", "--json", *words).document]

    assert kinds("--kind", "fan_lost") == ["fan_lost"] * 3
    assert len(kinds("--since", "2h")) == 4
    assert kinds("--since", "10m", "--kind", "board_failed") == ["board_failed"]
    at = times.rfc3339(site.now - HOUR - 1)
    assert at is not None
    assert kinds("--since", at) == kinds("--since", "3601s") == ["board_failed", "fan_lost"] * 2
    assert site.run("events", "--since", "20s").err == "no such event so far\n"


@pytest.mark.parametrize("since", ["", "2", "h", "-2h", "2w", "0h", "1.5h", "99999d", "yesterday", "2026-01-31", "٣h"])
def test_a_time_that_cannot_be_read_is_wrong_usage(site: Site, since: str) -> None:
    ran = site.run("events", f"--since={since}")
    assert (ran.code, ran.out) == (2, "")
    assert "30m" in ran.err


def test_a_kind_that_does_not_exist_is_wrong_usage_with_the_near_ones(site: Site) -> None:
    ran = site.run("events", "--kind", "fan_los")
    assert (ran.code, ran.out) == (2, "")
    assert "did you mean fan_lost" in ran.err
    assert "known are " in site.run("events", "--kind", "zzz").err


def test_a_kind_of_a_newer_node_is_found(site: Site) -> None:
    site.event("pump_lost", site.miner(40))
    assert [event["kind"] for event in site.run("events", "--kind", "pump_lost", "--json").document] == ["pump_lost"]
