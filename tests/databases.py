"""Databases of both kinds for tests: SQLite files and a private PostgreSQL server, each test with one of its own.

A test that asks for the fixture `databases` (or for `url`, `store` and what is built on them) runs once on each kind.
One that is about the SQLite file itself carries `@pytest.mark.sqlite_only("why")`.
"""

from __future__ import annotations

import ctypes
import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
import pytest

from hived.store import create
from hived.store.engine.secret_box import NAME as KEY_FILE

KINDS = ("sqlite", "postgresql")
MISSING = "PostgreSQL is not installed, its tests are skipped: apt install postgresql"
MEMORY = Path("/dev/shm")
ROOM_BYTES = 1 << 30  # a cluster and a few databases take a tenth of it
START_S = 60.0
_PR_SET_PDEATHSIG = 1
_SETTINGS = {
    "fsync": "off", "full_page_writes": "off",  # a test's database need not survive a power cut
    "listen_addresses": "", "max_connections": "60", "shared_buffers": "32MB", "autovacuum": "off",
    "wal_level": "minimal", "deadlock_timeout": "50ms", "max_wal_senders": "0", "log_min_messages": "fatal",
}  # fmt: skip
_HBA = "local all guest scram-sha-256\nlocal all all trust\n"

Fill = Callable[[str], None]


def programs() -> Path | None:
    """Return the folder of PostgreSQL's server programs, the newest of several; None when it is not installed."""
    found = shutil.which("initdb")
    folders = [Path(found).parent] if found else []
    debian = Path("/usr/lib/postgresql")
    folders += sorted(debian.glob("*/bin"), key=lambda path: int(path.parent.name), reverse=True)
    return next((folder for folder in folders if (folder / "initdb").exists()), None)


