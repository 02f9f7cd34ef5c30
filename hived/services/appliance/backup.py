"""One file that brings a node back: its database, its id and, unless one leaves them out, its keys.

A tar archive. The first member says what the others are. With the keys it opens every miner of the site and is read by
its owner alone; without them it is harmless to keep anywhere, but each miner is unlocked anew after a restore, and the
master joined anew. The configuration is not in it: it is the operator's, in /etc/hived.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from hived.errors import HivedError
from hived.runtime.disk import room
from hived.runtime.outlet import Outlet
from hived.services.appliance.certificates import CERT_NAME, KEY_NAME
from hived.store.engine.node_id import NAME as NODE_ID
from hived.store.engine.secret_box import NAME as SECRET
from hived.store.engine.snapshot import copy

MANIFEST, DATABASE = "backup.json", "hived.db"
FORMAT = 1
PLAIN, SECRETS = (NODE_ID,), (SECRET, CERT_NAME, KEY_NAME)
MAX_SMALL_BYTES = 256 * 1024
"""More than any member but the database takes."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an archive holds. `digests`: SHA-256 of each member by name."""

    format: int
    version: str
    at: float
    node_id: str
    name: str
    keys: bool
    digests: dict[str, str]


@dataclass(frozen=True, slots=True)
class Made:
    """A backup that was written."""

    bytes: int
    database_bytes: int
    members: list[str]


def make(
    database: Path, state_dir: Path, out: Outlet | IO[bytes], *, version: str, at: float, node_id: str, name: str,
    keys: bool = True,
) -> Made:  # fmt: skip
    """Write a backup while everything runs; a file is there whole or not at all. HivedError says why it is not.

    `out`: the file, replaced when it exists, or where to write to. The copy of the database, which is looked at before
    it is packed, is made beside the file where this process may, else beside the database.
    """
    if not database.exists():
        raise HivedError(f"there is no database at {database}")
    beside = [out.path.parent] if isinstance(out, Outlet) else []
    with draft_folder("backup", *beside, database.parent) as draft:
        need(draft, 2 * database.stat().st_size if draft.parent in beside else database.stat().st_size)
        copied = draft / DATABASE
        size = copy(database, copied)
        members = {DATABASE: copied}
        for one in (*PLAIN, *(SECRETS if keys else ())):
            if (state_dir / one).exists():
                members[one] = state_dir / one
        digests = {one: digest(path) for one, path in members.items()}
        manifest = Manifest(FORMAT, version, at, node_id, name, keys, digests)
        counted = _Counted(out.stream if isinstance(out, Outlet) else out)
        _write(counted, manifest, members, at)
        if isinstance(out, Outlet):
            out.finish()
    return Made(counted.bytes, size, sorted(members))


def digest(path: Path) -> str:
    """Return the SHA-256 of a file, hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write(out: Any, manifest: Manifest, members: dict[str, Path], at: float) -> None:
    text = json.dumps(asdict(manifest), indent=1).encode()
    with tarfile.open(fileobj=out, mode="w|", format=tarfile.PAX_FORMAT) as archive:
        archive.addfile(_member(MANIFEST, len(text), at), io.BytesIO(text))
        for name, path in members.items():
            with path.open("rb") as file:
                archive.addfile(_member(name, os.fstat(file.fileno()).st_size, at), file)


def _member(name: str, size: int, at: float) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size, member.mode, member.mtime = size, 0o600, int(at)
    return member


@contextmanager
def draft_folder(what: str, *folders: Path) -> Iterator[Path]:
    """A folder of our own in the first of these where this process may write."""
    made = None
    for folder in folders:
        try:
            made = Path(tempfile.mkdtemp(prefix=f".hived-{what}-", dir=folder))
            break
        except OSError as err:
            why = err
    if made is None:
        raise HivedError(f"cannot write in {folder}: {why.strerror}") from why
    try:
        yield made
    finally:
        shutil.rmtree(made)


def need(folder: Path, size: int) -> None:
    """See that a folder of drafts has room for so many bytes more. HivedError says how much is missing."""
    free = room(folder)
    if free is not None and free < size + MAX_SMALL_BYTES:
        raise HivedError(f"{folder.parent} has {free:,} bytes left, and {size:,} are needed")


class _Counted:
    def __init__(self, out: IO[bytes]) -> None:
        self._out, self.bytes = out, 0

    def write(self, data: bytes) -> int:
        self.bytes += len(data)
        return self._out.write(data)
