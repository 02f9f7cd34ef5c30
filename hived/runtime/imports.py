"""What a process of ours loads, and what of its environment must not reach the libraries."""

from __future__ import annotations

import os
import sys


def choose_driver(database_url: str) -> bool:
    """Choose before anything imports peewee; return False when this process has chosen differently already.

    peewee imports psycopg wherever it is installed: 60 % of the time that the store's imports take, and 9 MiB in each
    daemon, on a box that has nothing but SQLite.
    """
    # Python's ssl opens this file for whoever makes a context, which aiohttp does at import; and no key of ours is
    # written anywhere.
    os.environ.pop("SSLKEYLOGFILE", None)
    if not database_url.startswith("sqlite:"):
        return sys.modules.get("psycopg", ...) is not None
    if "peewee" not in sys.modules:
        sys.modules["psycopg"] = None  # type: ignore[assignment]  # "there is none", as the import system spells it
    return True
