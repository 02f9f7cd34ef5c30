"""Contributions of other nodes: an artifact for each canonical URL, a bubble for what each node read or says of it.

Facts and words are apart. The facts of an artifact are those of whoever told of it first, and only that node changes
them; those that were collected here, no node does. One exception: what a node of ours read with a licence replaces what
was told without one. Words are kept for every node: its newest ones, by its own numbers.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import peewee as pw

from hived.records.artifact import AWAITING, DESCRIBED
from hived.records.bounds import ARTIFACTS, BOUNDS, BYTES
from hived.records.bubbles import DESCRIPTION, FACTS, hash_of, searchable, words_of
from hived.records.canonical import CANON_VERSION
from hived.records.ingest import (
    CREATED,
    DUPLICATE,
    MERGED,
    REJECTED,
    STALE,
    SUPERSEDED,
    Result,
    SentContribution,
    SentWords,
)
from hived.store.collecting import lending
from hived.store.engine import bulk
from hived.store.engine.counters import next_number
from hived.store.engine.database import Database, tuples
from hived.store.nodes import shares
from hived.store.schema import Artifact, Contribution

MAX_STORED = 200  # bubbles of one artifact: more nodes than that say nothing new
LEGACY = "legacy"
"""The epoch of what collectors without numbers of their own send: here it is numbered as it comes."""
FULL = "full"


def take(
    db: Database,
    node_id: str,
    epoch: str,
    items: Sequence[SentContribution],
    now: float,
    *,
    held: int,
    is_ours: bool = True,
) -> tuple[Result, ...]:
    """Store what a node says and return what came of each item, in their order.

    Items up to the number `held` are known or were replaced since: they change nothing and are answered as such.
    `is_ours`: False for a collector, whose facts never replace another's.
    """
    newest = {(one.url_key, one.kind): one for one in items if one.seq > held}
    kept = _with_room(db, node_id, newest, now)
    keys = {one.url_key for one in kept.values()}
    size = shares.bytes_about(db, node_id, keys)
    artifacts, created = _artifacts(db, node_id, [*kept.values()], now, is_ours=is_ours)
    missing = {one.url_key for one in items if one.url_key not in artifacts}
    if missing:
        artifacts |= _known(db, missing)
    before, full = _before(db, node_id, artifacts.values())
    wanted = []
    for one in kept.values():
        place = (artifacts[one.url_key], one.kind)
        if place not in full or place in before:
            wanted.append((place[0], one))
    stored = say(db, node_id, epoch, wanted, now)
    shares.add(db, node_id, artifacts=len(created), size=shares.bytes_about(db, node_id, keys) - size)
    results = []
    for one in items:
        artifact_id = artifacts.get(one.url_key)
        place = (artifact_id or 0, one.kind)
        if newest.get((one.url_key, one.kind)) is one and (one.url_key, one.kind) not in kept:
            results.append(Result(one.seq, one.told_id, REJECTED, BOUNDS[ARTIFACTS].code, artifact_id))
            continue
        was = before.get(place)  # for the label alone: what is stored was decided by the statement
        if newest.get((one.url_key, one.kind)) is one and place in stored:
            outcome = SUPERSEDED if was is not None else CREATED if artifact_id in created else MERGED
        elif was == one.id:
            outcome = DUPLICATE
        elif place in full and was is None and one.seq > held:
            results.append(Result(one.seq, one.told_id, REJECTED, FULL, artifact_id))
            continue
        else:
            outcome = STALE
        results.append(Result(one.seq, one.told_id, outcome, None, artifact_id))
    return tuple(results)


_Place = tuple[str, str]


def _with_room(
    db: Database, node_id: str, newest: dict[_Place, SentContribution], now: float
) -> dict[_Place, SentContribution]:
    """Return what there is room for: nothing when the bytes of this node are used up, else no more new artifacts."""
    if not newest:
        return newest
    bytes_left = shares.room(db, node_id, BYTES)
    shares.note(db, node_id, BYTES, full=not bytes_left, now=now)
    if not bytes_left:
        return {}
    fresh = sorted({url for url, _ in newest} - _known(db, {url for url, _ in newest}).keys())
    if not fresh and not shares.is_full(db, node_id, ARTIFACTS):
        return newest
    room = shares.room(db, node_id, ARTIFACTS)
    shares.note(db, node_id, ARTIFACTS, full=len(fresh) > room or not room, now=now)
    beyond = set(fresh[room:])
    return {place: one for place, one in newest.items() if place[0] not in beyond}


def take_legacy(db: Database, node_id: str, one: SentContribution, now: float) -> Result:
    """Store what a collector without numbers says: its last word counts, the same word again changes nothing."""
    artifacts = _known(db, [one.url_key])
    if artifacts:
        before, _ = _before(db, node_id, artifacts.values())
        artifact_id = artifacts[one.url_key]
        if before.get((artifact_id, one.kind)) == one.id:
            return Result(one.seq, one.told_id, DUPLICATE, None, artifact_id)
    number = next_number(db, LEGACY)  # its row is locked until the end: the last word is the last to be stored
    return take(db, node_id, LEGACY, [replace(one, seq=number)], now, held=0, is_ours=False)[0]


def _artifacts(
    db: Database, node_id: str, items: Sequence[SentContribution], now: float, *, is_ours: bool
) -> tuple[dict[str, int], set[int]]:
    """Make sure that there is an artifact for each item; return {url_key: number} and the numbers that are new.

    Of several items of one URL the one with the newest facts counts.
    """
    facts: dict[str, dict[str, Any]] = {}
    for one in items:
        row = _row(one, node_id, now)
        if one.url_key not in facts or _rank(row) > _rank(facts[one.url_key]):
            facts[one.url_key] = row
    known = _known(db, facts)
    fresh = [facts[key] for key in sorted(facts.keys() - known.keys())]
    created: dict[str, int] = {}
    if fresh:
        rows = [tuple(row.values()) for row in fresh]
        made = Artifact.insert_many(rows[:1], fields=bulk.columns(Artifact, list(fresh[0]))).on_conflict_ignore()
        created = dict(bulk.upsert(db, made.returning(Artifact.url_key, Artifact.id), len(rows[0]), rows))
        met = [row["url_key"] for row in fresh if row["url_key"] not in created]
        if met:  # another node was quicker by a moment
            known |= _known(db, met)
    if known:
        _refresh(db, [{"id": number, **facts[key]} for key, number in known.items()], is_ours=is_ours)
    return known | created, set(created.values())


def _known(db: Database, keys: Iterable[str]) -> dict[str, int]:
    wanted = list(keys)
    query = Artifact.select(Artifact.url_key, Artifact.id).where(Artifact.url_key.in_(wanted))
    return dict(tuples(query, db)) if wanted else {}


_OF_FACTS = (
    "provider", "object_id", "title", "source_name", "licence_uri", "licence_field", "licence_scope",
    "licence_read_at", "facts", "search", "image_url", "content_hash", "told_by",
)  # fmt: skip


def _refresh(db: Database, rows: list[dict[str, Any]], *, is_ours: bool) -> None:
    """Let a node's newer facts replace its older ones, and lock these artifacts in the order of their numbers.

    The numbers are given, so none is taken from the sequence. Facts of the same time and licence are put in order by
    their hash.
    """
    new = pw.EXCLUDED
    stated, told = Artifact.licence_uri != "", new.licence_uri != ""
    later = (new.licence_read_at > Artifact.licence_read_at) | (
        (new.licence_read_at == Artifact.licence_read_at) & (new.content_hash > Artifact.content_hash)
    )
    better = (told & ~stated) | (((told & stated) | (~told & ~stated)) & later)
    may = (Artifact.told_by == new.told_by) | (Artifact.told_by == "")
    if is_ours:
        may |= Artifact.told_by.is_null(False) & told & ~stated
    rows.sort(key=lambda row: row["id"])
    change = {getattr(Artifact, name): getattr(new, name) for name in (*_OF_FACTS, "changed_at")}
    # Other facts wait for other words, where those do not come with them.
    waits = (new.state == AWAITING) & (new.content_hash != Artifact.content_hash)
    for column, anew in ((Artifact.state, AWAITING), (Artifact.describe_at, 0.0), (Artifact.given_up_by, None)):
        change[column] = pw.Case(None, [(waits, anew)], column)
    values = [tuple(row.values()) for row in rows]
    statement = Artifact.insert_many(values[:1], fields=bulk.columns(Artifact, list(rows[0]))).on_conflict(
        conflict_target=[Artifact.id], update=change, where=(may & better)
    )
    bulk.upsert(db, statement, len(values[0]), values)


def _row(one: SentContribution, node_id: str, now: float) -> dict[str, Any]:
    licence = one.licence
    return {
        "url_key": one.url_key, "canon_version": CANON_VERSION, "url": one.url, "source_name": one.source_name,
        "provider": one.provider, "object_id": one.object_id, "title": one.title,
        "licence_uri": licence.uri if licence else "", "licence_field": licence.field if licence else "",
        "licence_scope": licence.scope if licence else "", "licence_read_at": one.facts_at,
        "facts": json.dumps(one.facts), "search": searchable(one.title, *one.facts.values()),
        "image_url": one.image_url,
        "content_hash": hash_of([one.title, one.facts, one.image_url, licence.uri if licence else None]),
        "state": AWAITING if one.kind == FACTS else DESCRIBED, "collected_at": one.collected_at, "changed_at": now,
        "describe_at": 0.0, "describe_attempts": 0, "told_by": node_id,
    }  # fmt: skip


def _rank(row: dict[str, Any]) -> tuple[Any, ...]:
    return (row["licence_uri"] != "", row["licence_read_at"], row["content_hash"])


def _before(
    db: Database, node_id: str, artifacts: Iterable[int]
) -> tuple[dict[tuple[int, str], str], set[tuple[int, str]]]:
    """Return what this node says of artifacts so far, {(artifact, kind): id}, and what takes no new node."""
    numbers = list(artifacts)
    if not numbers:
        return {}, set()
    said = Contribution.select(Contribution.artifact, Contribution.kind, Contribution.id).where(
        Contribution.artifact.in_(numbers), Contribution.node_id == node_id
    )
    crowded = (
        Contribution.select(Contribution.artifact, Contribution.kind)
        .where(Contribution.artifact.in_(numbers))
        .group_by(Contribution.artifact, Contribution.kind)
        .having(pw.fn.COUNT(Contribution.node_id) >= MAX_STORED)
    )
    before = {(artifact, kind): number for artifact, kind, number in tuples(said, db)}
    return before, {(artifact, kind) for artifact, kind in tuples(crowded, db)}


_WORDS = (
    "id", "content", "content_hash", "input_hash", "model", "model_digest", "prompt_version", "collected_at",
    "epoch", "seq", "search",
)  # fmt: skip


def say(
    db: Database, node_id: str, epoch: str, items: Sequence[tuple[int, SentWords]], now: float
) -> set[tuple[int, str]]:
    """Store words, new ones and those that replace a node's older ones; return (artifact, kind) of what was stored.

    When a bubble was first received stays with it: bubbles are shown in that order.
    """
    if not items:
        return set()
    rows = [
        {
            "artifact": artifact, "node_id": node_id, "kind": one.kind, "id": one.id,
            "content": json.dumps(one.content), "content_hash": one.content_hash, "input_hash": one.input_hash,
            "model": one.model, "model_digest": one.model_digest, "prompt_version": one.prompt_version,
            "collected_at": one.collected_at, "received_at": now, "epoch": epoch, "seq": one.seq,
            "search": "" if one.kind == FACTS else words_of(one.content),
        }
        for artifact, one in sorted(items, key=lambda pair: (pair[0], pair[1].kind))
    ]  # fmt: skip
    new = pw.EXCLUDED
    another_epoch = Contribution.epoch.is_null() | (Contribution.epoch != new.epoch)
    values = [tuple(row.values()) for row in rows]
    statement = Contribution.insert_many(values[:1], fields=bulk.columns(Contribution, list(rows[0]))).on_conflict(
        conflict_target=[Contribution.artifact, Contribution.node_id, Contribution.kind],
        update={getattr(Contribution, name): getattr(new, name) for name in _WORDS},
        where=(Contribution.id != new.id) & (another_epoch | (new.seq > Contribution.seq)),
    )
    done = bulk.upsert(db, statement.returning(Contribution.artifact, Contribution.kind), len(values[0]), values)
    stored = {(int(artifact), kind) for artifact, kind in done}
    touched = sorted({artifact for artifact, kind in stored if kind == DESCRIPTION})
    if touched:
        lending.described(db, touched, node_id=node_id, at=now)
    return stored
