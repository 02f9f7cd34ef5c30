"""Artifacts, one for each canonical URL, and what this node contributed to them."""

from __future__ import annotations

import json
from dataclasses import asdict, fields
from typing import Any

import peewee as pw

from hived.records.artifact import (
    AWAITING,
    DESCRIBED,
    PROMPT_VERSION,
    SHOWN,
    Artifact,
    CollectedObject,
    Description,
    Licence,
)
from hived.records.bubbles import DESCRIPTION, contribution_id, hash_of, searchable, words_of
from hived.records.bubbles import content_hash as hash_of_content
from hived.records.canonical import CANON_VERSION, canonical, url_key
from hived.store import node_rows
from hived.store.collecting import lending
from hived.store.engine.counters import next_number
from hived.store.engine.database import Database, dicts, tuples
from hived.store.schema import Artifact as Row
from hived.store.schema import Contribution

Place = tuple[float, str, str]
"""Where a bubble stands: time of receipt, node, kind."""
LONGEST_WAIT_S = 2 * 86_400.0  # an artifact that the model says nothing of waits for a day at most

_NOT_FACTS = ("provider", "object_id", "url", "title", "licence", "image_url", "rights_text")
_FACTS = {field.name for field in fields(CollectedObject)} - set(_NOT_FACTS)


def facts_of(obj: CollectedObject) -> dict[str, Any]:
    """Return what is known of an object beside its title, without what is unknown."""
    told = {name: value for name, value in asdict(obj).items() if name not in _NOT_FACTS}
    return {name: value for name, value in told.items() if value not in (None, (), "")}


def content_hash(obj: CollectedObject) -> str:
    """Return the hash of what would be described: other bytes of the same facts are no change.

    The gap is where the words of a page stood: without one, objects have the hash that they always had.
    """
    return hash_of([obj.title, facts_of(obj), obj.image_url, None, obj.licence.uri if obj.licence else None])


def save(db: Database, obj: CollectedObject, *, source_id: int, source_name: str, at: float) -> tuple[int, bool]:
    """Store an openly licensed object; return its number and whether it is new or has changed.

    One artifact for each canonical URL: a repeat changes nothing, changed facts wait for a new description.
    """
    assert obj.licence is not None, "only openly licensed objects get here"
    spelling, key, fresh = canonical(obj.url), url_key(obj.url), content_hash(obj)
    known = dicts(Row.select(Row.id, Row.content_hash).where(Row.url_key == key), db)
    if known and known[0]["content_hash"] == fresh:
        Row.update(licence_read_at=obj.licence.read_at, told_by=None).where(Row.id == known[0]["id"]).execute(db)
        return int(known[0]["id"]), False
    facts = facts_of(obj)
    fields: dict[str, Any] = {
        "canon_version": CANON_VERSION, "url": spelling, "source": source_id, "source_name": source_name,
        "provider": obj.provider, "object_id": obj.object_id, "title": obj.title, "licence_uri": obj.licence.uri,
        "licence_field": obj.licence.field, "licence_scope": obj.licence.scope,
        "licence_read_at": obj.licence.read_at, "facts": json.dumps(facts),
        "search": searchable(obj.title, *facts.values()), "image_url": obj.image_url, "content_hash": fresh,
        "state": AWAITING, "describe_at": 0.0, "describe_attempts": 0, "given_up_by": None, "changed_at": at,
        "told_by": None,
    }  # fmt: skip
    if known:
        Row.update(**fields).where(Row.id == known[0]["id"]).execute(db)
        return int(known[0]["id"]), True
    return int(Row.insert(url_key=key, collected_at=at, **fields).execute(db)), True


def to_describe(
    db: Database, now: float, *, node_id: str, by: str | None = None, source_id: int | None = None
) -> tuple[int, CollectedObject, str] | None:
    """Return the artifact to describe next: (number, object, hash of its facts). None: nothing is due.

    Of what was read here the newest that waits; then the newest of which this node `node_id` says what an older version
    wrote. Those that `by` has given up are left out.
    """
    due = (Row.describe_at <= now) | (Row.describe_at > now + LONGEST_WAIT_S)  # or set by a clock that was ahead
    query = Row.select().where(due, Row.told_by.is_null(), lending.is_free(Row, node_id, now))
    if source_id is not None:
        query = query.where(Row.source == source_id)
    if by is not None:
        query = query.where(Row.given_up_by.is_null() | (Row.given_up_by != by))
    old = Contribution.select(Contribution.artifact).where(
        Contribution.node_id == node_id,
        Contribution.prompt_version < PROMPT_VERSION,
        Contribution.kind == DESCRIPTION,
    )
    newest_first = Row.changed_at.desc(), Row.id.desc()
    rows = dicts(query.where(Row.state == AWAITING).order_by(*newest_first).limit(1), db)
    rows = rows or dicts(query.where(Row.state == DESCRIBED, Row.id.in_(old)).order_by(Row.id.desc()).limit(1), db)
    if not rows:
        return None
    row = rows[0]
    # Of what another node once read only what we know the names of.
    facts = {name: value for name, value in json.loads(row["facts"]).items() if name in _FACTS}
    for name in ("makers", "tags"):
        facts[name] = tuple(facts.get(name, ()))
    obj = CollectedObject(
        provider=row["provider"], object_id=row["object_id"], url=row["url"], title=row["title"],
        licence=_licence(row), image_url=row["image_url"], **facts,
    )  # fmt: skip
    return row["id"], obj, row["content_hash"]


