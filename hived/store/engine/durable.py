"""Small files that must be whole, private, and there after a power cut."""

from __future__ import annotations

import os
import uuid
from pathlib import Path


def keep_once(path: Path, text: str) -> bool:
    """Write a file of mode 0600, whole or not at all, on the disk when this returns; OSError when that fails.

    A file that is there stays: False. Of several processes that begin together one writes it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    descriptor = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            return False
        sync(path.parent)
        return True
    finally:
        draft.unlink()


def sync(path: Path) -> None:
    """Put a file, or the names in a folder, on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
