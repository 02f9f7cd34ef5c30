"""Whether a disk takes what we write: its room, and whether it may be written at all."""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from hived.errors import Transient, next_step
from hived.runtime.privileges import Owner

LEAST_BYTES = 1024 * 1024
"""With less, a database cannot even be opened: its log and the index of the log must fit."""


def room(folder: Path) -> int | None:
    """Return the bytes that this process can still write in a folder, None when that is unknown."""
    try:
        disk = os.statvfs(folder)
    except OSError:
        return None
    return disk.f_bavail * disk.f_frsize


def free_percent(folder: Path) -> float | None:
    """Return the share of a folder's disk that this process can still write, None when that is unknown."""
    try:
        disk = os.statvfs(folder)
    except OSError:
        return None
    return 100.0 * disk.f_bavail / disk.f_blocks if disk.f_blocks else None


def require_room(folder: Path) -> None:
    """Raise Transient when there is not enough room to open a database."""
    free = room(folder)
    if free is not None and free < LEAST_BYTES:
        raise Transient(f"the disk of {folder} is full ({free} bytes left)")


class Unwritable(NamedTuple):
    """Why something cannot be written; `code` is its key in PROBLEMS."""

    code: str
    text: str
    step: str


def unwritable(path: Path) -> Unwritable | None:
    """Return why this process cannot write a file, its log beside it or its folder; None: it can, or there is none.

    The superuser is told what the user of the folder would be. A full disk is another matter.
    """
    folder = path.parent
    with suppress(OSError):
        flags = os.statvfs(folder).f_flag
        if flags & os.ST_RDONLY:
            return _on_a_dead_disk(folder, errno.EROFS)
    try:
        os.close(os.open(folder, os.O_TMPFILE | os.O_WRONLY, 0o600))  # a file without a name: nothing stays behind
    except OSError as err:
        if err.errno in (errno.EROFS, errno.EIO):  # ext4 after an error of its journal says so to writers alone
            return _on_a_dead_disk(folder, err.errno)
        if err.errno in (errno.EACCES, errno.EPERM):
            return _not_ours(folder, folder, mend=str(folder))
    if not _may_write(folder, folder):
        return _not_ours(folder, folder, mend=str(folder))
    for one in (path, *(Path(f"{path}{end}") for end in ("-wal", "-shm"))):
        with suppress(OSError):
            if not _may_write(one, folder):
                return _not_ours(one, folder, mend=f"{path}*")  # SQLite makes its logs with the mode of the file
    return None


def own_user() -> str:
    """Return the name of the user that this process runs as."""
    return Owner(os.geteuid(), os.getegid()).name


def _may_write(path: Path, folder: Path) -> bool:
    if os.geteuid() != 0:
        return os.access(path, os.W_OK, effective_ids=True) or not path.exists()
    found, owner = path.stat(), folder.stat().st_uid
    return bool(found.st_mode & (0o200 if found.st_uid == owner else 0o022)) or owner == 0


def _on_a_dead_disk(folder: Path, number: int) -> Unwritable:
    text = f"the disk of {folder} cannot be written: {os.strerror(number)}"
    return Unwritable("disk_readonly", text, next_step("disk_readonly"))


def _not_ours(path: Path, folder: Path, mend: str) -> Unwritable:
    user = Owner(os.geteuid() or folder.stat().st_uid, 0).name
    step = next_step("not_writable", user=user, file=mend)
    return Unwritable("not_writable", f"the user {user} may not write {path}", step)
