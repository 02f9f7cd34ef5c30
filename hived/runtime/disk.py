"""How much room a disk has for us."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

log = logging.getLogger(__name__)

LEAST_BYTES = 1024 * 1024
"""With less, a database cannot even be opened: its log and the index of it must fit."""
LOOK_S = 2.0


def room(folder: Path) -> int | None:
    """Return the bytes that this process can still write in a folder; None: it cannot be told."""
    try:
        disk = os.statvfs(folder)
    except OSError:
        return None
    return disk.f_bavail * disk.f_frsize


async def wait_for_room(
    folder: Path,
    *,
    waits: Callable[[str], object] = lambda _why: None,
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
) -> None:
    """Return once there is enough room to begin; said once, and to `waits` at every look."""
    said = False
    while (free := room(folder)) is not None and free < LEAST_BYTES:
        why = f"the disk of {folder} is full ({free} bytes left): waiting for room"
        waits(why)
        if not said:
            log.error("%s", why)
            said = True
        await sleep(LOOK_S)
    if said:
        log.info("the disk of %s has room again", folder)
