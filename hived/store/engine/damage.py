"""A damaged SQLite file: kept under a name that tells when, and a new database in its place.

Only what SQLite itself calls corrupt counts: a database that is locked, full, closed to us or of a newer hived is left
alone. Nothing of the damaged file is carried over. It is kept whole, for whoever wants to look.
"""

from __future__ import annotations

import fcntl
import logging
import os
import re
import sqlite3
import time
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import peewee as pw

from hived.errors import Damaged, HivedError
from hived.records.events import Event
from hived.store import events
from hived.store.engine.db import create, database_of, sqlite_path
from hived.store.engine.durable import sync
from hived.store.engine.locks import swap_lock, swap_name
from hived.store.engine.node_id import NAME as NODE_ID
from hived.store.engine.sqlite import file_of, is_damage

log = logging.getLogger(__name__)

CHECK_S = 10.0
"""How long the file is read for the proof; a larger one is believed to be what SQLite said of it."""
TOO_LARGE = "too large to be checked now"
AT_MOST, WITHIN_S = 3, 86_400.0
"""So many in a day are set aside; with one more it is the disk, and its room must not be used up by copies."""
_STAMP = "%Y%m%dT%H%M%SZ"
_KEPT = re.compile(r"\.damaged-(\d{8}T\d{6}Z)(?:-\d+)?$")
_BESIDE = ("-wal", "-shm")


@dataclass(frozen=True, slots=True)
class Kept:
    """A damaged file that was set aside, with its log: it counts as a trouble until somebody takes it away."""

    path: Path
    at: float
    bytes: int


def kept(database: Path | None) -> list[Kept]:
    """Return the damaged files beside a database, newest first; none for one of a server."""
    if database is None:
        return []
    found = []
    with suppress(OSError):
        for path in database.parent.iterdir():
            stamp = _KEPT.search(path.name) if path.name.startswith(f"{database.name}.damaged-") else None
            if stamp is not None:
                at = datetime.strptime(stamp[1], _STAMP).replace(tzinfo=UTC).timestamp()
                found.append(Kept(path, at, sum(_size(Path(f"{path}{end}")) for end in ("", *_BESIDE))))
    return sorted(found, key=lambda one: (one.at, one.path.name), reverse=True)


def create_or_replace(url: str, state_dir: Path | None, now: float) -> tuple[list[str], Path | None]:
    """Make the database ready, as `create`; a file that turns out damaged is set aside first, as for a daemon.

    Return the changes that were applied, and the name of the damaged file, None when there was none.
    """
    path = sqlite_path(url)
    was = file_of(path) if path is not None else None
    try:
        if path is not None:
            refuse_emptied(path, state_dir or path.parent)
        return create(url, state_dir), None
    except Damaged as err:
        if path is None:
            raise
        _replace(path, was, state_dir, why=str(err), now=now)
        return create(url, state_dir), kept(path)[0].path


def replace(path: Path, was: tuple[int, int] | None, state_dir: Path | None, *, why: str, now: float) -> str:
    """Set a damaged file aside, start a new database in its place, log it and return it in one sentence.

    `was`: which file it is about; another daemon may have been faster. HivedError, and the old file stays, when it is
    whole after all, when it happens too often, or when no new database can be made.
    """
    done = _replace(path, was, state_dir, why=why, now=now)
    if done is None:
        return f"{path} was damaged and has been replaced"
    aside, found = done
    log.error(
        "the database %s was damaged (%s): it is kept as %s and a new one was started;"
        " `hivectl restore FILE` brings back a backup, `hivectl join` a master that is lost",
        path, found, aside.name,
    )  # fmt: skip
    return f"{path} was damaged and is kept as {aside.name}"


