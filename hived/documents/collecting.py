"""Records of the auto-miner to JSON: the predecessor's field names, and ours beside them. None stays null."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, NotRequired, Required, TypedDict, cast

from hived.documents.shape import NOT_BLANK, shape
from hived.documents.shared import rfc3339
from hived.errors import next_step
from hived.records.artifact import AWAITING, CC0, DESCRIBED, KINDS, PDM, SHOWN, Artifact, CollectorState, Source
from hived.records.bubbles import FACTS
from hived.records.daemon import MINERD
from hived.records.sources import MAX_BASE_URL, MAX_NAME, NewSource

IDLE = "Idle"
NO_DAEMON = f"{MINERD} is not running"
LICENCES = {CC0: "CC0 1.0", PDM: "Public Domain Mark 1.0"}
UNKNOWN = "unknown"
MAX_REFUSALS = 10  # reasons of one source in a list of sources


class ArtifactDocument(TypedDict):
    """*artifact*; `bubbles_before` is the cursor to go on from, null at the end."""

    id: int
    title: str
    description: str | None
    image_url: str | None
    url: str
    source: str | None
    source_id: int | None
    provider: str
    object_id: str
    licence: str | None
    license_uri: str | None
    licence_field: str | None
    licence_scope: str | None
    licence_read_at: str | None
    state: str
    waits_because: str | None
    facts: Mapping[str, Any]
    collected_at: str | None
    changed_at: str | None
    bubbles: list[BubbleDocument]
    bubble_count: int
    description_count: int
    bubbles_before: str | None


class BubbleDocument(TypedDict, total=False):
    """What one node read or says of an artifact; `content` is a text or a document, `who` a sentence.

    `kind`: "facts" of who collected it, "description" of whose model described it; `is_old`: an older version wrote it.
    """

    id: str
    kind: str
    who: str
    node_id: str
    node_name: str | None
    model: str | None
    model_digest: str | None
    content: Any
    prompt_version: int | None
    is_old: bool
    collected_at: str | None
    received_at: str | None


class RefusalDocument(TypedDict, total=False):
    """Why objects of a source were not stored."""

    reason: str
    count: int
    last_url: str | None
    last_at: str | None


class SourceDocument(TypedDict):
    """*source*; `refusals`: the most frequent first."""

    id: int
    name: str
    base_url: str
    kind: str
    created_at: str | None
    artifacts: int
    waiting: int
    refused: int
    last_run_at: str | None
    last_error: str | None
    last_error_code: str | None
    next_step: str | None
    last_error_at: str | None
    refusals: list[RefusalDocument]


class SourceWish(TypedDict):
    """A source to collect from; without `kind` the base URL tells it."""

    name: Annotated[str, shape(minLength=1, maxLength=MAX_NAME, pattern=NOT_BLANK)]
    base_url: Annotated[str, shape(minLength=1, maxLength=MAX_BASE_URL, format="uri")]
    kind: NotRequired[Annotated[str, shape(enum=list(KINDS))] | None]


class AutoMinerDocument(TypedDict):
    """What the auto-miner does; `source_id`: the single run that is asked for, `model`: what keeps it from working."""

    status: str
    current_source: str | None
    auto_miner: bool
    source_id: int | None
    model: str | None
    daemon: str | None


class CountsDocument(TypedDict):
    artifact_count: int
    described_count: int
    awaiting_count: int


class StatsDocument(CountsDocument):
    by_licence: Mapping[str, int]
    by_provider: Mapping[str, int]
    bubble_count: int


class CollectionDocument(TypedDict):
    """A collection that is known by name."""

    name: str
    base_url: str
    kind: str


class StartedDocument(TypedDict, total=False):
    """`ok` false: it runs already, as `message` says; `daemon`: that nobody is there to obey."""

    ok: Required[bool]
    started: bool
    source_id: int | None
    daemon: str | None
    message: str


class MessageDocument(TypedDict):
    ok: bool
    message: str


def status(state: CollectorState, *, runs: bool) -> AutoMinerDocument:
    """Return *status*; what the row says counts only while the daemon `runs`, what is wanted counts always.

    `source_id` is the source whose single run is asked for. `model` says what keeps the model from working.
    """
    return {
        "status": state.status if runs else IDLE, "current_source": state.current_source if runs else None,
        "auto_miner": state.wanted, "source_id": state.only_source, "model": state.model_state if runs else None,
        "daemon": None if runs else NO_DAEMON,
    }  # fmt: skip


def counts(by_state: Mapping[str, int]) -> CountsDocument:
    """Return how many artifacts there are."""
    return {
        "artifact_count": sum(by_state.values()), "described_count": by_state.get(DESCRIBED, 0),
        "awaiting_count": by_state.get(AWAITING, 0),
    }  # fmt: skip


def stats(counted: Mapping[str, Any]) -> StatsDocument:
    """Return *stats*; licences by their short names."""
    named = {licence(uri): count for uri, count in counted["by_licence"].items()}
    return cast(StatsDocument, {**counted, "by_licence": named})


def licence(uri: str) -> str:
    """Return a licence as people call it; one without a name stays a URI."""
    return LICENCES.get(uri, uri or UNKNOWN)


def artifact(shown: Artifact) -> ArtifactDocument:
    """Return *artifact* with what nodes say of it."""
    known, bubbles = shown.licence, shown.bubbles
    last = bubbles[-1] if len(bubbles) >= SHOWN else None
    return {
        "id": shown.id, "title": shown.title, "description": shown.description, "image_url": shown.image_url,
        "url": shown.url, "source": shown.source, "source_id": shown.source_id, "provider": shown.provider,
        "object_id": shown.object_id,
        "licence": licence(known.uri) if known else None, "license_uri": known.uri if known else None,
        "licence_field": known.field if known else None, "licence_scope": known.scope if known else None,
        "licence_read_at": rfc3339(known.read_at) if known else None, "state": shown.state,
        "waits_because": shown.describe_error if shown.state == AWAITING else None, "facts": shown.facts,
        "collected_at": rfc3339(shown.collected_at), "changed_at": rfc3339(shown.changed_at),
        "bubbles": [_bubble(bubble) for bubble in bubbles], "bubble_count": shown.bubble_count,
        "description_count": shown.description_count,
        "bubbles_before": bubble_cursor(last) if last else None,
    }  # fmt: skip


def _bubble(bubble: Mapping[str, Any]) -> BubbleDocument:
    times = {name: rfc3339(bubble[name]) for name in ("collected_at", "received_at")}
    return cast(BubbleDocument, {**bubble, **times, "who": who(bubble)})


def who(bubble: Mapping[str, Any]) -> str:
    """Return whose bubble it is, as page and hivectl say it: "collected by shed, from The Met".

    Of a description also what wrote it: a model in its own words, or hived in the record's, of which a model chose.
    """
    node, content = bubble["node_name"] or bubble["node_id"], bubble["content"]
    if bubble["kind"] == FACTS:
        return f"collected by {node}" + (f", from {content['source']}" if content.get("source") else "")
    has_plan = bubble["prompt_version"] is not None and not bubble["is_old"]
    how = "facts of the record, chosen" if has_plan else "written"
    return f"described by {node}: {how} by {bubble['model'] or 'an unnamed model'}"


def bubble_cursor(bubble: Mapping[str, Any]) -> str:
    """Return the place of a bubble, after which the next page begins."""
    return f"{bubble['received_at']!r} {bubble['node_id']} {bubble['kind']}"


def source(shown: Source, refusals: Sequence[Mapping[str, Any]] = ()) -> SourceDocument:
    """Return *source*; `refusals` says why objects of it were not stored, most frequent first.

    `next_step` is what to do about its last error.
    """
    reasons = [{**refusal, "last_at": rfc3339(refusal["last_at"])} for refusal in refusals[:MAX_REFUSALS]]
    return {
        "id": shown.id, "name": shown.name, "base_url": shown.base_url, "kind": shown.kind,
        "created_at": rfc3339(shown.created_at), "artifacts": shown.artifacts, "waiting": shown.waiting,
        "refused": shown.refused, "last_run_at": rfc3339(shown.last_run_at), "last_error": shown.last_error,
        "last_error_code": shown.last_error_code, "last_error_at": rfc3339(shown.last_error_at),
        "next_step": next_step(shown.last_error_code, ip="", url=shown.base_url) if shown.last_error_code else None,
        "refusals": cast(list[RefusalDocument], reasons),
    }  # fmt: skip


def preset(known: NewSource) -> CollectionDocument:
    """Return a collection that is known by name."""
    return {"name": known.name, "base_url": known.base_url, "kind": known.kind}


def started(source_id: int | None, *, runs: bool) -> StartedDocument:
    """Return the reply to a start that was taken; `daemon` says when nobody is there to obey it."""
    return {"ok": True, "started": True, "source_id": source_id, "daemon": None if runs else NO_DAEMON}


def message(text: str, *, ok: bool) -> MessageDocument:
    """Return the reply that is a sentence."""
    return {"ok": ok, "message": text}
