"""hivectl alerts: what is wrong, in whose hands it is, and what decides who is told of what."""

from __future__ import annotations

import io

import pytest

from hived.records.alerts import DEFAULTS, Scope
from hived.store import audit
from hived.store.alerts import alerts as rows
from hived.store.alerts import channels, rules, windows
from tests import alerts
from tests.cli.site import Site

pytestmark = pytest.mark.sqlite_only("the rows are tried on both in tests/api/alerts")


@pytest.fixture
def troubled(site: Site) -> Site:
    site.write(alerts.furnish, site.now)
    return site


def test_open_alerts_are_listed_shown_taken_in_hand_and_snoozed(troubled: Site) -> None:
    row = troubled.run("alerts", "list").row("row A")
    assert "12 miners offline, all at once: group row A" in row
    assert "1.2 PH/s now, 0.4 PH·h so far" in row
    found = troubled.run("alerts", "list", "--json").document
    assert [one["rule"] for one in found] == ["group-offline", "too-hot"]
    dark, hot = (str(one["id"]) for one in found)
    assert len(troubled.run("alerts", "list", "--all", "--json").document) == 3
    shown = troubled.run("alerts", "show", dark)
    for words in ("next      check the breaker", "It explains", "127.20.0.1: 0 % of what it should give",
                  "(mail, ops not after 1 try)"):  # fmt: skip
        assert words in shown.out, shown.out
    assert "alert 3 is in hand" in troubled.run("alerts", "acknowledge", dark).out
    assert "alert 2 is snoozed for 4 h" in troubled.run("alerts", "snooze", hot, "--until", "4h").out
    assert troubled.write(rows.one, int(hot)).snoozed_until == troubled.now + 4 * 3600
    assert {one["quiet"] for one in troubled.run("alerts", "list", "--json").document} == {True}
    assert troubled.run("alerts", "snooze", hot, "--until", "30d").code == 2
    assert troubled.run("alerts", "acknowledge", "1").code == 1  # it is over
    assert troubled.run("alerts", "show", "99").code == 1
    actions = [row["action"] for row in troubled.write(audit.listing, limit=9)]
    assert actions == ["alert.snooze", "alert.acknowledge"]


def test_status_says_that_alerts_are_open(troubled: Site) -> None:
    assert "2 open: hivectl alerts list" in troubled.run("status").row("alerts ")
    assert troubled.run("status", "--json").document["alerts"] == {"bad": 2, "warn": 0, "channels": 2}
    assert "nobody" not in troubled.run("status").out
    for one in (2, 3):
        troubled.run("alerts", "acknowledge", str(one))
    assert "hivectl alerts list" not in troubled.run("status").out


def test_status_and_doctor_say_that_nobody_is_told(troubled: Site) -> None:
    for name in ("mail", "ops"):
        troubled.run("alerts", "remove-channel", name)
    status = troubled.run("status").out
    assert "nobody is told: there is no channel\n" in status
    assert "next: hivectl alerts add-channel NAME --url-prompt" in status
    doctor = {one["name"]: one for one in troubled.run("doctor", "--json").document["checks"]}
    assert (doctor["alerts"]["state"], doctor["alerts"]["text"]) == (
        "warn", "2 open, 2 of them bad; nobody is told: there is no channel",
    )  # fmt: skip
    troubled.configure("alerts: {heartbeat: 'https://watch.example/'}")
    assert "nobody is told" not in troubled.run("status").out


def test_a_new_box_is_well_without_a_channel_and_says_that_it_has_none(site: Site) -> None:
    ran = site.run("status")
    assert (ran.code, ran.row("nobody")) == (0, "  alerts      nobody would be told: there is no channel")
    (told,) = [one for one in site.run("doctor", "--json").document["checks"] if one["name"] == "alerts"]
    assert told["state"] == "ok"
    assert "nobody would be told" in told["text"]


