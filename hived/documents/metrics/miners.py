"""Each miner as metrics: what the table of measures has of it, and how it is judged. Nothing for boards and chips.

Labels stay few, so that a database of metrics can carry a large site for years: mac, model, node and group; an address
that changes makes one series new, that of the info, and not all. What is
not known now has no sample, so that a graph ends where a frozen value would go on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from operator import attrgetter

from hived.records.condition import Condition, broken_boards, lost_fans
from hived.records.measures import GROWING, MINER, Measure
from hived.records.metrics import COUNTER, GAUGE, Family, Metric, labels
from hived.records.miner_view import MinerView, StoredStatus
from hived.records.totals import Judged

Read = Callable[[MinerView, Condition], float | None]


def _marked(mark: str) -> Read:
    return lambda _, how: None if how.unseen else float(mark in how.marks)


JUDGED: tuple[tuple[Metric, Read], ...] = (
    (Metric("miner_online", GAUGE, "1 for a miner that answers at an address, 0 for one that does not."),
     _marked("online")),
    (Metric("miner_hashing", GAUGE, "1 for a miner that mines or tunes by a fresh status."), _marked("hashing")),
    (Metric("miner_condition_rank", GAUGE, "How it is: 0 needs a look now, 4 is well."),
     lambda _, how: None if how.unseen else float(how.rank)),
    (Metric("miner_hashrate_expected_hashes_per_second", GAUGE,
            "What it should give; over all miners the sum is that of the fleet."),
     lambda _, how: None if how.unseen else how.expected_hs),
    (Metric("miner_hashrate_lost_hashes_per_second", GAUGE, "What it should give less what it gives."),
     lambda _, how: None if how.unseen else sum(loss.hashrate_hs for loss in how.lost)),
    (Metric("miner_lost_boards", GAUGE, "Boards that it says are broken or gone."),
     lambda view, how: float(len(broken_boards(view))) if how.fresh else None),
    (Metric("miner_lost_fans", GAUGE, "Fans that it has lost and needs."),
     lambda view, how: float(len(lost_fans(view.status))) if how.fresh else None),
    (Metric("miner_status_timestamp_seconds", GAUGE, "When its last status was read."),
     lambda view, _: view.status.at if view.status is not None else None),
    (Metric("miner_errors_total", COUNTER, "Errors of reading it that were noted."),
     lambda view, _: float(view.error_count)),
)  # fmt: skip


def of_measure(measure: Measure) -> Metric:
    """Return the metric that a measure of a miner is."""
    kind = COUNTER if measure.unit is GROWING else GAUGE
    return Metric(f"miner_{measure.metric}", kind, f"{measure.unit.quantity}: {measure.outside} of the API.")


_JUDGED_NAMES = {metric.name for metric, _ in JUDGED}
MEASURED = tuple((of_measure(one), one) for one in MINER if of_measure(one).name not in _JUDGED_NAMES)
INFO = Metric("miner_info", GAUGE, "1 for each miner, to join by instance and mac: its address and host name.")


def families(miners: Sequence[Judged], names: Mapping[str, str], own_id: str) -> Iterator[Family]:
    """Yield the metrics of miners. `names`: those of nodes by their ids; `own_id`: of the node that has the others."""
    at = _labels(miners, names, own_id)
    yield Family(
        INFO, {"": ([_named(text, view) for text, (view, _) in zip(at, miners, strict=True)], [1.0] * len(at))}
    )
    for metric, read in JUDGED:
        yield Family(metric, {"": (at, [read(view, how) for view, how in miners])})
    now = [view.status if how.fresh else None for view, how in miners]
    at = [text for text, status in zip(at, now, strict=True) if status is not None]
    fresh = [status for status in now if status is not None]
    for metric, measure in MEASURED:
        yield Family(metric, {"": (at, _measured(fresh, measure))})


def _named(at: str, view: MinerView) -> str:
    return labels(at, ip=view.ip or view.last_ip or "", hostname=view.hostname or "")


def _measured(fresh: Sequence[StoredStatus], measure: Measure) -> list[float | None]:
    told: list[float | None] = list(map(attrgetter(measure.name), fresh))
    scale = measure.unit.base_scale
    return told if scale == 1.0 else [None if value is None else value * scale for value in told]


def _labels(miners: Sequence[Judged], names: Mapping[str, str], own_id: str) -> list[str]:
    """Return the labels of each miner; what many have in common is written once."""
    known: dict[tuple[str | None, str | None, str | None], str] = {}
    found = []
    for view, how in miners:
        common = (how.rules.group, view.model_alias, view.node_id)
        text = known.get(common)
        if text is None:
            node_id = view.node_id or own_id
            text = known[common] = labels(
                group=common[0] or "", model=common[1] or "", node=names.get(node_id, node_id)
            )
        found.append(f'mac="{view.mac}",{text}')
    return found
