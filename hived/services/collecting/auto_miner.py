"""What an operator asks of the auto-miner, by API or by command: rows that hive-minerd obeys."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from hived.errors import NotFound
from hived.records.access import By
from hived.records.artifact import CollectorState, Source
from hived.records.daemon import MINERD
from hived.records.sources import NewSource
from hived.store import Database, Store, audit, daemon_rows
from hived.store.collecting import collector, forgetting, sources

RUNS_ALREADY = "the auto-miner runs already"
STOPPING = "the auto-miner stops"
STOOD = "the auto-miner was not running"

BREATH_S = 0.02  # between two parts of a long removal: who waits for the database looks for a gap like this one


@dataclass(frozen=True, slots=True)
class Condition:
    """What was asked of the auto-miner and what it last said. `beat_at`: of its daemon, None before the first."""

    state: CollectorState
    beat_at: float | None


def condition(db: Database) -> Condition:
    """Return how the auto-miner is."""
    beat_at = next((one.beat_at for one in daemon_rows.daemons(db) if one.name == MINERD), None)
    return Condition(collector.state(db), beat_at)


def start(db: Database, by: By, source_id: int | None) -> bool:
    """Ask for the loop, or for one source's run; False when it runs already. NotFound for an unknown source."""
    if source_id is not None:
        known(db, source_id)
    taken = collector.start(db, by["at"], only_source=source_id)
    if taken:
        audit.note(db, **by, action="collecting.start", target=None if source_id is None else str(source_id))
    return taken


def stop(db: Database, by: By) -> str:
    """Ask for the end and return what that means, in words."""
    if not collector.stop(db, by["at"]):
        return STOOD
    audit.note(db, **by, action="collecting.stop")
    return STOPPING


def add_source(db: Database, new: NewSource, by: By) -> Source:
    """Store a source. Conflict when there is one with its base URL."""
    made = sources.add(db, name=new.name, base_url=new.base_url, kind=new.kind, at=by["at"])
    audit.note(db, **by, action="source.add", target=str(made.id), after=_told(made))
    return made


async def remove_source(store: Store, source_id: int, by: By) -> Source:
    """Forget a source and return what it was; its artifacts stay. NotFound.

    In many short transactions. A removal that is cut off leaves a source that lists everything anew.
    """
    gone = await store.read(known, source_id)
    await store.write(sources.listed, source_id, cursor=None, since=None, listed_at=None, next_at=0.0)
    while await store.write(forgetting.some_of, source_id):
        await asyncio.sleep(BREATH_S)
    await store.write(_remove, gone, by)
    return gone


def _remove(db: Database, gone: Source, by: By) -> None:
    sources.remove(db, gone.id)
    audit.note(db, **by, action="source.remove", target=str(gone.id), before=_told(gone))


def _told(source: Source) -> dict[str, str]:
    return {"name": source.name, "base_url": source.base_url, "kind": source.kind}


def known(db: Database, source_id: int) -> Source:
    """Return a source; NotFound when there is none."""
    found = sources.one(db, source_id)
    if found is None:
        raise NotFound(f"there is no source {source_id}")
    return found