def describe(db: Database, artifact_id: int, text: Description, *, node_id: str, input_hash: str, at: float) -> bool:
    """Store this node's description; False when the artifact is gone or its facts changed meanwhile."""
    rows = tuples(Row.select(Row.url_key, Row.content_hash).where(Row.id == artifact_id), db)
    if not rows or rows[0][1] != input_hash:
        return False
    content, hashed = said(text)
    number = contribution_id(rows[0][0], node_id, DESCRIPTION, text.prompt_version, hashed)
    fields: dict[str, Any] = {
        "content": json.dumps(content), "content_hash": hashed, "input_hash": input_hash,
        "model": text.model, "model_digest": text.model_digest, "prompt_version": text.prompt_version,
        "collected_at": at, "received_at": at, "seq": next_number(db, "contributions"), "search": words_of(content),
    }  # fmt: skip
    Contribution.delete().where(
        Contribution.artifact == artifact_id, Contribution.node_id == node_id, Contribution.kind == DESCRIPTION
    ).execute(db)
    Contribution.insert(id=number, artifact=artifact_id, node_id=node_id, kind=DESCRIPTION, **fields).execute(db)
    done = {"state": DESCRIBED, "describe_error": None, "describe_at": 0.0, "describe_attempts": 0, "given_up_by": None}
    done |= {"lent_to": None}
    Row.update(**done, changed_at=at).where(Row.id == artifact_id).execute(db)
    return True


def said(text: Description) -> tuple[dict[str, Any], str]:
    """Return a description as the content of a contribution, and the hash of that."""
    content = {
        "title": text.title, "summary": text.summary, "period": text.period, "tags": list(text.tags),
        "seconds": round(text.seconds, 2), "tokens": text.tokens,
    }  # fmt: skip
    content = {name: value for name, value in content.items() if value not in (None, [])}
    return content, hash_of_content(content)


def not_described(
    db: Database, artifact_id: int, reason: str, *, again_at: float, given_up_by: str | None = None
) -> None:
    """Note why a description could not be had; the artifact stays and waits, for another than `given_up_by`."""
    tried = Row.describe_attempts + 1 if given_up_by is None else 0
    Row.update(
        describe_error=reason[:500], describe_at=again_at, describe_attempts=tried, given_up_by=given_up_by
    ).where(Row.id == artifact_id).execute(db)


def attempts(db: Database, artifact_id: int) -> int:
    """Return how often describing it has failed."""
    rows = tuples(Row.select(Row.describe_attempts).where(Row.id == artifact_id), db)
    return int(rows[0][0]) if rows else 0


def newest(
    db: Database, *, limit: int, before: int | None = None, words: str = "", source_id: int | None = None,
    state: str | None = None, provider: str | None = None, node_id: str | None = None,
) -> list[Artifact]:  # fmt: skip
    """Return artifacts, newest first; `before` is the id to go on from, `words` must all occur, in facts or bubbles.

    `node_id`: only those of which this node says something.
    """
    query = Row.select()
    if before is not None:
        query = query.where(Row.id < before)
    for word in words.casefold().split()[:8]:
        told = Contribution.select().where(Contribution.artifact == Row.id, Contribution.search.contains(word))
        query = query.where(Row.search.contains(word) | pw.fn.EXISTS(told))
    if node_id is not None:
        theirs = Contribution.select().where(Contribution.artifact == Row.id, Contribution.node_id == node_id)
        query = query.where(pw.fn.EXISTS(theirs))
    if source_id is not None:
        query = query.where(Row.source == source_id)
    if state is not None:
        query = query.where(Row.state == state)
    if provider is not None:
        query = query.where(Row.provider == provider)
    return _artifacts(db, dicts(query.order_by(Row.id.desc()).limit(limit), db))


