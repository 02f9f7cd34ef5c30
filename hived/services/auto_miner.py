"""What an operator asks of the auto-miner, by API or by command: rows that hive-minerd obeys."""

from __future__ import annotations

from dataclasses import dataclass

from hived.errors import NotFound
from hived.records.artifact import CollectorState, Source
from hived.records.sources import NewSource
from hived.store import Database, collector, site, sources

DAEMON = "hive-minerd"
RUNS_ALREADY = "the auto-miner runs already"
STOPPING = "the auto-miner stops"
STOOD = "the auto-miner was not running"


@dataclass(frozen=True, slots=True)
class Condition:
    """What was asked of the auto-miner and what it last said. `beat_at`: of its daemon, None before the first."""

    state: CollectorState
    beat_at: float | None


def condition(db: Database) -> Condition:
    """Return how the auto-miner is."""
    beat_at = next((one.beat_at for one in site.daemons(db) if one.name == DAEMON), None)
    return Condition(collector.state(db), beat_at)


def start(db: Database, at: float, source_id: int | None) -> bool:
    """Ask for the loop, or for one source's run; False when it runs already. NotFound for an unknown source."""
    if source_id is not None:
        known(db, source_id)
    return collector.start(db, at, only_source=source_id)


def stop(db: Database, at: float) -> str:
    """Ask for the end and return what that means, in words."""
    return STOPPING if collector.stop(db, at) else STOOD


def add_source(db: Database, new: NewSource, at: float) -> Source:
    """Store a source. Conflict when there is one with its base URL."""
    return sources.add(db, name=new.name, base_url=new.base_url, kind=new.kind, at=at)


def remove_source(db: Database, source_id: int) -> Source:
    """Forget a source and return what it was; its artifacts stay. NotFound."""
    gone = known(db, source_id)
    sources.remove(db, source_id)
    return gone


def known(db: Database, source_id: int) -> Source:
    """Return a source; NotFound when there is none."""
    found = sources.one(db, source_id)
    if found is None:
        raise NotFound(f"there is no source {source_id}")
    return found
