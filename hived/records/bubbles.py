"""What tells one contribution from another: the same words of the same node about the same URL are one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from hived.records import streams

DESCRIPTION, FACTS = "description", "facts"
"""Kinds of contribution: what a model said of an object, and what a node read of it where it collected it."""
KINDS = {streams.CONTRIBUTIONS: DESCRIPTION, streams.FACTS: FACTS}
"""Kinds of contribution by the stream in which they travel."""
_OF_THE_RUN = ("seconds", "tokens")  # how long the model took says nothing of what it said


def content_hash(content: Any) -> str:
    """Return the hash of what is said, whether it is a document or a text."""
    if isinstance(content, dict):
        content = {name: value for name, value in content.items() if name not in _OF_THE_RUN}
    return hash_of(content)


def contribution_id(url_key: str, node_id: str, kind: str, prompt_version: int | None, hashed: str) -> str:
    """Return the id of a contribution: made on the node, made again on the master, so that a repeat is known as one."""
    return hash_of([url_key, node_id, kind, prompt_version, hashed])


def facts_content(artifact: Mapping[str, Any], licence_uri: str | None) -> dict[str, Any]:
    """Return the content of a contribution of facts, from an artifact's row or from what a node told of it."""
    named = {name: artifact[name] for name in ("title", "provider", "object_id", "image_url", "facts")}
    told = {**named, "source": artifact["source_name"], "licence": licence_uri}
    return {name: value for name, value in told.items() if value not in (None, {})}


def hash_of(value: Any) -> str:
    """Return SHA-256, in hex, over canonical JSON."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def searchable(*values: Any) -> str:
    """Return the words of texts and lists of them in lower case, for the search."""
    words = [" ".join(map(str, v)) if isinstance(v, list | tuple) else str(v) for v in values if v]
    return " ".join(words).casefold()[:4000]


def words_of(content: Any) -> str:
    """Return the words of a contribution's content that a search finds."""
    if not isinstance(content, dict):
        return searchable(content)
    return searchable(content.get("title"), content.get("summary"), content.get("period"), content.get("tags"))
