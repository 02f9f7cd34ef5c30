"""The power goes between two steps of something that gives files new names."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest


@contextmanager
def interrupted(monkeypatch: pytest.MonkeyPatch, step: int) -> Iterator[Callable[[], bool]]:
    """End the block at its rename or link number `step`, from 0; yield what tells whether that happened."""
    left, renames, link = [step], Path.rename, os.link

    def count() -> None:
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt

    def rename(self: Path, target: Path) -> Path:
        count()
        return renames(self, target)

    def linked(source: Path, target: Path) -> None:
        count()
        link(source, target)

    with monkeypatch.context() as patched, suppress(KeyboardInterrupt):
        patched.setattr(Path, "rename", rename)
        patched.setattr(os, "link", linked)
        yield lambda: left[0] < 0
