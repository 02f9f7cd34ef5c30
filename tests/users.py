"""Being somebody whom permissions hold: they hold nobody who is root, as whom the tests may run."""

from __future__ import annotations

import os
import pwd
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

NOBODY = pwd.getpwnam("nobody")

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
