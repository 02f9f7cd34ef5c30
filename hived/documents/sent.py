"""What nodes send to their master, and what they hear.

Members that a version does not know are counted, not refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, NotRequired, TypedDict

from hived.documents.shape import Digest, KeyId, NodeId, Time, shape
from hived.records.ingest import MAX_ITEMS, MAX_MODELS
from hived.records.lending import AT_ONCE
from hived.records.streams import STREAMS, WIRE

Count = Annotated[int, shape(minimum=0, maximum=2**53)]
Stream = Annotated[str, shape(enum=list(STREAMS))]
Unread = Mapping[str, int]
"""How often each member came that was not understood."""


class JoinDocument(TypedDict):
    """The wish of a node to be let in: what it is called, the id of its key and the hash of the key's secret."""

    node_id: NodeId
    name: Annotated[str, shape(minLength=1, maxLength=100)]
    key_id: KeyId
    key_hash: Digest
    site: NotRequired[Annotated[str, shape(maxLength=100)] | None]
    version: NotRequired[Annotated[str, shape(maxLength=64)] | None]
    code: NotRequired[Annotated[str, shape(pattern="^[A-Za-z0-9 -]{4,40}$")] | None]


class MasterDocument(TypedDict):
    node_id: str
    name: str


class JoinedDocument(TypedDict):
    """`status`: pending until an admin approves it."""

    status: str
    phrase: str | None
    master: MasterDocument


class HelloDocument(TypedDict):
    """Who answers. `fingerprint` and `pin` are its certificate's; `proof`: that it keeps the hash of a node's key."""

    product: str
    node_id: str
    name: str
    role: str
    version: str
    at: str
    tls: bool
    fingerprint: str | None
    pin: str | None
    proof: str | None


class DoneDocument(TypedDict):
    """What came of an order of the master."""

    id: Annotated[int, shape(minimum=1)]
    result: NotRequired[dict[str, Any] | None]


class ContactDocument(TypedDict):
    """How a node is; `newest` and `oldest_unsent_at` by stream, `done` what came of its master's orders."""

    name: Annotated[str, shape(minLength=1, maxLength=100)]
    epoch: Annotated[str, shape(pattern="^[A-Za-z0-9]{1,64}$")]
    at: Time
    version: NotRequired[str | None]
    site: NotRequired[str | None]
    newest: NotRequired[dict[str, Any] | None]
    oldest_unsent_at: NotRequired[dict[str, Any] | None]
    health: NotRequired[dict[str, Any] | None]
    done: NotRequired[list[DoneDocument] | None]
    leaving: NotRequired[bool]
    wire: NotRequired[Annotated[int, shape(minimum=1, examples=[WIRE])]]


class OrderForNodeDocument(TypedDict):
    id: int
    daemon: str
    verb: str
    args: Mapping[str, Any]


class LimitsDocument(TypedDict):
    """How much one request may hold."""

    items: int
    contribution_items: int
    body_bytes: int
    content_bytes: int
    title_chars: int
    url_bytes: int
    metadata_bytes: int
    metadata_depth: int
    encodings: list[str]
    wire: int
    lends: int


class HeardDocument(TypedDict):
    """What the master holds of each stream of the node, and what the node is to do."""

    at: str
    node_id: str
    name: str
    held: Mapping[str, int]
    orders: list[OrderForNodeDocument]
    limits: LimitsDocument
    unread: Unread


class KeyAddedDocument(TypedDict):
    key_id: str
    status: str


class LendDocument(TypedDict):
    """`by`: the model; `room`: how many objects it takes; `holding`: URLs that it still has; `told`: those done."""

    by: NotRequired[str | None]
    room: Annotated[int, shape(minimum=0, maximum=AT_ONCE)]
    holding: NotRequired[Annotated[list[str], shape(maxItems=AT_ONCE)] | None]
    told: NotRequired[Annotated[list[dict[str, Any]], shape(maxItems=AT_ONCE)] | None]


class LentObjectDocument(TypedDict):
    url: str
    input_hash: str | None
    title: str
    facts: Mapping[str, Any]


class LentDocument(TypedDict):
    """`objects` to describe within `seconds`; `taken`: URLs that need not be told again."""

    objects: list[LentObjectDocument]
    taken: list[str]
    seconds: float
    unread: Unread


class BatchDocument(TypedDict):
    """A batch of one stream: the rows from `first_seq` to `last_seq`, as `hived.api.nodes.ingest_parse` reads them."""

    node_id: NodeId
    stream: Stream
    epoch: Annotated[str, shape(pattern="^[A-Za-z0-9]{1,64}$")]
    first_seq: Count
    last_seq: Count
    items: Annotated[list[Any], shape(maxItems=MAX_ITEMS)]
    wire: NotRequired[Annotated[int, shape(minimum=1, examples=[WIRE])]]
    latest: NotRequired[Annotated[list[Any], shape(maxItems=MAX_ITEMS)]]
    models: NotRequired[Annotated[list[Any], shape(maxItems=MAX_MODELS)]]
    again: NotRequired[Annotated[list[Any], shape(maxItems=MAX_ITEMS)]]


class ResultDocument(TypedDict, total=False):
    """What came of one row: `outcome` of what is said of objects, `reason` of what is not taken."""

    seq: int | None
    id: str | None
    outcome: str
    reason: str
    artifact_id: int


class TakenDocument(TypedDict):
    """`seq`: the master has all up to it. `outcome` gap: rows before this batch are missing, nothing was taken."""

    stream: str
    seq: int
    outcome: NotRequired[str]
    unread: NotRequired[Unread]
    full: NotRequired[list[str]]
    rejected: NotRequired[list[ResultDocument]]
    results: NotRequired[list[ResultDocument]]


class ContributionDocument(TypedDict):
    """What an external collector says of a URL; `content` is a text or an object."""

    url: Annotated[str, shape(pattern="[^ ]")]
    content: Annotated[str, shape(pattern="[^ ]")] | Annotated[dict[str, Any], shape(minProperties=1)]
    node_id: NodeId


class OkDocument(TypedDict):
    status: str
