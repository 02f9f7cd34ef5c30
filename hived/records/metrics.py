"""Metrics as Prometheus knows them: families of samples with labels. Every value is in its base unit.

All names begin with `hived_`, which is added where they leave hived.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

PREFIX = "hived_"

Kind = Literal["counter", "gauge", "histogram"]
COUNTER: Kind = "counter"
GAUGE: Kind = "gauge"
HISTOGRAM: Kind = "histogram"

_LABEL = re.compile(r'([a-zA-Z_]+)="((?:[^"\\]|\\.)*)"')
_ESCAPED = re.compile(r"\\(.)")
_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n"})


def labels(*more: str, **values: str) -> str:
    """Return labels as they are written between the braces; `more` are some that are written already."""
    return ",".join([*filter(None, more), *(f'{name}="{value.translate(_ESCAPES)}"' for name, value in values.items())])


def pairs(written: str) -> list[tuple[str, str]]:
    """Return the names and values of written labels."""
    return [(name, _ESCAPED.sub(_unescape, value)) for name, value in _LABEL.findall(written)]


def _unescape(found: re.Match[str]) -> str:
    return "\n" if found[1] == "n" else found[1]


Samples = tuple[Sequence[str], Sequence[float | None]]
"""Labels, and as many values; None is no sample. No object for each: a large site has a hundred thousand, and to make
and collect those would cost more than to write them.
"""


def samples(told: Iterable[tuple[str, float | None]]) -> Samples:
    """Return some samples given one by one."""
    known = [(at, value) for at, value in told if value is not None]
    return [at for at, _ in known], [value for _, value in known]


@dataclass(frozen=True, slots=True)
class Metric:
    """What a metric is called, what kind it is, and what it means."""

    name: str
    kind: Kind
    meaning: str
    label: str = ""
    """Of what a daemon counts: the name of the one label that it may have."""


@dataclass(frozen=True, slots=True)
class Family:
    """A metric with its samples, by what their names end with: "" but for a histogram."""

    metric: Metric
    samples: Mapping[str, Samples]


DAEMONS_COUNT = (
    Metric("beat_duration_seconds", HISTOGRAM, "How long a tick of a daemon's repeated work took.", "beat"),
    Metric("beat_failures_total", COUNTER, "Ticks that failed, since the daemon started.", "beat"),
    Metric("beat_last_success_timestamp_seconds", GAUGE, "When a tick last worked.", "beat"),
    Metric("process_cpu_seconds_total", COUNTER, "Processor time that the daemon used, system and user."),
    Metric("process_resident_memory_bytes", GAUGE, "Memory that the daemon holds."),
    Metric("poll_duration_seconds", HISTOGRAM, "How long it took to read a miner's status, or to fail at it."),
    Metric("poll_failures_total", COUNTER, "Polls that brought no status, by the code of the error.", "code"),
    Metric("queue_length", GAUGE, "What waits in a daemon, by queue.", "queue"),
    Metric("queue_lost_total", COUNTER, "What a full queue let go, by queue.", "queue"),
    Metric("pushed_series_total", COUNTER, "Series that hive-alertd sent on to where metrics.push says."),
    Metric("http_request_duration_seconds", HISTOGRAM, "How long hive-apid took to answer a request."),
    Metric("http_requests_total", COUNTER, "Requests that hive-apid answered, by status code.", "code"),
)
"""What daemons count about themselves (`runtime.tally`); each sample also has the daemon's name."""