def _replace(
    path: Path, was: tuple[int, int] | None, state_dir: Path | None, *, why: str, now: float
) -> tuple[Path, str] | None:
    """Return where the old file is kept and what is wrong with it; None when somebody else was faster."""
    with swap_lock(path, fcntl.LOCK_EX):
        if was is not None and file_of(path) != was:
            return None
        found = proof(path)
        if not found:
            raise HivedError(f"{why}; but a check finds nothing wrong with it, so it stays")
        recent = [one for one in kept(path) if abs(now - one.at) < WITHIN_S]
        if len(recent) >= AT_MOST:
            raise HivedError(
                f"{path} is damaged for the {len(recent) + 1}th time in a day, so it stays: the disk fails."
                " Replace it, then `hivectl restore` a backup"
            )
        aside = _free_name(path, now)
        fresh = path.with_name(f".{path.name}.new")
        try:
            happened = Event("database_replaced", now, {"kept": aside.name, "reason": found[:200]})
            _make(fresh, state_dir, happened, like=path)
            _swap(path, aside, fresh)
        except (OSError, sqlite3.Error, HivedError) as err:
            raise HivedError(f"cannot replace the damaged database {path}: {err}") from err
        finally:
            for leftover in (swap_name(fresh), *(Path(f"{fresh}{end}") for end in ("", *_BESIDE))):
                leftover.unlink(missing_ok=True)
    return aside, found


def proof(path: Path) -> str:
    """Return what is wrong with a file, "" when it is whole; one that is too large for CHECK_S is not read to its end.

    Raises HivedError when it cannot be read for another reason, which is then no reason to replace it.
    """
    if path.stat().st_size == 0:
        return "it is empty"
    until = time.monotonic() + CHECK_S
    try:
        # Read-only: whoever may write and is the last to close it would work its log into the file.
        with closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, timeout=CHECK_S)) as connection:
            connection.set_progress_handler(lambda: int(time.monotonic() > until), 100_000)
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
            (said,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.Error as err:
        if is_damage(err):
            return str(err)
        if getattr(err, "sqlite_errorcode", 0) == sqlite3.SQLITE_INTERRUPT:
            return TOO_LARGE
        raise HivedError(f"cannot tell whether {path} is damaged: {err}") from err
    return "" if said == "ok" else " ".join(str(said).split())


def _make(fresh: Path, state_dir: Path | None, event: Event, *, like: Path) -> None:
    for leftover in ("", *_BESIDE):
        Path(f"{fresh}{leftover}").unlink(missing_ok=True)
    url = f"sqlite:///{fresh}"
    create(url, state_dir or like.parent)
    database = database_of(url, state_dir or like.parent)
    try:
        with database.session(), database.transact("write"):
            events.add(database, [event])
    except pw.PeeweeException as err:
        raise database.translate(err) or err from err
    finally:
        database.shut()


def _swap(path: Path, aside: Path, fresh: Path) -> None:
    """Put the new file in the old one's place. Killed at any step, there is a database under the name."""
    sync(fresh)
    os.link(path, aside)
    for end in _BESIDE:
        with suppress(FileNotFoundError):
            Path(f"{path}{end}").rename(f"{aside}{end}")
    fresh.rename(path)
    sync(path.parent)


def _free_name(path: Path, now: float) -> Path:
    name = f"{path.name}.damaged-{datetime.fromtimestamp(now, UTC).strftime(_STAMP)}"
    names = (path.with_name(name + more) for more in ("", *(f"-{n}" for n in range(1, 100))))
    for one in names:
        if not one.exists():
            return one
    raise HivedError(f"there are too many files {name}: see to the disk")


def _size(path: Path) -> int:
    with suppress(OSError):
        return path.stat().st_size
    return 0


def refuse_emptied(path: Path, folder: Path) -> None:
    """Take an empty file for damaged where this node has lived: a power cut leaves such ones. A new box migrates."""
    with suppress(OSError):
        if path.stat().st_size == 0 and (folder / NODE_ID).exists():
            raise Damaged(f"the database {path} is damaged: it is empty")
