"""The fleet and each node's part of it as metrics: the same sums, `hived_fleet_...` and `hived_node_...`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from hived.documents.metrics.facts import Facts
from hived.records.condition import MARKS
from hived.records.losses import REASONS
from hived.records.metrics import GAUGE, Family, Metric, labels, samples
from hived.records.node import COLLECTOR
from hived.records.totals import Totals, totals
from hived.records.units import TERA

SUMS: tuple[tuple[str, str, Callable[[Totals], float | None]], ...] = (
    ("hashrate_hashes_per_second", "What its miners give now.", lambda of: of.hashrate_hs),
    ("hashrate_expected_hashes_per_second", "What its miners should give.", lambda of: of.expected_hs),
    ("hashrate_unseen_hashes_per_second", "What the miners should give that nobody watches.", lambda of: of.unseen_hs),
    ("power_watts", "What its miners take.", lambda of: of.power_w),
    ("joules_per_hash", "What a hash costs, over the miners that tell both.",
     lambda of: None if of.efficiency_j_per_th is None else of.efficiency_j_per_th / TERA),
    ("managed_miners", "Miners that orders may steer, of people and of plans.", lambda of: of.managed),
)  # fmt: skip


def families(facts: Facts, names: Mapping[str, str]) -> Iterator[Family]:
    """Yield the sums over the fleet and over each node that can have miners. `names`: what nodes are called."""
    whole, by_node = totals(facts.miners)
    collectors = {node.node_id for node in facts.box.nodes if node.role == COLLECTOR}
    nodes = names.keys() - collectors | by_node.keys()
    yield from _sums("fleet", [("", whole)])
    nothing = totals([])[0]
    of_nodes = [(labels(node=names.get(one, one)), by_node.get(one, nothing)) for one in sorted(nodes)]
    yield from _sums("node", of_nodes)


def _sums(of: str, parts: Sequence[tuple[str, Totals]]) -> Iterator[Family]:
    counted = [(labels(at, mark=mark), float(sums.marks[mark])) for at, sums in parts for mark in MARKS]
    counts = Metric(f"{of}_miners", GAUGE, "Miners by how they are; a miner can be several of it at once.")
    yield Family(counts, {"": samples(counted)})
    known = Metric(f"{of}_known_miners", GAUGE, "Miners that are known.")
    yield Family(known, {"": samples((at, float(sums.miners)) for at, sums in parts)})
    for name, meaning, read in SUMS:
        yield Family(Metric(f"{of}_{name}", GAUGE, meaning), {"": samples((at, read(sums)) for at, sums in parts)})
    lost = Metric(f"{of}_hashrate_lost_hashes_per_second", GAUGE, "What is expected less what there is, by reason.")
    yield Family(lost, {"": samples(one for at, sums in parts for one in _lost(at, sums))})


def _lost(at: str, sums: Totals) -> Iterator[tuple[str, float]]:
    by_reason = {reason: hashrate_hs for reason, hashrate_hs, _ in sums.lost}
    for reason in REASONS:
        if reason != "unseen":
            yield labels(at, reason=reason), by_reason.get(reason, 0.0)