def test_rules_are_listed_changed_made_and_reset(site: Site) -> None:
    assert len(site.run("alerts", "rules", "--json").document["rules"]) == len(DEFAULTS)
    assert "over 95 °C, well again at 90 °C" in site.run("alerts", "rules").row("too-hot")
    assert "°C" in site.run("alerts", "signs").row("measure.chip_temp_max_c")
    ran = site.run("alerts", "set", "too-hot", "--over", "85", "--for", "2m", "--severity", "warn")
    assert ran.out == "too-hot (warn): over 85 °C, well again at 80 °C, everywhere\n"
    changed = site.write(rules.one, "too-hot")
    assert (changed.threshold, changed.clear, changed.for_s, changed.severity) == (85, 80, 120, "warn")
    assert site.run("alerts", "set", "too-hot", "--off").out == "too-hot (warn): off\n"
    assert site.run("alerts", "reset", "too-hot").out == "too-hot is as it came with hived\n"
    assert site.write(rules.one, "too-hot") == DEFAULTS["too-hot"]
    ran = site.run(
        "alerts", "set", "hungry", "--sign", "measure.power_w", "--over", "3600", "--miners", "2", "--group", "row A"
    )
    assert ran.out == "hungry (warn): over 3600 W, 2 miners or more, group row A\n"
    assert site.write(rules.one, "hungry").scope == Scope(group="row A")
    assert "everywhere" in site.run("alerts", "set", "hungry", "--everywhere").out
    assert site.run("alerts", "reset", "hungry").out == "hungry is removed\n"
    for wrong in (
        ("hungry",),
        ("hungry", "--sign", "measure.x"),
        ("too-hot", "--over", "hot"),
        ("disk", "--over", "1"),
    ):
        assert site.run("alerts", "set", *wrong).code == 2, wrong
    assert site.run("alerts", "reset", "hungry").code == 1


def test_maintenance_is_announced_listed_and_taken_back(site: Site) -> None:
    assert "none: hivectl alerts maintenance NAME" in site.run("alerts", "maintenance").err
    ran = site.run("alerts", "maintenance", "rewiring", "--until", "2h", "--group", "row A")
    assert ran.code == 0, ran.err
    assert ran.out.endswith(", group row A\n")
    ran = site.run("alerts", "maintenance", "night", "--from", "22:00", "--to", "06:00", "--quiet", "warn")
    assert ran.out == "night: every day 22:00 to 06:00, up to warn\n"
    assert [one.name for one in site.write(windows.listing)] == ["night", "rewiring"]
    assert "now, until" in site.run("alerts", "maintenance").row("rewiring")
    assert site.run("alerts", "maintenance", "--json").document[1]["scope"] == {"group": "row A"}
    assert site.run("alerts", "maintenance", "rewiring", "--remove").code == 0
    assert [one.name for one in site.write(windows.listing)] == ["night"]
    assert site.run("alerts", "maintenance", "rewiring", "--remove").code == 1
    assert site.run("alerts", "maintenance", "x").code == 2
    assert site.run("alerts", "maintenance", "x", "--from", "22:00").code == 2


def test_a_channel_is_added_tried_and_removed_and_its_address_never_shown(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "so nobody is told" in site.run("alerts", "channels").err
    monkeypatch.setattr("sys.stdin", io.StringIO("json://127.0.0.1:9/geheim\n"))
    ran = site.run("alerts", "add-channel", "hook", "--url-stdin", "--least", "bad")
    assert ran.out == "hook is added: json://127.0.0.1/***; try it: hivectl alerts test hook\n"
    assert site.write(channels.one, "hook").url == "json://127.0.0.1:9/geheim"
    assert "what is bad" in site.run("alerts", "channels").row("hook")
    ran = site.run("alerts", "test")
    assert (ran.code, ran.out) == (
        1, "hook did not take it: 127.0.0.1, loopback: alerts.allow_hosts does not have it\n",
    )  # fmt: skip
    assert site.run("alerts", "test", "hook", "--json").document["hook"]["ok"] is False
    assert site.run("alerts", "test", "nothing").code == 1
    assert site.run("alerts", "remove-channel", "hook").code == 0
    assert site.run("alerts", "remove-channel", "hook").code == 1
    monkeypatch.setattr("sys.stdin", io.StringIO("exec://rm\n"))
    ran = site.run("alerts", "add-channel", "hook", "--url-stdin")
    assert (ran.code, "cannot be exec://" in ran.err) == (1, True)


def test_what_does_not_arrive_is_said_with_its_channel(troubled: Site) -> None:
    row = troubled.run("alerts", "channels").row("ops")
    assert "2 notices not arrived: 502: bad gateway" in row
    assert "secret" not in troubled.run("alerts", "channels", "--json").out
