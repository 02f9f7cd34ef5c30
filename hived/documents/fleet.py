"""How miners are doing, and what the fleet gives, should give and loses, as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypedDict

from hived.documents.shared import rfc3339
from hived.errors import next_step, problem
from hived.records import fleet_history as fleet_columns
from hived.records.condition import MARKS, Condition
from hived.records.discovery import Sweep
from hived.records.losses import REASONS, Loss, Reason
from hived.records.miner_rules import Hold
from hived.records.node import BlindNode
from hived.records.totals import Totals
from hived.records.units import ths


class LossDocument(TypedDict):
    reason: Reason
    hashrate_ths: float | None


class FleetLossDocument(LossDocument):
    miners: int


class ConditionDocument(TypedDict):
    """`rank` 0 is worst; `marks` are what it is counted and filtered by; `old`: its numbers are not those of now."""

    word: str
    tone: str
    rank: int
    why: str | None
    next_step: str | None
    old: bool
    marks: Sequence[str]


class HoldDocument(TypedDict):
    """Who keeps orders from a miner, and why; `until` null: until it is taken away."""

    why: str
    by: str
    at: str | None
    until: str | None


class JudgedDocument(TypedDict):
    """What *miner* and its row say of how it is doing just now, and of what is laid down for it.

    `locked`: it takes no orders; `protected`: none that nobody gave by hand. Null where that is not so, or is over.
    `min_preset` is its own, beside that of its model.
    """

    condition: ConditionDocument
    failing: bool
    hashrate_expected_ths: float | None
    lost: list[LossDocument]
    group: str | None
    tags: Sequence[str]
    locked: HoldDocument | None
    protected: HoldDocument | None
    min_preset: str | None


class UnseenDocument(TypedDict):
    """Miners that nobody watches just now: what they should give is neither expected nor lost."""

    miners: int
    hashrate_ths: float | None
    since: str | None


class BlindNodeDocument(TypedDict):
    """A node that does not watch its miners: `code` says why, `what` in words."""

    node_id: str
    name: str
    code: str
    what: str
    next_step: str
    since: str | None
    miners: int


class MarkDocument(TypedDict):
    name: str
    words: str
    meaning: str


class LegendDocument(TypedDict):
    """What each word means: of what miners are counted as, and of why hashrate is missing."""

    marks: list[MarkDocument]
    reasons: list[MarkDocument]


class SumsDocument(TypedDict):
    """Sums over some miners. `counts`: how many have each mark; `lost`: most first, adds up to expected less now.

    `hashrate_nominal_ths` is what the firmware expects of those that count now, `hashrate_nominal_lost_ths` of
    others; `power_each_w` is the mean of the miners that reported any power.
    """

    miners: int
    online: int
    managed: int
    hashing: int
    failing: int
    silent: int
    counts: dict[str, int]
    hashrate_ths: float | None
    hashrate_nominal_ths: float | None
    hashrate_nominal_lost_ths: float | None
    hashrate_expected_ths: float | None
    hashrate_lost_ths: float | None
    lost: list[FleetLossDocument]
    unseen: UnseenDocument
    power_w: float | None
    power_each_w: float | None
    efficiency_j_per_th: float | None


class SweepDocument(TypedDict):
    """`finished_at` is null while it runs, or when the daemon ended in the middle of it."""

    started_at: str | None
    finished_at: str | None
    addresses: int
    responders: int
    miners: int
    strangers: int
    unreadable: int
    note: str | None


class FleetDocument(SumsDocument):
    """The whole fleet, and the miners of each node by its id."""

    states: dict[str, int]
    models: dict[str, int]
    nodes: dict[str, SumsDocument]
    blind_nodes: list[BlindNodeDocument]
    strangers: Mapping[str, int]
    last_sweep: SweepDocument | None


class WholeFleetDocument(FleetDocument):
    """What is shown may be old: `stale_because` says why. After `silent_after_s` without a status a miner is silent."""

    at: str | None
    rev: int
    stale: bool
    stale_because: str | None
    silent_after_s: float


class FleetHistoryDocument(TypedDict):
    """Columns of the same length, oldest first: means over `step_s` seconds from `at` (epoch seconds) on."""

    step_s: float
    at: list[float]
    miners: list[float | None]
    online: list[float | None]
    hashing: list[float | None]
    unseen: list[float | None]
    hashrate_ths: list[float | None]
    hashrate_expected_ths: list[float | None]
    hashrate_unseen_ths: list[float | None]
    power_w: list[float | None]
    lost: dict[Reason, list[float | None]]


def judged(how: Condition) -> JudgedDocument:
    """Return how a miner is doing."""
    return {
        "condition": {
            "word": how.word, "tone": how.tone, "rank": how.rank, "why": how.why, "next_step": how.next_step,
            "old": not how.fresh, "marks": how.marks,
        },
        "failing": "failing" in how.marks, "hashrate_expected_ths": ths(how.expected_hs), "lost": lost(how.lost),
        "group": how.rules.group, "tags": how.rules.tags, "locked": _hold(how.rules.locked),
        "protected": _hold(how.rules.protected), "min_preset": how.rules.min_preset,
    }  # fmt: skip


def _hold(hold: Hold | None) -> HoldDocument | None:
    if hold is None:
        return None
    return {"why": hold.why, "by": hold.by, "at": rfc3339(hold.at), "until": rfc3339(hold.until)}


def blind_node(node: BlindNode, miners: int) -> BlindNodeDocument:
    """Return a node that does not watch its miners, and how many of them are unseen."""
    return {
        "node_id": node.node_id, "name": node.name, "code": node.code, "what": problem(node.code).words,
        "next_step": next_step(node.code, node=node.name), "since": rfc3339(node.since), "miners": miners,
    }  # fmt: skip


def legend() -> LegendDocument:
    """Return what the words mean."""
    return {
        "marks": [{"name": name, "words": mark.words, "meaning": mark.meaning} for name, mark in MARKS.items()],
        "reasons": [{"name": name, "words": name, "meaning": meaning} for name, meaning in REASONS.items()],
    }


def lost(losses: Sequence[Loss]) -> list[LossDocument]:
    """Return what is missing, by reason."""
    return [{"reason": loss.reason, "hashrate_ths": ths(loss.hashrate_hs)} for loss in losses]


def fleet(
    whole: Totals,
    nodes: Mapping[str, Totals],
    other_devices: Mapping[str, int],
    last_sweep: Sweep | None,
    blind: Sequence[BlindNode],
) -> FleetDocument:
    """Return the totals of the fleet."""
    return {
        **sums(whole), "states": dict(sorted(whole.states.items())), "models": dict(sorted(whole.models.items())),
        "nodes": {node_id: sums(total) for node_id, total in nodes.items()},
        "blind_nodes": [blind_node(one, nodes[one.node_id].unseen if one.node_id in nodes else 0) for one in blind],
        "strangers": other_devices,
        "last_sweep": sweep(last_sweep) if last_sweep else None,
    }  # fmt: skip


def sums(total: Totals) -> SumsDocument:
    """Return the sums over some miners."""
    marks = total.marks
    return {
        "miners": total.miners, "online": marks["online"], "managed": total.managed, "hashing": marks["hashing"],
        "failing": marks["failing"], "silent": marks["silent"], "counts": {mark: marks[mark] for mark in MARKS},
        "hashrate_ths": ths(total.hashrate_hs), "hashrate_nominal_ths": ths(total.nominal_hs),
        "hashrate_nominal_lost_ths": ths(total.nominal_away_hs), "hashrate_expected_ths": ths(total.expected_hs),
        "hashrate_lost_ths": ths(total.lost_hs),
        "lost": [{"reason": reason, "hashrate_ths": ths(hs), "miners": n} for reason, hs, n in total.lost],
        "unseen": {
            "miners": total.unseen, "hashrate_ths": ths(total.unseen_hs), "since": rfc3339(total.unseen_since),
        },
        "power_w": total.power_w, "power_each_w": total.power_each_w,
        "efficiency_j_per_th": total.efficiency_j_per_th,
    }  # fmt: skip


def fleet_history(sums: Mapping[float, Mapping[str, float | None]], width_s: float) -> FleetHistoryDocument:
    """Return the history of a group of miners in columns, by the start of each stretch."""
    rows = list(sums.values())

    def column(name: str) -> list[float | None]:
        return [ths(row[name]) if name.endswith("_hs") else row[name] for row in rows]

    return {
        "step_s": width_s, "at": list(sums), "miners": column("miners"), "online": column("online"),
        "hashing": column("hashing"), "unseen": column("unseen"),
        "hashrate_ths": column("hashrate_hs"), "hashrate_expected_ths": column("expected_hs"),
        "hashrate_unseen_ths": column("unseen_hs"), "power_w": column("power_w"),
        "lost": {reason: column(name) for reason, name in fleet_columns.LOST.items()},
    }  # fmt: skip


def sweep(done: Sweep) -> SweepDocument:
    """Return a sweep."""
    return {
        "started_at": rfc3339(done.started_at), "finished_at": rfc3339(done.finished_at), "addresses": done.addresses,
        "responders": done.responders, "miners": done.miners, "strangers": done.other_devices,
        "unreadable": done.unreadable, "note": done.note,
    }  # fmt: skip
