"""Metrics in the text form of Prometheus, version 0.0.4."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from hived.documents.metrics import box, fleet, miners, nodes
from hived.documents.metrics.facts import Facts
from hived.records.metrics import PREFIX, Family

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def every(facts: Facts) -> Iterator[Family]:
    """Yield every metric, also those without a sample."""
    names = facts.names()
    yield from nodes.families(facts, names)
    yield from fleet.families(facts, names)
    yield from box.families(facts)
    yield from miners.families(facts.miners, names, facts.node_id)


def families(facts: Facts) -> Iterator[Family]:
    """Yield every metric that has a sample."""
    for family in every(facts):
        if any(value is not None for _, values in family.samples.values() for value in values):
            yield family


def text(found: Iterable[Family]) -> bytes:
    """Return metrics as a scrape gets them."""
    return b"".join([line.encode("utf-8", "replace") for family in found for line in _lines(family)])


def _lines(family: Family) -> Iterator[str]:
    name = f"{PREFIX}{family.metric.name}"
    yield f"# HELP {name} {family.metric.meaning}\n# TYPE {name} {family.metric.kind}\n"
    for end, (labels, values) in family.samples.items():
        # One f-string a line: of all that a scrape of thousands of miners costs, this is the most.
        start = f"{name}{end}{{"
        yield "".join(
            [f"{start}{at}}} {value:.12g}\n" for at, value in zip(labels, values, strict=True) if value is not None]
        )
