"""What is wrong with a site's miners and nodes: the newest first, the same error of many miners listed once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from hived.cli.output.text import ago
from hived.errors import next_step, problem
from hived.records import condition
from hived.records.condition import Moment, Trouble
from hived.records.miner_view import MinerView
from hived.records.node import PENDING, NodeView

OLD_S = 86_400.0
"""An error that has been over for this long is history: `hivectl events` has it."""


@dataclass(frozen=True, slots=True)
class Shared:
    """One thing that is wrong with some miners; `trouble` is that of the miner that had it last."""

    trouble: Trouble
    miners: tuple[MinerView, ...]


def troubles(views: Iterable[MinerView], moment: Moment) -> list[Shared]:
    """Return what is wrong, first what still is, then the newest."""
    found: dict[tuple[bool, str], list[tuple[Trouble, MinerView]]] = {}
    for view in views:
        for one in condition.troubles(view, moment):
            if not one.over or one.at is None or moment.now - one.at < OLD_S:
                found.setdefault((one.over, one.text), []).append((one, view))
    shared = [_share(cases) for cases in found.values()]
    return sorted(shared, key=lambda s: (s.trouble.over, -(s.trouble.at or 0.0)))


def sick(shared: Iterable[Shared]) -> set[str]:
    """Return the MACs of the miners that have something wrong just now."""
    return {view.mac for one in shared if not one.trouble.over for view in one.miners}


def node_troubles(nodes: Iterable[NodeView], now: float) -> list[Trouble]:
    """Return what is wrong with a master's nodes: some are away, ask to be let in, or send too much."""
    return [trouble for node in nodes for trouble in _of_node(node, now)]


def _of_node(node: NodeView, now: float) -> Iterator[Trouble]:
    if any(key.status == PENDING for key in node.keys):
        anew = "" if node.status == PENDING else " anew, with another key"
        yield Trouble(f"{node.name} asks to join{anew}", next_step("node_asks", node=node.node_id))
    if node.full:
        words = f"node {node.name} {problem('node_full').words}: {', '.join(node.full)}"
        yield Trouble(words, next_step("node_full", node=node.name), min(node.full.values()))
    code = node.blind_code
    if code is None and node.plain_code is not None:
        yield Trouble(f"{node.name} {problem(node.plain_code).words}", next_step(node.plain_code, node=node.name))
    if code is not None and node.contact_at is not None:
        text = f"node {node.name} {problem(code).words}: last heard of {ago(node.contact_at, now)}"
        yield Trouble(text, next_step(code, node=node.name), node.contact_at)


def _share(cases: list[tuple[Trouble, MinerView]]) -> Shared:
    cases = sorted(cases, key=lambda case: -(case[0].at or 0.0))
    return Shared(cases[0][0], tuple(view for _, view in cases))
