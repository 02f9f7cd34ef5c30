"""Records of the auto-miner to JSON: the predecessor's field names, and ours beside them. None stays null."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hived.documents.shared import Json, rfc3339
from hived.records.artifact import AWAITING, CC0, DESCRIBED, PDM, SHOWN, Artifact, CollectorState, Source
from hived.records.daemon import MINERD
from hived.records.sources import NewSource

IDLE = "Idle"
NO_DAEMON = f"{MINERD} does not run"
LICENCES = {CC0: "CC0 1.0", PDM: "Public Domain Mark 1.0"}
UNKNOWN = "unknown"
MAX_REFUSALS = 10  # reasons of one source in a list of sources


def status(state: CollectorState, *, runs: bool) -> Json:
    """Return *status*; what the row says counts only while the daemon `runs`, what is wanted counts always.

    `source_id` is the source whose single run is asked for. `model` says what keeps the model from working.
    """
    return {
        "status": state.status if runs else IDLE, "current_source": state.current_source if runs else None,
        "auto_miner": state.wanted, "source_id": state.only_source, "model": state.model_state if runs else None,
        "daemon": None if runs else NO_DAEMON,
    }  # fmt: skip


def counts(by_state: Mapping[str, int]) -> Json:
    """Return how many artifacts there are."""
    return {
        "artifact_count": sum(by_state.values()), "described_count": by_state.get(DESCRIBED, 0),
        "awaiting_count": by_state.get(AWAITING, 0),
    }  # fmt: skip


def stats(found: Mapping[str, Any]) -> Json:
    """Return *stats*; licences by their short names."""
    named = {licence(uri): count for uri, count in found["by_licence"].items()}
    return {**found, "by_licence": named}


def licence(uri: str) -> str:
    """Return a licence as people call it; one without a name stays a URI."""
    return LICENCES.get(uri, uri or UNKNOWN)


def artifact(one: Artifact) -> Json:
    """Return *artifact* with what nodes say of it; `bubbles_before` is the cursor to go on from, null at the end."""
    known, shown = one.licence, one.bubbles
    last = shown[-1] if shown else None
    return {
        "id": one.id, "title": one.title, "description": one.description, "image_url": one.image_url, "url": one.url,
        "source": one.source, "source_id": one.source_id, "provider": one.provider, "object_id": one.object_id,
        "licence": licence(known.uri) if known else None, "license_uri": known.uri if known else None,
        "licence_field": known.field if known else None, "licence_scope": known.scope if known else None,
        "licence_read_at": rfc3339(known.read_at) if known else None, "state": one.state,
        "waits_because": one.describe_error if one.state == AWAITING else None, "facts": one.facts,
        "collected_at": rfc3339(one.collected_at), "changed_at": rfc3339(one.changed_at),
        "bubbles": [_bubble(told) for told in shown], "bubble_count": one.bubble_count,
        "bubbles_before": bubble_cursor(last) if last and len(shown) >= SHOWN else None,
    }  # fmt: skip


def _bubble(told: Mapping[str, Any]) -> Json:
    return {**told, **{name: rfc3339(told[name]) for name in ("collected_at", "received_at")}}


def bubble_cursor(told: Mapping[str, Any]) -> str:
    """Return the place of a bubble, after which the next page begins."""
    return f"{told['received_at']!r} {told['node_id']}"


def source(one: Source, refusals: Sequence[Mapping[str, Any]] = ()) -> Json:
    """Return *source*; `refusals` says why objects of it were not stored, most frequent first."""
    return {
        "id": one.id, "name": one.name, "base_url": one.base_url, "kind": one.kind,
        "created_at": rfc3339(one.created_at), "artifacts": one.artifacts, "waiting": one.waiting,
        "refused": one.refused, "last_run_at": rfc3339(one.last_run_at), "last_error": one.last_error,
        "last_error_at": rfc3339(one.last_error_at),
        "refusals": [{**told, "last_at": rfc3339(told["last_at"])} for told in refusals[:MAX_REFUSALS]],
    }  # fmt: skip


def preset(one: NewSource) -> Json:
    """Return a collection that is known by name."""
    return {"name": one.name, "base_url": one.base_url, "kind": one.kind}


def started(source_id: int | None, *, runs: bool) -> Json:
    """Return the reply to a start that was taken; `daemon` says when nobody is there to obey it."""
    return {"ok": True, "started": True, "source_id": source_id, "daemon": None if runs else NO_DAEMON}


def message(text: str, *, ok: bool) -> Json:
    """Return the reply that is a sentence."""
    return {"ok": ok, "message": text}
