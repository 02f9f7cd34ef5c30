"""hivectl do --plan and hivectl plans: orders by the clock."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hived.cli.output.text import wall
from hived.store.miners import orders, plans
from tests.cli.site import Site, Terminal
from tests.cli.test_do import farm, given

assert farm  # the fixture
pytestmark = pytest.mark.sqlite_only("the rows are tried on both in tests/services/miners/test_plans.py")


def planned(site: Site) -> list[Any]:
    return site.write(plans.listing)


def test_an_order_becomes_a_plan_and_is_listed_switched_and_removed(farm: Site) -> None:
    ran = farm.run("do", "pause", "--all", "--yes", "--plan", "night", "--from", "22:00", "--to", "06:00")
    assert ran.code == 0, ran.err
    (told,) = ran.lines
    assert told.startswith("plan night: pause all miners, every day 22:00 to 06:00; next ")
    assert given(farm) == []
    (plan,) = planned(farm)
    assert (plan.name, plan.body["verb"], plan.schedule.ends) == ("night", "pause", "06:00")
    assert "night" in farm.run("plans", "list").out
    assert json.loads(farm.run("plans", "list", "--json").out)[0]["when"]["from"] == "22:00"
    assert farm.run("plans", "off", "night").code == 0
    assert not planned(farm)[0].enabled
    assert farm.run("plans", "on", str(plan.id)).code == 0
    assert planned(farm)[0].enabled
    assert farm.run("plans", "remove", "night").code == 0
    assert planned(farm) == []
    assert farm.run("plans", "remove", "night").code == 1


def test_with_an_end_alone_it_is_done_now_and_brought_back_then(farm: Site) -> None:
    ran = farm.run("do", "pause", "--all", "--yes", "--plan", "storm", "--until", "6h")
    assert ran.code == 0, ran.err
    (order,) = given(farm)
    assert order.verb == "pause"
    (plan,) = planned(farm)
    assert (plan.next_what, plan.order) == ("back", order.id)
    assert farm.write(lambda db: orders.one(db, order.id))[0].counts["pending"] == 3


@pytest.mark.parametrize(
    "line",
    [
        ("--from", "22:00"), ("--plan", "x"), ("--plan", "x", "--from", "9"), ("--plan", "x", "--at", "yesterday"),
        ("--plan", "x", "--from", "22:00", "--days", "noday"), ("--late",),
        ("--plan", "x", "--from", "22:00", "--to", "22:00"),
    ],
)  # fmt: skip
def test_a_time_that_makes_no_sense_is_wrong_usage(farm: Site, line: tuple[str, ...]) -> None:
    assert farm.run("do", "pause", "--all", "--yes", *line).code == 2
    assert planned(farm) == []


@pytest.mark.parametrize("when", [("--until", "6h"), ("--from", "22:00", "--to", "06:00")])
def test_a_plan_is_asked_about_as_an_order_is(
    farm: Site, when: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", Terminal("n\ny\n"))
    ran = farm.run("do", "pause", "--all", "--plan", "storm", *when)
    assert ran.code == 1
    assert "pause 3 miners" in ran.err
    assert (planned(farm), given(farm)) == ([], [])
    assert farm.run("do", "pause", "--all", "--plan", "storm", *when).code == 0
    assert len(planned(farm)) == 1


def test_a_storm_says_when_it_brings_back_what_it_stops(farm: Site) -> None:
    ran = farm.run("do", "pause", "--all", "--yes", "--plan", "storm", "--until", "2030-01-31T12:00:00Z")
    assert ran.code == 2
    ran = farm.run("do", "pause", "--all", "--yes", "--plan", "storm", "--until", "6h")
    back = wall(farm.now + 6 * 3600)
    assert ran.lines[0] == f"plan storm: pause all miners, {wall(farm.now)} to {back}; next back {back}"
    assert ran.lines[1].startswith("order 1: pause ")
    (line,) = [line for line in farm.run("plans", "list").lines if "storm" in line]
    assert "all miners" in line
    assert f"back {back}" in line


def test_a_dry_run_of_a_plan_says_the_plan_and_that_nothing_brings_it_back(farm: Site) -> None:
    ran = farm.run("do", "pause", "--all", "--dry-run", "--plan", "night", "--from", "22:00", "--days", "mon")
    assert ran.code == 0
    assert ran.lines[0].startswith("would be plan night: pause all miners, mon 22:00; next ")
    assert ran.lines[0].endswith("; nothing brings it back")
    assert ran.lines[1].startswith("would pause 3 miners")
    assert (planned(farm), given(farm)) == ([], [])


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("pause --plan x --from 22:00 --days noday", "--days: expected a list of some of mon, tue, "),
        ("pause --plan x --from 22:00 --to 6:00", "--to: expected a time such as 22:00 or 06:00"),
        ("pause --plan x --from 22:00 --to 22:00", "--to: is the same as --from"),
        ("reboot --plan x --from 22:00 --to 23:00", "reboot has no way back, and takes no end"),
        ("pause --plan x --at 2h --until 1h", "--until: is not after --at"),
        ("cooling manual", "PERCENT: manual cooling needs the fans' duty"),
        ("pause --packet 0/5s", "--packet: expected a whole number of miners"),
    ],
)
def test_what_is_wrong_is_named_as_it_was_typed(farm: Site, line: str, says: str) -> None:
    for how in ("--yes", "--dry-run"):
        ran = farm.run("do", *line.split(), "--all", how)
        assert (ran.code, ran.err.startswith(f"hivectl: {says}")) == (2, True), ran.err