class Cluster:
    """A PostgreSQL server of our own, on a socket in a folder of its own."""

    def __init__(self, folder: Path, bin_folder: Path, *, durable: bool = False) -> None:
        """`durable`: what was committed survives a power cut, as it would for a user."""
        self.folder, self._bin = folder, bin_folder
        self._settings = _SETTINGS | {"unix_socket_directories": str(folder)}
        if durable:
            self._settings |= {"fsync": "on", "full_page_writes": "on", "autovacuum": "on"}
        self._names = itertools.count(1)
        self._templates: set[str] = set()
        self._server: subprocess.Popen[bytes] | None = None
        self._identity: dict[str, Any] = {}
        if os.geteuid() == 0:  # it refuses to run as root
            user = next(name for name in ("postgres", "nobody") if _user(name) is not None)
            self._identity = {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": ()}
            shutil.chown(folder, user)
        folder.chmod(0o755)
        subprocess.run(
            [bin_folder / "initdb", "-D", folder / "data", "-U", "admin", "-A", "trust", "-N", "-E", "UTF8",
             "--locale=C.UTF-8", "--no-instructions"],
            check=True, stdout=subprocess.DEVNULL, cwd=folder, **self._identity,
        )  # fmt: skip
        (folder / "data" / "pg_hba.conf").write_text(_HBA)
        self.start()
        ((version,),) = self.admin("SHOW server_version_num")
        # Copying files is fastest in memory; on a disk it waits for two checkpoints.
        self._strategy = " STRATEGY FILE_COPY" if int(version) >= 150_000 and MEMORY in folder.parents else ""
        self.admin("CREATE ROLE hived LOGIN")
        self.admin("CREATE ROLE guest LOGIN PASSWORD 'geheim'")

    def url(self, name: str, user: str = "hived") -> str:
        return f"postgresql://{user}@{quote(str(self.folder), safe='')}/{name}"

    def admin(self, statement: str, database: str = "postgres") -> list[Any]:
        """Run a statement as the administrator and return its rows."""
        with psycopg.connect(self.url(database, "admin"), autocommit=True) as connection:
            ran = connection.execute(statement)
            return list(ran.fetchall()) if ran.description else []

    def start(self) -> None:
        """Start the server. On the main thread: it ends with the thread that started it."""
        self._server = subprocess.Popen(
            [self._bin / "postgres", "-D", self.folder / "data", *(f"--{k}={v}" for k, v in self._settings.items())],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=self.folder, preexec_fn=_end_with_us,
            **self._identity,
        )  # fmt: skip
        deadline = time.monotonic() + START_S
        while True:
            try:
                self.admin("SELECT 1")
            except psycopg.OperationalError:
                assert self._server.poll() is None, "the PostgreSQL server ended"
                assert time.monotonic() < deadline, "the PostgreSQL server does not answer"
                time.sleep(0.02)
            else:
                return

    def stop(self) -> None:
        """End the server at once; what was committed is kept."""
        if self._server is not None:
            self._server.send_signal(signal.SIGQUIT)
            self._server.wait(30)
            self._server = None

    def cut(self, name: str) -> int:
        """End every connection to a database; return how many there were."""
        ended = self.admin(f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{name}'")
        return len(ended)

    def empty(self) -> str:
        """Return the name of a new database without tables."""
        name = f"t{next(self._names)}"
        self.admin(f"CREATE DATABASE {name} OWNER hived")
        return name

    def copy(self, template: str, fill: Callable[[str], None]) -> str:
        """Return the name of a new copy of a template, which `fill` makes the first time."""
        if template not in self._templates:
            self.admin(f"CREATE DATABASE {template} OWNER hived")
            fill(self.url(template))
            self.cut(template)
            self._templates.add(template)
        name = f"t{next(self._names)}"
        self.admin(f"CREATE DATABASE {name} TEMPLATE {template} OWNER hived{self._strategy}")
        return name

    def drop(self, name: str) -> None:
        self.admin(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@dataclass
class Databases:
    """What makes databases of one kind for one test. `folder` is also where its key file is."""

    kind: str
    folder: Path
    templates: Path
    """A folder for the whole session; its key file is the templates'."""
    cluster: Cluster | None

    def __post_init__(self) -> None:
        self.made: list[str] = []
        self.files = 0
        self.url = ""
        """The one made last."""

    def make(self, template: str = "fresh", fill: Fill | None = None) -> str:
        """Return the URL of a new database: migrated, and filled by `fill(url)`, which runs once in a session."""

        def first(url: str) -> None:
            create(url, self.templates)
            if fill is not None:
                fill(url)

        if self.cluster is None:
            path = self.templates / f"{template}.db"
            if not path.exists():
                first(f"sqlite:///{path}")
            self.files += 1
            file = self.folder / ("hived.db" if self.files == 1 else f"hived-{self.files}.db")
            shutil.copy(path, file)
            url = f"sqlite:///{file}"
        else:
            self.made.append(self.cluster.copy(template, first))
            url = self.cluster.url(self.made[-1])
        if (self.templates / KEY_FILE).exists():
            shutil.copy(self.templates / KEY_FILE, self.folder)
        self.url = url
        return url

    def bare(self) -> str:
        """Return the URL of a database that was not migrated; of SQLite not even the file is there."""
        if self.cluster is None:
            return f"sqlite:///{self.folder / 'hived.db'}"
        self.made.append(self.cluster.empty())
        return self.cluster.url(self.made[-1])

    def contents(self) -> bytes:
        """Return all that the databases of this test hold: the files of SQLite, the rows of PostgreSQL."""
        if self.cluster is None:
            return b"".join(path.read_bytes() for path in self.folder.iterdir() if path.name.startswith("hived.db"))
        found = b""
        for name in self.made:
            for (table,) in self.cluster.admin("SELECT tablename FROM pg_tables WHERE schemaname = 'public'", name):
                found += b"".join(
                    str(row).encode() for row in self.cluster.admin(f'SELECT t::text FROM "{table}" t', name)
                )
        return found

    def close(self) -> None:
        for name in self.made:
            assert self.cluster is not None
            self.cluster.drop(name)


def start_cluster() -> Cluster:
    """Return a running server; skips the test where PostgreSQL is not installed."""
    found = programs()
    if found is None:
        pytest.skip(MISSING)
    in_memory = MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ROOM_BYTES
    return Cluster(Path(tempfile.mkdtemp(prefix="hived-pg-", dir=MEMORY if in_memory else None)), found)


def _end_with_us() -> None:
    """Let the server end when the test program is killed."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGQUIT)


def _user(name: str) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None
