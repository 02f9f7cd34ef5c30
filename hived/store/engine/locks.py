"""Files beside a SQLite database that are locked, and hold nothing: who has it open, and who puts another in its place.

Not the database itself: SQLite's own locks on it would be lost with the first descriptor that a process closes.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def swap_lock(path: Path, how: int) -> Iterator[None]:
    """Keep a database from being opened while it is replaced: shared by who opens it, alone for who replaces it.

    SQLite has a log beside the file, found by name: that of the old file must not be taken for the new one's.
    """
    try:
        descriptor = _open(swap_name(path))
    except OSError:
        yield  # this user may not write here, so the opening itself says what is wrong
        return
    try:
        fcntl.flock(descriptor, how)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def in_use(path: Path, *, alone: bool = False) -> Iterator[bool]:
    """Say to others that a daemon works on a database, or, alone, that none may; False when others are in the way."""
    try:
        descriptor = _open(path.with_name(f".{path.name}.daemons"))
    except OSError:
        if alone:
            raise
        yield True
        return
    try:
        try:
            fcntl.flock(descriptor, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(descriptor)


@contextmanager
def only_one(lock: Path) -> Iterator[bool]:
    """Hold a lock that one process can have at a time; False when another has it. It goes with the process."""
    descriptor = _open(lock)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(descriptor)


def swap_name(path: Path) -> Path:
    """Return the file that `swap_lock` locks."""
    return path.with_name(f".{path.name}.lock")


def _open(lock: Path) -> int:
    return os.open(lock, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
