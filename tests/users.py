"""Being somebody whom permissions hold: they hold nobody who is root, as whom the tests may run."""

from __future__ import annotations

import os
import pwd
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

NOBODY = pwd.getpwnam("nobody")

OPEN_PYTHON = next(
    (
        str(python)
        for python in (Path(sys.executable).resolve(), Path(f"/usr/bin/python3.{sys.version_info.minor}"))
        if python.exists() and all(place.stat().st_mode & 0o005 == 0o005 for place in (python, *python.parents))
    ),
    None,
)
"""A Python of this version that every user of this machine may run: one in the home of root is none."""
OPEN_PATH = os.pathsep.join((str(Path(__file__).parent.parent), *(one for one in sys.path if "site-packages" in one)))
"""Its PYTHONPATH, for what these tests run with."""

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="other users and mounts need root: sudo make test")


@contextmanager
def as_nobody() -> Iterator[None]:
    """Be the user nobody, in every thread of this process; whoever is not root stays who they are."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY.pw_uid)
    try:
        yield
    finally:
        os.seteuid(0)
