"""Sources and artifacts as hive-minerd stores them, written through the store's own verbs."""

from __future__ import annotations

import json
from typing import Any

from hived.records.artifact import CC0, PDM, CollectedObject, Description, Licence, Source
from hived.records.bubbles import DESCRIPTION
from hived.records.daemon import DaemonRow
from hived.store import Database, daemon_rows
from hived.store.collecting import artifacts, collector, facts, sources
from hived.store.schema import Contribution

MET = "https://collectionapi.metmuseum.org/public/collection/v1"
DIGEST = "sha256:" + "ab" * 32


def minerd(db: Database, /, at: float) -> None:
    """Let hive-minerd have written its row."""
    daemon_rows.save_daemon(db, DaemonRow("hive-minerd", 99, "0.1.0", at - 600, at, "Idle, 0 fetched, 0 described"))


def tell(db: Database, /, at: float, status: str, source: str | None = None, model: str | None = None) -> None:
    """Let hive-minerd say what it does."""
    collector.tell(db, at, status=status, current_source=source, model_state=model)


def add_source(db: Database, /, at: float, name: str = "The Met", base_url: str = MET, kind: str = "met") -> Source:
    return sources.add(db, name=name, base_url=base_url, kind=kind, at=at)


def thing(n: int, at: float, **changes: Any) -> CollectedObject:
    """Return the n-th object: every third is under the public domain mark, the others CC0."""
    fields: dict[str, Any] = {
        "provider": "met", "object_id": str(n), "url": f"https://museum.example/objects/{n}",
        "title": f"Terracotta amphora {n}", "licence": Licence(CC0 if n % 3 else PDM, "isPublicDomain", at),
        "makers": ("Exekias", "Euphronios"), "date_text": "ca. 530 B.C.", "year_from": -535, "year_to": -525,
        "medium": "Terracotta", "culture": "Greek, Attic", "tags": ("Vases",),
        "image_url": f"https://images.museum.example/{n}.jpg",
    }  # fmt: skip
    return CollectedObject(**(fields | changes))


def collect(db: Database, /, source: Source, n: int, at: float, **changes: Any) -> int:
    """Store the n-th object and return the artifact's number."""
    obj = thing(n, at, **changes)
    return artifacts.save(db, obj, source_id=source.id, source_name=source.name, at=at)[0]


def describe(db: Database, /, artifact_id: int, at: float, *, node_id: str = "node-1", **changes: Any) -> None:
    """Let this node's model describe an artifact."""
    found = artifacts.to_describe(db, at, node_id=node_id)
    waiting = {}
    while found is not None and found[0] not in waiting:  # the one that is meant need not be the next one
        waiting[found[0]] = found
        if found[0] == artifact_id:
            break
        artifacts.not_described(db, found[0], "another one's turn", again_at=at + 1)
        found = artifacts.to_describe(db, at, node_id=node_id)
    said: dict[str, Any] = {
        "title": "An amphora", "summary": "A tall Attic vase by Exekias.", "period": "Archaic", "tags": ("vase",),
        "model": "llama3.2:1b", "model_digest": DIGEST, "prompt_version": 3, "seconds": 4.2, "tokens": 80,
    }  # fmt: skip
    text = Description(**(said | changes))
    assert artifacts.describe(db, artifact_id, text, node_id=node_id, input_hash=waiting[artifact_id][2], at=at), (
        "it is gone, or its facts changed"
    )


def read(db: Database, /, artifact_id: int, at: float, *, node_id: str = "node-1") -> None:
    """Let this node tell what it read of an artifact, as it does when it stores it."""
    facts.tell(db, [artifact_id], node_id=node_id, at=at)


def add_bubble(db: Database, /, artifact_id: int, at: float, *, node_id: str, content: Any) -> None:
    """Let another node have said something of an artifact; `content` may be a bare text."""
    Contribution.insert(
        id=f"{node_id}-{artifact_id}", artifact=artifact_id, node_id=node_id, kind=DESCRIPTION,
        content=json.dumps(content), content_hash="0", collected_at=at, received_at=at,
    ).execute(db)  # fmt: skip
