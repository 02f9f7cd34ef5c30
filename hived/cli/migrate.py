"""`hivectl migrate`: create the database, or bring its schema up to this program's."""

from __future__ import annotations

import os
from pathlib import Path

from hived.cli.desk import Desk, NotPermitted, may_use, not_permitted
from hived.cli.text import clean, counted
from hived.errors import HivedError
from hived.store import create


async def migrate(desk: Desk) -> int:
    """Say what was applied; a second run changes nothing. SchemaMismatch for a database of a newer hived."""
    path = desk.config.database.sqlite_path
    if path is None:
        raise HivedError("database.url: only sqlite:///FILE can be created by this program")
    may_use(path)
    fresh = not path.exists()
    try:
        applied = create(desk.config.database.url)
    except PermissionError as err:
        raise NotPermitted(not_permitted(path)) from err
    except OSError as err:
        raise HivedError(f"{err.filename or path}: {err.strerror}") from err
    if fresh:
        _hand_over(path)
    if desk.json:
        desk.screen.document({"database": str(path), "created": fresh, "applied": applied})
        return 0
    if fresh:
        desk.screen.say(f"created {clean(str(path))}")
    for name in applied:
        desk.screen.say(f"applied {name}")
    changes = counted(len(applied), "schema change")
    desk.screen.say(f"{changes} applied" if applied else f"{clean(str(path))} is up to date: nothing to do")
    return 0


def _hand_over(path: Path) -> None:
    """Give a database that root created to whom the folder belongs: the daemons do not run as root."""
    if os.geteuid() != 0:
        return
    folder = path.parent.stat()
    for name in (path, Path(f"{path}-wal"), Path(f"{path}-shm")):
        if name.exists():
            os.chown(name, folder.st_uid, folder.st_gid)
