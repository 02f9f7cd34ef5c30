"""What a node sends to its master, as it was understood: checked, cleaned and bounded.

Times are UTC epoch seconds by the node's clock, units as in `records.miner`. `seq` is the node's own number.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hived.records.artifact import Licence
from hived.records.lending import AT_ONCE
from hived.records.miner import ModelInfo
from hived.records.miner_view import StoredStatus
from hived.records.streams import WIRE

MAX_ITEMS = 500
MAX_CONTRIBUTIONS = 100
MAX_MODELS = 100
MAX_BODY_BYTES = 1024 * 1024
MAX_CONTENT_BYTES = 16 * 1024
MAX_TITLE = 400
MAX_METADATA_BYTES = 32 * 1024
MAX_DEPTH = 5
MAX_URL_BYTES = 2048
ENCODINGS = ("gzip", "zstd")

LIMITS: dict[str, Any] = {
    "items": MAX_ITEMS, "contribution_items": MAX_CONTRIBUTIONS, "body_bytes": MAX_BODY_BYTES,
    "content_bytes": MAX_CONTENT_BYTES, "title_chars": MAX_TITLE, "url_bytes": MAX_URL_BYTES,
    "metadata_bytes": MAX_METADATA_BYTES, "metadata_depth": MAX_DEPTH, "encodings": list(ENCODINGS),
    "wire": WIRE, "lends": AT_ONCE,
}  # fmt: skip
"""Published, so that nodes split what is too large themselves."""

CREATED, MERGED, DUPLICATE, SUPERSEDED, STALE, REJECTED = (
    "created", "merged", "duplicate", "superseded", "stale", "rejected",
)  # fmt: skip
"""What can come of a contribution: a new artifact, a new bubble, the same once more, newer words in place of the
node's older ones, older words than are held, and what stays unacceptable however often it is sent."""


@dataclass(frozen=True, slots=True)
class SentWords:
    """What a node says of one object."""

    seq: int
    told_id: str
    """As the node calls it: the answer names it so."""
    id: str
    url: str
    url_key: str
    kind: str
    content: Any
    content_hash: str
    input_hash: str | None
    model: str | None
    model_digest: str | None
    prompt_version: int | None
    collected_at: float


@dataclass(frozen=True, slots=True)
class SentContribution(SentWords):
    """The same with the object's facts, as the node read them itself."""

    title: str
    provider: str
    object_id: str
    source_name: str | None
    licence: Licence | None
    """None: the node says nothing of it (a collector that is not ours)."""
    facts: dict[str, Any]
    facts_at: float
    """When the facts were read: the newest count."""
    image_url: str | None


@dataclass(frozen=True, slots=True)
class SentMiner:
    seq: int
    mac: str
    ip: str | None
    online: bool
    managed: bool
    model_alias: str | None
    model_name: str | None
    hostname: str | None
    firmware: str | None
    firmware_version: str | None
    features: str | None
    platform: str | None
    serial: str | None
    has_key: bool
    created_at: float
    updated_at: float
    last_ip: str | None = None
    """Where it was last seen; an older node does not say."""
    former_mac: str | None = None
    doubted_ip: str | None = None


@dataclass(frozen=True, slots=True)
class SentModel(ModelInfo):
    presets: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class SentRollup:
    seq: int
    mac: str
    at: float
    values: tuple[Any, ...]
    """In the order of `measures.ROLLUP`."""


@dataclass(frozen=True, slots=True)
class SentLatest:
    """How a miner was when the node last asked it. `status.num` is 0: the master has a number of its own."""

    mac: str
    state: str | None
    preset: str | None
    seen_at: float | None
    failures: int
    last_error: str | None
    last_error_code: str | None
    last_error_at: float | None
    error_count: int
    status: StoredStatus | None


@dataclass(frozen=True, slots=True)
class SentEvent:
    seq: int
    at: float
    mac: str | None
    kind: str
    detail: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Rejected:
    """An item that was not stored; `reason` is a short code that stays the same."""

    seq: int | None
    reason: str
    told_id: str | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """One delivery of one stream: items in the order of their numbers, without those that were not understood."""

    stream: str
    epoch: str
    first_seq: int
    last_seq: int
    items: tuple[Any, ...] = ()
    rejected: tuple[Rejected, ...] = ()
    latest: tuple[SentLatest, ...] = ()
    models: tuple[SentModel, ...] = ()
    again: tuple[Any, ...] = ()
    """Items with numbers of before, which were not taken then: their miner was another node's."""
    wire: int = WIRE
    unread: Mapping[str, int] = field(default_factory=dict)
    """Fields that were not understood, and how often each was there."""


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one contribution."""

    seq: int | None
    id: str | None
    outcome: str
    reason: str | None = None
    artifact_id: int | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """What came of a batch. `seq` is the last number held of the stream; `gap`: nothing stored, numbers are missing."""

    seq: int
    gap: bool = False
    results: tuple[Result, ...] = ()
    rejected: tuple[Rejected, ...] = ()
    full: tuple[str, ...] = ()
    """Codes of what is not taken any more: the node has sent as much of it as is kept of one."""
