"""Versions of the miners' own settings; a password never gets here."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from hived.records.events import Event
from hived.records.miner import MinerSettings
from hived.records.miner_view import SettingsVersion
from hived.store import events
from hived.store.engine.counters import next_rev
from hived.store.engine.database import Database, dicts
from hived.store.miners.own_changes import not_ours
from hived.store.schema import Health
from hived.store.schema import SettingsVersion as Row

KEEP_VERSIONS = 200  # of one miner; older ones leave first


def save(db: Database, num: int, settings: MinerSettings, at: float, *, due_at: float | None) -> SettingsVersion:
    """Store the settings as a new version when they differ from the last one, else note that they were checked.

    What differs is an event. `due_at` is when they are read again by plan.
    """
    clocks = settings.document.get("globals")
    changed = Health.update(
        settings_due_at=due_at, asked_at=at, asked_preset=settings.document.get("requested_preset"),
        asked_clocks=_dump(clocks) if clocks else None,
    ).where(Health.num == num).execute(db)  # fmt: skip
    if not changed:
        return SettingsVersion(num, 0, at, at, settings.document)  # the miner was removed meanwhile
    last = newest(db, num)
    if last is not None and last.document == settings.document:
        Row.update(checked_at=at).where(Row.num == num, Row.version == last.version).execute(db)
        return SettingsVersion(num, last.version, last.read_at, at, last.document, last.changes)
    changes = tuple(differences(last.document, settings.document)) if last is not None else ()
    version = SettingsVersion(num, last.version + 1 if last else 1, at, at, settings.document, changes)
    Row.insert(
        num=num, version=version.version, read_at=at, checked_at=at, document=_dump(settings.document),
        changes=_dump(list(changes)),
    ).execute(db)  # fmt: skip
    Row.delete().where(Row.num == num, Row.version <= version.version - KEEP_VERSIONS).execute(db)
    Health.update(rev=next_rev(db)).where(Health.num == num).execute(db)
    if changes:
        told = Event("settings_changed", at, {"changes": list(changes)[:20]}, num=num)
        events.add(db, not_ours(db, [told]))
    return version


def newest(db: Database, num: int) -> SettingsVersion | None:
    """Return the settings as last read, None before the first time."""
    found = versions(db, num, limit=1)
    return found[0] if found else None


def versions(db: Database, num: int, *, limit: int) -> list[SettingsVersion]:
    """Return a miner's versions, newest first."""
    query = Row.select().where(Row.num == num).order_by(Row.version.desc()).limit(limit)
    return [
        SettingsVersion(
            num, row["version"], row["read_at"], row["checked_at"], json.loads(row["document"]),
            tuple(json.loads(row["changes"])),
        )
        for row in dicts(query, db)
    ]  # fmt: skip


def differences(before: Any, after: Any, path: str = "") -> Iterator[dict[str, Any]]:
    """Yield {path, before, after} for every leaf that differs; a missing leaf is None."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key in sorted(before.keys() | after.keys()):
            yield from differences(before.get(key), after.get(key), f"{path}.{key}" if path else key)
    elif isinstance(before, list) and isinstance(after, list):
        for i in range(max(len(before), len(after))):
            old = before[i] if i < len(before) else None
            new = after[i] if i < len(after) else None
            yield from differences(old, new, f"{path}.{i}")
    elif before != after:
        yield {"path": path, "before": before, "after": after}


def _dump(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), sort_keys=True)
