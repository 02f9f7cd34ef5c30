"""A backup becomes the node again: looked at whole before anything is replaced, and what was there is kept."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import IO, Any

from hived.errors import HivedError
from hived.records.access import By
from hived.records.events import Event
from hived.services.appliance.backup import (
    DATABASE,
    FORMAT,
    MANIFEST,
    MAX_SMALL_BYTES,
    PLAIN,
    SECRETS,
    Manifest,
    digest,
    draft_folder,
    need,
)
from hived.services.nodes.upload import begin_anew
from hived.store import Database, audit, events
from hived.store.access import sessions
from hived.store.engine import damage, epoch
from hived.store.engine.durable import sync
from hived.store.engine.locks import swap_lock
from hived.store.engine.secret_box import NAME as SECRET
from hived.store.engine.shape import refuse_foreign
from hived.store.engine.snapshot import check, make_ready
from hived.store.nodes import uplink

_SQLITE = b"SQLite format 3\0"
_BESIDE = ("-wal", "-shm")
_CHUNK = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Restored:
    """What was done. `manifest` is None for a bare database file. `kept`: what was there before, under new names."""

    manifest: Manifest | None
    applied: list[str]
    members: list[str]
    kept: list[Path]
    key_missing: bool
    """Whether there is no key file that could open what is sealed."""


def restore(source: IO[bytes], database: Path, state_dir: Path, *, by: By) -> Restored:
    """Replace the database and what belongs to it; no daemon may have it open. HivedError says why nothing was done.

    `source`: an archive of `hivectl backup`, or a bare SQLite file such as one that was set aside.
    """
    with _unpacked(source, database.parent) as (folder, manifest):
        names = sorted(path.name for path in folder.iterdir() if path.name != MANIFEST)
        if DATABASE not in names:
            raise HivedError("there is no database in it")
        fresh = folder / DATABASE
        refuse_foreign(fresh, folder)
        check(fresh)
        keys = folder if SECRET in names else state_dir
        told = {"made_at": manifest and datetime.fromtimestamp(manifest.at, UTC).isoformat(timespec="seconds")}
        applied = make_ready(fresh, keys, partial(_begin_anew, event=Event("database_restored", by["at"], told), by=by))
        places = {name: database if name == DATABASE else state_dir / name for name in names}
        kept = _put(folder, places, database, by["at"]) + _end_alarm(database, by["at"])
    return Restored(manifest, applied, names, kept, not (state_dir / SECRET).exists())


def _begin_anew(db: Database, event: Event, by: By) -> None:
    """Begin another epoch: what this node sent after the copy was made has numbers that are given again from here on.

    Who was logged in then is not; what was revoked since is valid again, which nobody but the operator can know.
    """
    master = uplink.get(db).master_id
    if master is None:
        epoch.new_epoch(db)
    else:
        begin_anew(db, master, by["at"])
    sessions.end_all(db)
    events.add(db, [event])
    audit.note(db, **by, action="database.restore", after=event.detail)


@contextmanager
def _unpacked(source: IO[bytes], beside: Path) -> Iterator[tuple[Path, Manifest | None]]:
    with draft_folder("restore", beside) as folder:
        start = source.read(len(_SQLITE))
        if start == _SQLITE:
            _save(_Rest(start, source).read, folder / DATABASE, None)
            yield folder, None
        else:
            yield folder, _unpack(_Rest(start, source), folder)


def _unpack(source: Any, folder: Path) -> Manifest:
    """Take the known members out of an archive and see that each is what the first one says."""
    known = {DATABASE, *PLAIN, *SECRETS}
    manifest: Manifest | None = None
    try:
        with tarfile.open(fileobj=source, mode="r|") as archive:
            for member in archive:
                file = archive.extractfile(member) if member.isreg() else None
                if file is None or (manifest is None) != (member.name == MANIFEST):
                    raise HivedError("this is no backup of hived")
                if member.name != DATABASE and member.size > MAX_SMALL_BYTES:
                    raise HivedError(f"{member.name[:40]!r} in it is too large")
                if manifest is None:
                    manifest = _manifest(file.read())
                elif member.name not in known or (folder / member.name).exists():
                    raise HivedError(f"there is something in it that does not belong there: {member.name[:40]!r}")
                else:
                    _save(file.read, folder / member.name, member.size)
    except (tarfile.TarError, EOFError) as err:
        raise HivedError(f"this is no whole backup of hived: {err}") from err
    if manifest is None:
        raise HivedError("this is no backup of hived")
    for name, said in manifest.digests.items():
        if name not in known or not (folder / name).exists() or digest(folder / name) != said:
            raise HivedError(f"{name[:40]!r} in it is not what was written: the file is damaged")
    if {path.name for path in folder.iterdir()} != set(manifest.digests):
        raise HivedError("there is something in it that it does not name")
    return manifest


def _manifest(text: bytes) -> Manifest:
    try:
        document: Any = json.loads(text)
        if document["format"] != FORMAT:
            raise HivedError(f"a newer hived made it ({str(document.get('version'))[:40]}): install that version")
        read = Manifest(**document)
        if not isinstance(read.digests, dict) or not isinstance(read.at, int | float):
            raise TypeError(read)
        datetime.fromtimestamp(read.at, UTC)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError, OSError) as err:
        raise HivedError("this is no backup of hived") from err
    return read


def _save(read: Callable[[int], bytes], path: Path, size: int | None) -> None:
    if size is not None:
        need(path.parent, size)
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        while piece := read(_CHUNK):
            file.write(piece)


def _put(folder: Path, places: dict[str, Path], database: Path, at: float) -> list[Path]:
    """Give the new files their names and the old ones others; the database comes last, and with it all is done."""
    stamp = datetime.fromtimestamp(at, UTC).strftime("%Y%m%dT%H%M%SZ")
    kept: list[Path] = []
    order = sorted(places, key=lambda name: name == DATABASE)
    drafts = {name: folder / name for name in order}
    for name, place in places.items():
        if name != DATABASE:  # the state folder may be on another disk, where a name alone does not bring it
            drafts[name] = place.with_name(f".{name}.restored")
            drafts[name].unlink(missing_ok=True)
            shutil.copyfile(folder / name, drafts[name])
        drafts[name].chmod(0o600)
        sync(drafts[name])
    with swap_lock(database, fcntl.LOCK_EX):
        for name in order:
            place = places[name]
            same = place.exists() and name != DATABASE and digest(place) == digest(drafts[name])
            if place.exists() and not same:
                aside = _free(place, f"before-restore-{stamp}")
                os.link(place, aside)
                kept.append(aside)
                if name == DATABASE:
                    for end in _BESIDE:
                        beside = Path(f"{place}{end}")
                        if beside.exists():
                            beside.rename(f"{aside}{end}")
            drafts[name].rename(place)
            sync(place.parent)
    return kept


def _end_alarm(database: Path, at: float) -> list[Path]:
    """Give damaged files that were set aside another name: what was lost with them is back, or is given up."""
    stamp = datetime.fromtimestamp(at, UTC).strftime("%Y%m%dT%H%M%SZ")
    renamed = []
    for one in damage.kept(database):
        aside = _free(one.path, f"before-restore-{stamp}")
        for end in _BESIDE:
            with suppress(FileNotFoundError):
                Path(f"{one.path}{end}").rename(f"{aside}{end}")
        renamed.append(one.path.rename(aside))
    return renamed


def _free(place: Path, word: str) -> Path:
    names = (place.with_name(f"{place.name}.{word}{more}") for more in ("", *(f"-{n}" for n in range(1, 1000))))
    return next(name for name in names if not name.exists())


class _Rest:
    """A stream whose first bytes were read already."""

    def __init__(self, start: bytes, source: IO[bytes]) -> None:
        self._start, self._source = start, source

    def read(self, size: int) -> bytes:
        start, self._start = self._start[:size], self._start[size:]
        return start if len(start) == size else start + self._source.read(size - len(start))
