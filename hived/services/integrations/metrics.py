"""What metrics are made of beside the miners: read when somebody asks, and never before."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from hived.documents.metrics.facts import Box
from hived.services.appliance.host_health import measured
from hived.services.appliance.host_troubles import host_troubles, stored_troubles
from hived.store import Database, Store, daemon_rows
from hived.store.alerts import alerts
from hived.store.engine import counts, dialect
from hived.store.miners import discovery, fleet, orders
from hived.store.nodes import contacts


async def box(store: Store, folder: Path | None = None) -> Box:
    """Return how this box is. `folder`: whose disk counts when the database is on another machine."""
    place = store.path or folder
    health: dict[str, Any] = {}
    if place is not None:
        health = await asyncio.to_thread(measured, store.path, place)
    troubles = await asyncio.to_thread(host_troubles, store.path)
    return await store.read(_read, health, troubles)


def _read(db: Database, health: dict[str, Any], troubles: list[Any]) -> Box:
    size, log = dialect.sizes(db)
    sweeps = discovery.sweeps(db, limit=5)  # the newest may be under way
    return Box(
        daemons=daemon_rows.daemons(db), numbers=daemon_rows.numbers(db), nodes=contacts.listing(db),
        database_bytes=size, log_bytes=log,
        sweep=next((sweep for sweep in sweeps if sweep.finished_at is not None), None),
        other_devices=fleet.other_device_kinds(db), artifacts=counts.artifacts_by_state(db),
        newest_event=fleet.newest_event_id(db), open_targets=orders.open_by_state(db),
        alerts=alerts.counts(db), troubles=[*troubles, *stored_troubles(db)], health=health,
    )  # fmt: skip
