"""The nodes as metrics: whether they are there, how their boxes are, what has not arrived yet.

What a node tells of its box came over the network: a number that is none is left out.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from hived.documents.metrics.facts import Facts
from hived.records.daemon import DAEMONS
from hived.records.metrics import GAUGE, Family, Metric, labels, samples
from hived.records.node import ALIVE, APPROVED, MASTER, NodeView

HEALTH = {
    "disk_free_bytes": "Free room on the disk of the database.",
    "disk_total_bytes": "Size of the disk of the database.",
    "memory_used_bytes": "Memory in use on the node.",
    "memory_total_bytes": "Memory of the node.",
}
RENAMED = {
    "load_1m": ("load1", "Load average of the last minute."),
    "temperature_c": ("processor_temperature_celsius", "Temperature of the node's processor."),
    "uptime_s": ("uptime_seconds", "How long the node's machine runs."),
    "cpus": ("processors", "Processors of the node."),
    "database_bytes": ("database_size_bytes", "The node's database file with its log."),
}
"""What `services.appliance.host_health` measures, by the name that it has there."""


def families(facts: Facts, names: Mapping[str, str]) -> Iterator[Family]:
    """Yield the metrics of all nodes, this box among them."""
    nodes = [node for node in facts.box.nodes if node.status == APPROVED]
    at = {node_id: labels(node=name) for node_id, name in names.items()}
    yield _info(facts, nodes, names)
    contacts = [node for node in nodes if node.role != MASTER]
    yield _gauge(
        "node_up", "1 for a node that is in contact, 0 for one that is not.",
        [(at[node.node_id], float(node.state == ALIVE)) for node in contacts if node.state is not None],
    )  # fmt: skip
    yield _gauge(
        "node_last_contact_timestamp_seconds", "When the node was last heard of.",
        [(at[node.node_id], node.contact_at) for node in contacts],
    )  # fmt: skip
    yield _gauge(
        "node_clock_skew_seconds", "By how much the node's clock is ahead.",
        [(at[node.node_id], node.skew_s) for node in contacts],
    )  # fmt: skip
    yield _gauge(
        "node_waiting_rows", "What a node has and its master has not got yet, by stream.",
        [(labels(at[node.node_id], stream=stream), float(count))
         for node in contacts for stream, (count, _) in node.lag.items()],
    )  # fmt: skip
    health = {node.node_id: node.health for node in nodes if not node.gone} | {facts.node_id: facts.box.health}
    for name, meaning in HEALTH.items():
        yield _gauge(f"node_{name}", meaning, _told(health, at, name))
    for name, (shown, meaning) in RENAMED.items():
        yield _gauge(f"node_{shown}", meaning, _told(health, at, name))
    yield _gauge("node_daemon_up", "1 for a daemon of another node that runs.", _daemons(nodes, at, facts.node_id))


def _gauge(name: str, meaning: str, told: Iterable[tuple[str, float | None]]) -> Family:
    return Family(Metric(name, GAUGE, meaning), {"": samples(told)})


def _info(facts: Facts, nodes: Sequence[NodeView], names: Mapping[str, str]) -> Family:
    about = {node.node_id: (node.role, node.site or "", node.version or "") for node in nodes}
    role, site, _ = about.get(facts.node_id, ("node", "", ""))
    about[facts.node_id] = (role, site, facts.version)
    return _gauge(
        "info", "Each node of the fleet, and which version of hived it runs.",
        ((labels(node=names[node_id], node_id=node_id, role=role, site=site, version=version), 1.0)
         for node_id, (role, site, version) in about.items()),
    )  # fmt: skip


def _told(
    health: Mapping[str, Mapping[str, Any]], at: Mapping[str, str], name: str
) -> Iterator[tuple[str, float | None]]:
    return ((at[node_id], number(told.get(name))) for node_id, told in health.items())


def _daemons(nodes: Sequence[NodeView], at: Mapping[str, str], own_id: str) -> Iterator[tuple[str, float]]:
    for node in nodes:
        told = node.health.get("daemons")
        if node.node_id == own_id or node.gone or not isinstance(told, dict):
            continue
        for name in (daemon.name for daemon in DAEMONS):
            if isinstance(told.get(name), dict):
                yield labels(at[node.node_id], daemon=name), float(told[name].get("alive") is True)


def number(value: Any) -> float | None:
    """Return a JSON value as a number, None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        found = float(value)
    except OverflowError:
        return None
    return found if math.isfinite(found) else None
