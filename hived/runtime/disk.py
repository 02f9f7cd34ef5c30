"""How much room a disk has for us."""

from __future__ import annotations

import os
from pathlib import Path

from hived.errors import Transient

LEAST_BYTES = 1024 * 1024
"""With less, a database cannot even be opened: its log and the index of the log must fit."""


def room(folder: Path) -> int | None:
    """Return the bytes that this process can still write in a folder, None when that is unknown."""
    try:
        disk = os.statvfs(folder)
    except OSError:
        return None
    return disk.f_bavail * disk.f_frsize


def require_room(folder: Path) -> None:
    """Raise Transient when there is not enough room to open a database."""
    free = room(folder)
    if free is not None and free < LEAST_BYTES:
        raise Transient(f"the disk of {folder} is full ({free} bytes left)")
