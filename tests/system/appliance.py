"""One appliance in a folder: its configuration, its database and the real daemons that run on it."""

from __future__ import annotations

import json
import os
import resource
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from hived.store import create
from tests import access, waiting

STOP_S = 5.0  # the promise to the operator
PATIENCE_S = 40.0  # what takes a second or two on an idle machine; the one that tests may be busy

until = partial(waiting.until, within_s=PATIENCE_S)

DAEMONS = ("hive-discoverd", "hive-polld", "hive-controld", "hive-syncd", "hive-alertd", "hive-apid")

_FOREIGN = ("HIVED_", "JOURNAL_STREAM", "NOTIFY_SOCKET", "WATCHDOG_")
"""Variables of whoever runs the tests that would change what a daemon does."""


class Program:
    """A running daemon and what it wrote to standard error."""

    def __init__(self, process: subprocess.Popen[bytes], err: Path) -> None:
        self.process = process
        self._err = err

    @property
    def log(self) -> str:
        return self._err.read_text("utf-8", "replace")

    @property
    def memory_mib(self) -> float:
        """What it has in memory (RSS)."""
        told = Path(f"/proc/{self.process.pid}/status").read_text()
        (line,) = (line for line in told.splitlines() if line.startswith("VmRSS"))
        return int(line.split()[1]) / 1024

    def running(self) -> bool:
        return self.process.poll() is None

    def kill(self) -> None:
        """End it the way a power cut does: nothing of its own runs any more."""
        self.process.kill()
        assert self.process.wait(5) == -signal.SIGKILL, self.log

    def reload(self) -> None:
        self.process.send_signal(signal.SIGHUP)

    async def ended(self, within_s: float = PATIENCE_S) -> int:
        """Return the exit code; the loop goes on meanwhile."""
        await until(lambda: not self.running(), within_s=within_s)
        return self.process.returncode

    async def stop(self, within_s: float = STOP_S) -> float:
        """Ask for the end as systemd does and return the seconds it took; it must be in time and with exit code 0."""
        began = time.monotonic()
        self.process.terminate()
        code = await self.ended(within_s)
        assert code == 0, self.log
        return time.monotonic() - began


class Appliance:
    """Starts daemons on one configuration and one database; `close` ends all that still run."""

    def __init__(self, folder: Path, **sections: dict[str, Any]) -> None:
        self.folder = folder
        self.file = folder / "hived.yaml"
        self.database = folder / "hived.db"
        self.url = f"sqlite:///{self.database}"
        # Tests run side by side on one network: only those of zeroconf speak it, on networks of their own.
        self._sections: dict[str, dict[str, Any]] = {"database": {"url": self.url}, "discoverd": {"zeroconf": False}}
        self._programs: list[Program] = []
        self.configure(**sections)

    def configure(self, **sections: dict[str, Any]) -> None:
        """Write the configuration anew: what is given is added to, or replaces, what was there."""
        for name, options in sections.items():
            self._sections[name] = {**self._sections.get(name, {}), **options}
        lines = [f"{name}: {json.dumps(options)}" for name, options in self._sections.items()]  # JSON is YAML
        self.file.write_text("\n".join(lines) + "\n", "utf-8")

    def migrate(self) -> None:
        """Make the database; the tests' token is valid in it."""
        create(self.url)
        access.admit_into(self.database)

    def start(
        self, name: str, *args: str, most_files: int | None = None, prefix: Sequence[str] = (), **environ: str
    ) -> Program:
        """Start a daemon by its installed command. `most_files`: the hard limit of its open files.

        `prefix`: a command that becomes the daemon, such as `ip netns exec NAME`.
        """
        kept = {key: value for key, value in os.environ.items() if not key.startswith(_FOREIGN)}
        err = self.folder / f"{len(self._programs):02d}-{name}.log"
        with err.open("wb") as sink:
            process = subprocess.Popen(
                [*prefix, str(Path(sys.executable).with_name(name)), "--config", str(self.file), *args],
                env=kept | environ,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=sink,
                preexec_fn=None if most_files is None else partial(_limit_files, most_files),
            )
        self._programs.append(Program(process, err))
        return self._programs[-1]

    def hivectl(self, *args: str, code: int | None = None) -> str:
        """Run hivectl and return all that it says; `code`: what it must exit with."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith(_FOREIGN)}
        ran = subprocess.run(
            [str(Path(sys.executable).with_name("hivectl")), "--config", str(self.file), *args],
            env=kept, capture_output=True, text=True, timeout=PATIENCE_S, check=False,
        )  # fmt: skip
        assert code is None or ran.returncode == code, ran.stdout + ran.stderr
        return ran.stdout + ran.stderr

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """Ask the database, as any other program could; nothing when its tables are not there yet."""
        with closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=5)) as connection:
            return connection.execute(sql, values).fetchall()

    def number(self, sql: str, *values: Any) -> Any:
        """Return the first value of the first row."""
        return self.rows(sql, *values)[0][0]

    def integrity(self) -> str:
        """Open the database for writing, which recovers it after a crash, and return what SQLite finds in it."""
        with closing(sqlite3.connect(self.database, timeout=5)) as connection:
            return str(connection.execute("PRAGMA integrity_check").fetchone()[0])

    def close(self) -> None:
        for program in self._programs:
            if program.running():
                program.process.kill()
            program.process.communicate()


@contextmanager
def appliance_in(folder: Path, **sections: dict[str, Any]) -> Iterator[Appliance]:
    """An appliance with an empty, migrated database; nothing of it runs afterwards."""
    appliance = Appliance(folder, **sections)
    appliance.migrate()
    try:
        yield appliance
    finally:
        appliance.close()


def _limit_files(most: int) -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
