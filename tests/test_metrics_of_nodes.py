"""What other nodes say of themselves ends up in metrics as numbers and labels, whatever they say."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from hived.documents.metrics.facts import Box, Facts
from hived.documents.metrics.text import families, text
from hived.records.condition import Moment
from hived.records.metrics import labels, pairs
from hived.records.node import ALIVE, APPROVED, NODE, PENDING, NodeView
from tests.metrics import by_name, complaints, needs_promtool

NOW = 1_800_000_000.0
BOX = Box((), {}, (), 1, 1, None, {}, {}, 0, {}, {})


def node(node_id: str, name: str, health: Any = None, **other: Any) -> NodeView:
    usual = NodeView(
        node_id=node_id, name=name, site=None, role=NODE, status=APPROVED, state=ALIVE, since=NOW, version="0.2.0",
        address=None, contact_at=NOW, asked_at=NOW, skew_s=0.5, secure=True, health=health or {}, lag={}, keys=(),
        miners=0, online=0,
    )  # fmt: skip
    return replace(usual, **other)


def told(*nodes: NodeView) -> str:
    facts = Facts(Moment(NOW, 15.0), "id-0", "master", "0.2.0", (), replace(BOX, nodes=nodes))
    return text(families(facts)).decode()


def test_a_node_that_lies_about_its_box_tells_no_number() -> None:
    health = {
        "disk_free_bytes": "much", "disk_total_bytes": True, "memory_used_bytes": [1], "memory_total_bytes": {"a": 1},
        "load_1m": float("nan"), "temperature_c": float("inf"), "uptime_s": 10**400, "cpus": None,
        "database_bytes": 4096, "daemons": {"hive-polld": "yes", "hive-syncd": {"alive": "yes"}, 'x"}\n': {}},
    }  # fmt: skip
    found = by_name(told(node("id-1", "rig", health)))
    of_node = {
        name for name, every in found.items() for one in every
        if one.labels.get("node") == "rig" and not name.startswith(("hived_node_hashrate_lost", "hived_node_miners"))
    }  # fmt: skip
    assert of_node == {
        "hived_info", "hived_node_up", "hived_node_last_contact_timestamp_seconds", "hived_node_clock_skew_seconds",
        "hived_node_database_size_bytes", "hived_node_daemon_up", "hived_node_known_miners",
        "hived_node_managed_miners",
    }  # fmt: skip
    (daemon,) = found["hived_node_daemon_up"]
    assert (daemon.labels["daemon"], daemon.value) == ("hive-syncd", 0)


@needs_promtool
def test_names_of_nodes_break_no_line_and_are_never_the_same() -> None:
    names = ["master", "rig", "rig", 'a"} 1\nhived_fleet_power_watts{x="', "back\\slash\\", "rig id-3", "é\ud800"]
    nodes = [node(f"id-{n}", name) for n, name in enumerate(names, 1)]
    found = told(*nodes)
    assert complaints(found) == ""
    shown = [one.labels["node"] for one in by_name(found)["hived_info"]]
    assert len(set(shown)) == len(names) + 1
    assert "hived_fleet_power_watts" not in by_name(found)


def test_who_only_asks_to_join_is_in_no_metric() -> None:
    assert "stranger" not in told(node("id-9", "stranger", status=PENDING))


@pytest.mark.parametrize("value", ["", 'a"b', "a\\nb", "a\nb", "\\", '\\"', "x,y=z", "{}"])
def test_labels_are_read_as_they_were_written(value: str) -> None:
    assert pairs(labels(first=value, second="2")) == [("first", value), ("second", "2")]
