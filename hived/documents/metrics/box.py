"""This box as metrics: its daemons and what they count, its database, the last sweep, what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import accumulate
from typing import Any, get_args, get_type_hints

from hived.documents.metrics.facts import Box, Facts
from hived.documents.metrics.nodes import number
from hived.records.daemon import alive
from hived.records.host import HostTrouble
from hived.records.metrics import (
    COUNTER,
    DAEMONS_COUNT,
    GAUGE,
    HISTOGRAM,
    Family,
    Kind,
    Metric,
    Samples,
    labels,
    samples,
)
from hived.runtime.tally import BUCKETS_S

TROUBLES: tuple[str, ...] = get_args(get_type_hints(HostTrouble)["kind"])


def families(facts: Facts) -> Iterator[Family]:
    """Yield the metrics of this box."""
    box, now = facts.box, facts.moment.now
    daemons = [(labels(daemon=row.name), row) for row in box.daemons]
    yield _family("daemon_up", "1 for a daemon that runs, 0 for one that does not.",
                  [(at, float(alive(row.beat_at, now))) for at, row in daemons])  # fmt: skip
    yield _family("daemon_start_timestamp_seconds", "When the daemon started.",
                  [(at, row.started_at) for at, row in daemons])  # fmt: skip
    yield _family("daemon_beat_timestamp_seconds", "When the daemon last said that it runs.",
                  [(at, row.beat_at) for at, row in daemons])  # fmt: skip
    numbers = {row.name: box.numbers.get(row.name) for row in box.daemons if alive(row.beat_at, now)}
    for metric in DAEMONS_COUNT:
        yield Family(metric, _counted(metric, numbers))
    yield _family("database_bytes", "Size of the database.", [("", float(box.database_bytes))])
    log = [] if box.log_bytes is None else [("", float(box.log_bytes))]
    yield _family("database_log_bytes", "Size of the write-ahead log beside it.", log)
    yield from _site(box)
    kinds = {one.kind for one in box.troubles}
    yield _family("host_trouble", "1 while this is wrong with the box itself.",
                  [(labels(kind=kind), float(kind in kinds)) for kind in TROUBLES])  # fmt: skip


def _site(box: Box) -> Iterator[Family]:
    yield _family("other_devices", "Addresses that answer and are no miner that can be read, by kind.",
                  _by("kind", box.other_devices))  # fmt: skip
    yield _family("artifacts", "Objects that were collected, by state.", _by("state", box.artifacts))
    yield _family("open_order_targets", "Miners of orders that are not done, by state.", _by("state", box.open_targets))
    yield _family("open_alerts", "Alerts that are open and in nobody's hand, by severity.",
                  _by("severity", box.alerts))  # fmt: skip
    yield _family("events_total", "Events that were noted.", [("", float(box.newest_event))], COUNTER)
    sweep = box.sweep
    if sweep is None or sweep.finished_at is None:
        return
    yield _family("sweep_timestamp_seconds", "When the last sweep ended.", [("", sweep.finished_at)])
    yield _family("sweep_duration_seconds", "How long the last sweep took.",
                  [("", max(sweep.finished_at - sweep.started_at, 0.0))])  # fmt: skip
    yield _family("sweep_addresses", "Addresses of the last sweep.", [("", float(sweep.addresses))])
    yield _family("sweep_responders", "Addresses that answered it.", [("", float(sweep.responders))])
    yield _family("sweep_miners", "Miners that it found.", [("", float(sweep.miners))])


def _family(name: str, meaning: str, told: Iterable[tuple[str, float | None]], kind: Kind = GAUGE) -> Family:
    return Family(Metric(name, kind, meaning), {"": samples(told)})


def _by(label: str, counts: Mapping[str, int]) -> list[tuple[str, float]]:
    return [(labels(**{label: name}), float(count)) for name, count in counts.items()]


# -- what daemons count --------------------------------------------------------------------------------------------


def _counted(metric: Metric, numbers: Mapping[str, Any]) -> dict[str, Samples]:
    """Return a metric's samples of all daemons. What another version wrote is left out where it has another shape."""
    found: list[tuple[str, Any]] = []
    for daemon, told in numbers.items():
        values = told.get(metric.name) if isinstance(told, dict) else None
        for label, value in (values if isinstance(values, dict) else {}).items():
            found.append((labels(daemon=daemon, **({metric.label: label} if metric.label else {})), value))
    if metric.kind != HISTOGRAM:
        return {"": samples((at, number(value)) for at, value in found)}
    histograms = [(at, counts) for at, value in found if (counts := _counts(value))]
    return {
        "_bucket": samples(one for at, counts in histograms for one in _buckets(at, counts)),
        "_sum": samples((at, counts[-1]) for at, counts in histograms),
        "_count": samples((at, sum(counts[:-1])) for at, counts in histograms),
    }


def _counts(value: Any) -> list[float]:
    """Return the counts of a histogram's buckets and its sum; nothing for one with other buckets."""
    counts = [number(one) for one in value] if isinstance(value, list) else []
    told = [one for one in counts if one is not None]
    return told if len(told) == len(counts) == len(BUCKETS_S) + 2 else []


def _buckets(at: str, counts: list[float]) -> Iterator[tuple[str, float]]:
    ends = (*(f"{end:g}" for end in BUCKETS_S), "+Inf")
    return zip((labels(at, le=end) for end in ends), accumulate(counts[:-1]), strict=True)
