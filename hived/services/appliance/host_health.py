"""How this box is: what its operator would look at first, read in a few milliseconds."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import psutil

from hived.records.artifact import CollectorState
from hived.records.daemon import MINERD, DaemonRow, alive
from hived.services.appliance.host_troubles import host_troubles, model_state, stored_troubles
from hived.store import Store, daemon_rows
from hived.store.collecting import collector

_CPU_SENSORS = ("k10temp", "coretemp", "cpu_thermal", "cpu-thermal", "soc_thermal", "zenpower", "acpitz")
"""Names that Linux gives to the sensor of a processor, the best first."""
_PLAUSIBLE_C = (-40.0, 150.0)
MAX_STATUS = 200
RESTART_S = 900.0  # an update, or a box that starts anew: others need not do its work for that


class HostHealth:
    """Reads how the box is. `database`: its file; None when the database is on another machine."""

    def __init__(self, store: Store, database: Path | None, folder: Path, *, clock: Callable[[], float]) -> None:
        self._store, self._database, self._folder, self._clock = store, database, folder, clock

    async def read(self) -> dict[str, Any]:
        """Return the health of this box as the master shows it; what cannot be known is None."""
        daemons = await self._store.read(daemon_rows.daemons)
        collects = await self._store.read(collector.state)
        troubles = await asyncio.to_thread(host_troubles, self._database)
        troubles += await self._store.read(stored_troubles)
        return await asyncio.to_thread(measured, self._database, self._folder) | {
            "daemons": presence(daemons, self._clock()),
            "describes": describes(collects, daemons, self._clock()),
            "troubles": [{"kind": one.kind, "text": one.text, "step": one.step} for one in troubles],
            "model_state": model_state(collects, daemons, self._clock()),
            "backup_at": await self._store.read(daemon_rows.noted, daemon_rows.BACKUP_AT),
        }


def measured(database: Path | None, folder: Path) -> dict[str, Any]:
    """Return what the machine says of itself."""
    disk = _told(lambda: psutil.disk_usage(str(database.parent if database is not None else folder)))
    memory = _told(psutil.virtual_memory)
    booted = _told(psutil.boot_time)
    load = _told(os.getloadavg)
    return {
        "disk_free_bytes": disk.free if disk else None, "disk_total_bytes": disk.total if disk else None,
        "database_bytes": _size(database), "load_1m": round(load[0], 2) if load else None,
        "cpus": psutil.cpu_count(), "memory_used_bytes": memory.total - memory.available if memory else None,
        "memory_total_bytes": memory.total if memory else None, "temperature_c": temperature(),
        "uptime_s": max(0, round(time.time() - booted)) if booted else None,
    }  # fmt: skip


def presence(daemons: Sequence[DaemonRow], now: float) -> dict[str, Any]:
    """Return who runs, by name."""
    return {row.name: {"alive": alive(row.beat_at, now), "status": row.status[:MAX_STATUS]} for row in daemons}


def describes(state: CollectorState, daemons: Sequence[DaemonRow], now: float) -> bool:
    """Tell whether this box describes what it collects: its auto-miner is to run, does, and has a model that works."""
    is_wanted = state.wanted or state.only_source is not None
    runs = any(row.name == MINERD and abs(now - row.beat_at) < RESTART_S for row in daemons)
    return is_wanted and runs and state.describer is not None


def temperature(read: Callable[[], Any] | None = None) -> float | None:
    """Return the processor's temperature, °C: the hottest of its best sensor. None: the machine tells none."""
    sensors = _told(read or psutil.sensors_temperatures) or {}
    for name in _CPU_SENSORS:
        told = [sensor.current for sensor in sensors.get(name, ()) if isinstance(sensor.current, int | float)]
        plausible = [float(value) for value in told if _PLAUSIBLE_C[0] < value < _PLAUSIBLE_C[1]]
        if plausible:
            return round(max(plausible), 1)
    return None


def _size(database: Path | None) -> int | None:
    """The file with its log: what the disk gives for it."""
    if database is None:
        return None
    main = _told(lambda: database.stat().st_size)
    return None if main is None else main + (_told(lambda: Path(f"{database}-wal").stat().st_size) or 0)


def _told(read: Callable[[], Any]) -> Any:
    """A value of the machine, None where it has none: containers hide much, boards lack much."""
    try:
        return read()
    except (OSError, AttributeError, RuntimeError, NotImplementedError, ValueError, psutil.Error):
        return None
