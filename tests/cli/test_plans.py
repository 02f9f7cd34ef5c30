"""hivectl do --plan and hivectl plans: orders by the clock."""

from __future__ import annotations

import json
from typing import Any

import pytest

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
    assert "every day 22:00 to 06:00" in ran.out
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