def one(db: Database, artifact_id: int, *, after: Place | None = None) -> Artifact | None:
    """Return one artifact with what nodes say of it, from the bubble after a place on."""
    found = _artifacts(db, dicts(Row.select().where(Row.id == artifact_id), db), after=after)
    return found[0] if found else None


def stats(db: Database) -> dict[str, Any]:
    """Return counts over all rows: artifacts in all, described, waiting, by source and by licence."""
    by = {
        name: dict(tuples(Row.select(column, pw.fn.COUNT(Row.id)).group_by(column), db))
        for name, column in (("state", Row.state), ("licence", Row.licence_uri), ("provider", Row.provider))
    }
    return {
        "artifact_count": sum(by["state"].values()), "described_count": by["state"].get(DESCRIBED, 0),
        "awaiting_count": by["state"].get(AWAITING, 0), "by_licence": by["licence"], "by_provider": by["provider"],
        "bubble_count": int(Contribution.select().bind(db).count()),
    }  # fmt: skip


def _artifacts(db: Database, rows: list[dict[str, Any]], *, after: Place | None = None) -> list[Artifact]:
    """Return artifacts with their bubbles, of each the first SHOWN after a place."""
    numbers = [row["id"] for row in rows]
    order = (Contribution.received_at, Contribution.node_id, Contribution.kind)
    place = pw.fn.ROW_NUMBER().over(partition_by=[Contribution.artifact], order_by=list(order))
    said = Contribution.select(Contribution, place.alias("place")).where(Contribution.artifact.in_(numbers))
    if after is not None:
        said = said.where(pw.Tuple(*order) > pw.Tuple(*after))
    shown = said.alias("shown")
    first = pw.Select([shown], [pw.SQL("*")]).where(shown.c.place <= SHOWN)
    of = (Contribution.artifact, Contribution.kind)
    counted = Contribution.select(*of, pw.fn.COUNT(Contribution.node_id)).where(Contribution.artifact.in_(numbers))
    count_of: dict[int, dict[str, int]] = {}
    for number, kind, count in tuples(counted.group_by(*of), db) if rows else ():
        count_of.setdefault(number, {})[kind] = count
    names = node_rows.names(db) if count_of else {}
    bubbles: dict[int, list[dict[str, Any]]] = {}
    found = dicts(first.order_by(shown.c.artifact_id, shown.c.place), db) if count_of else []
    for row in found:
        bubbles.setdefault(row["artifact_id"], []).append(_bubble(row, names.get(row["node_id"])))
    return [_artifact(row, bubbles.get(row["id"], []), count_of.get(row["id"], {})) for row in rows]


def _bubble(row: dict[str, Any], node_name: str | None) -> dict[str, Any]:
    return {
        "id": row["id"], "node_id": row["node_id"], "content": json.loads(row["content"]), "node_name": node_name,
        "kind": row["kind"], "model": row["model"], "model_digest": row["model_digest"],
        "prompt_version": row["prompt_version"], "collected_at": row["collected_at"],
        "received_at": row["received_at"],
        "is_old": row["prompt_version"] is not None and row["prompt_version"] < PROMPT_VERSION,
    }  # fmt: skip


def _artifact(row: dict[str, Any], bubbles: list[dict[str, Any]], counts: dict[str, int]) -> Artifact:
    facts = json.loads(row["facts"])
    facts.pop("text", None)  # of a page, which versions before 0.2.0 kept for the prompt
    summary = next((words for bubble in bubbles if (words := _summary(bubble["content"]))), None)
    return Artifact(
        id=row["id"], url=row["url"], url_key=row["url_key"], source_id=row["source"], source=row["source_name"],
        provider=row["provider"], object_id=row["object_id"], title=row["title"],
        licence=_licence(row) if row["licence_uri"] else None, facts=facts,
        image_url=row["image_url"], state=row["state"], collected_at=row["collected_at"],
        changed_at=row["changed_at"], description=summary, bubbles=tuple(bubbles), bubble_count=sum(counts.values()),
        description_count=counts.get(DESCRIPTION, 0),
        describe_error=row["describe_error"],
    )  # fmt: skip


def _summary(content: Any) -> str | None:
    """Return what a bubble says in words: our nodes send a document, other collectors perhaps a bare text."""
    words = (content.get("summary") or content.get("description")) if isinstance(content, dict) else content
    return words if isinstance(words, str) and words else None


def _licence(row: dict[str, Any]) -> Licence:
    return Licence(row["licence_uri"], row["licence_field"], row["licence_read_at"], row["licence_scope"])
