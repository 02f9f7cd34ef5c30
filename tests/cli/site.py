"""A small site in a real database, and hivectl at work on it."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

import pytest

from hived.cli.main import main
from hived.clients.firmwares.vnish.family import Vnish
from hived.records.daemon import DaemonRow
from hived.records.discovery import OtherDevice, Sweep
from hived.records.events import Event
from hived.records.firmware import listed
from hived.records.miner import (
    ChipReading,
    FanReading,
    HashboardChips,
    HashboardReading,
    MinerIdentity,
    MinerSettings,
    ModelInfo,
    PoolReading,
    Preset,
)
from hived.records.miner_view import PollOutcome, StoredStatus
from hived.store import Database, create, daemon_rows, database_of, events
from hived.store.miners import discovery, miners, models, readings, settings
from tests.clock import FakeClock

P = ParamSpec("P")
T = TypeVar("T")

MINUTE = 60.0
HOUR = 3600.0
DAY = 86_400.0


def mac(number: int) -> str:
    return f"02:0e:7e:00:00:{number:02x}"


@dataclass(frozen=True)
class Ran:
    """What one run of hivectl came to."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()

    @property
    def document(self) -> Any:
        return json.loads(self.out)

    def row(self, word: str) -> str:
        """The only line that holds a word."""
        (line,) = [line for line in self.lines if word in line]
        return line


class Terminal(io.StringIO):
    """A standard output that says it is a terminal."""

    def isatty(self) -> bool:
        return True


class Site:
    """hivectl with a configuration and a database of its own, at a time that only the test moves."""

    def __init__(
        self, folder: Path, clock: FakeClock, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.folder, self.clock = folder, clock
        self._capsys, self._monkeypatch = capsys, monkeypatch
        self._database: Database | None = None
        self.path = folder / "hived.db"
        self.server_url: str | None = None
        """Of a PostgreSQL database, instead of the file."""
        self.keys = folder
        """Where the key file is."""
        self.config = folder / "hived.yaml"
        self.configure("network: {subnets: [192.168.7.0/24]}")

    @property
    def url(self) -> str:
        return self.server_url or f"sqlite:///{self.path}"

    @property
    def now(self) -> float:
        return self.clock()

    def configure(self, text: str) -> None:
        """Write the configuration; the database and the node's name are added."""
        state = f", state_dir: '{self.folder}'" if self.server_url else ""
        self.config.write_text(
            f"{text}\ndatabase: {{url: '{self.url}'}}\nnode: {{name: shed, site: North field{state}}}\n"
        )

    def create(self) -> Site:
        """Make the file."""
        create(self.url)
        return self

    def use(self, url: str, keys: Path | None = None) -> Site:
        """Take another database."""
        self.close()
        self.server_url, self.keys = None if url == f"sqlite:///{self.path}" else url, keys or self.folder
        self.configure("network: {subnets: [192.168.7.0/24]}")
        return self

    def close(self) -> None:
        """Let go of the database."""
        if self._database is not None:
            self._database.shut()
            self._database = None

    def write(self, fn: Callable[Concatenate[Database, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a verb of the store; the connection stays open, as a daemon's does beside hivectl."""
        if self._database is None:
            self._database = database_of(self.url, self.keys)
        with self._database.session(), self._database.transact("write"):
            return fn(self._database, *args, **kwargs)

    def run(self, *argv: str) -> Ran:
        """Run hivectl with its output in a pipe."""
        code = main([*argv, "--config", str(self.config)], clock=self.clock)
        captured = self._capsys.readouterr()
        return Ran(code, self._short(captured.out), self._short(captured.err))

    def watch(self, *argv: str, columns: int, env: dict[str, str] | None = None) -> Ran:
        """Run hivectl with its output on a terminal of so many columns."""
        terminal = Terminal()
        with self._monkeypatch.context() as patched:
            for name, value in {"NO_COLOR": "1", "TERM": "xterm", **(env or {})}.items():
                patched.setenv(name, value)
            patched.setenv("COLUMNS", str(columns))
            patched.setattr("sys.stdout", terminal)
            code = main([*argv, "--config", str(self.config)], clock=self.clock)
        return Ran(code, self._short(terminal.getvalue()), self._short(self._capsys.readouterr().err))

    def _short(self, text: str) -> str:
        """The folder bears the test's name: no test must find its words there."""
        return text.replace(str(self.folder), "SITE")

    # -- what the site consists of ---------------------------------------------------------------------------------

    def daemon(self, name: str, *, beat_ago: float = 4.0, said: str = "60 polls, 0 failed", version: str = "") -> None:
        from hived import __version__

        started = self.now - HOUR - beat_ago
        row = DaemonRow(name, 4242, version or __version__, started, self.now - beat_ago, said)
        self.write(daemon_rows.save_daemon, row)

    def daemons(self) -> None:
        self.daemon("hive-discoverd", said="4 miners at 254 addresses in 0.4 s")
        self.daemon("hive-polld")
        self.daemon("hive-controld", said="nothing to do")
        self.daemon("hive-minerd")
        self.daemon("hive-syncd", said="no master yet")
        self.daemon("hive-alertd", said="no alert is open")

    def miner(
        self, number: int, *, key: bool = True, hostname: str | None = None, alias: str = "s19jpro",
        firmware_version: str = "1.2.6",
    ) -> int:  # fmt: skip
        """Let a miner be found at 192.168.7.<number>; return its number in the database."""
        names = {"s19jpro": "Antminer S19j Pro", "s21": "Antminer S21"}
        identity = MinerIdentity(
            mac(number), names[alias], alias, firmware_version=firmware_version, platform="bb",
            hostname=f"rack1-{number}" if hostname is None else hostname,
        )  # fmt: skip
        sighting = miners.Sighting(identity, f"192.168.7.{number}", self.now, "vnish", listed(Vnish.can))
        num = self.write(miners.saw, sighting, node_id="n1").num
        if key:
            self.write(miners.keep_access, num, "k" * 32, self.now)
        return num

    def status(self, num: int, *, ago: float = 5.0, **changes: Any) -> None:
        """Let a miner be polled."""
        at = self.now - ago
        fields: dict[str, Any] = {
            "state": "mining", "preset": "3080", "hashrate_hs": 104.4e12, "average_hashrate_hs": 104.0e12,
            "expected_hashrate_hs": 106.0e12, "power_w": 3090.0, "reported_power_w": 3090.0, "state_s": 7 * HOUR,
            "chip_temp_max_c": 71.0, "pcb_temp_max_c": 60.0, "fan_duty_percent": 80.0,
            "fans": (FanReading(0, 4200, 6000, "ok"), FanReading(1, 4180, 6000, "ok")),
            "hashboards": (board(1), board(2)),
            "pools": (
                PoolReading(0, "stratum+tcp://pool.example.com:3333", "farm.worker01", status="active", accepted=1234),
                PoolReading(2, "DevFee", "DevFee", kind="devfee", status="working"),
            ),
        }  # fmt: skip
        told = StoredStatus(num=num, at=at, **(fields | changes))
        self.write(readings.save, [PollOutcome(num, at, status=told)])

    def chips(self, num: int, *, ago: float = 5.0) -> None:
        at = self.now - ago
        boards = (
            HashboardChips(1, "mining", chips=(ChipReading(0, 4.2e11, 500.0, 13_000.0, 68.0, 3, "grey", False),)),
        )
        self.write(readings.save, [PollOutcome(num, at, boards=boards)])

    def poll_failed(self, num: int, error: str, *, code: str | None = "timeout", ago: float = 5.0) -> None:
        outcome = PollOutcome(num, self.now - ago, error=error, error_code=code, failed=True)
        self.write(readings.save, [outcome])

    def sweep(self, *, ago: float = 12.0, **changes: Any) -> None:
        number = self.write(discovery.start_sweep, self.now - ago - 0.4)
        counts = {"addresses": 254, "responders": 4, "miners": 4} | changes
        self.write(discovery.save_sweep, number, Sweep(self.now - ago - 0.4, self.now - ago, **counts))

    def other_device(self, number: int, kind: str, reason: str = "answers, but not with JSON") -> None:
        self.write(discovery.save_other_device, OtherDevice(f"192.168.7.{number}", kind, reason, self.now, self.now))

    def event(self, kind: str, num: int | None, *, ago: float = 30.0, **detail: Any) -> None:
        self.write(events.add, [Event(kind, self.now - ago, detail, num=num)])

    def model(self, alias: str = "s19jpro", name: str = "Antminer S19j Pro") -> None:
        steps = (("2300", 2300.0, 87e12), ("3080", 3080.0, 104e12), ("Turbo", 3580.0, 114e12))
        ladder = [Preset("disabled"), *(Preset(*step) for step in steps)]
        self.write(models.save, ModelInfo(alias, name, 126, 3, ((0, 1, 2), (3, -1, 4))), ladder, "1.2.6", self.now)

    def settings(self, num: int, url: str, *, ago: float = 0.0) -> None:
        document = {"pools": [{"url": url, "user": "farm.worker01"}], "requested_preset": "3080"}
        self.write(settings.save, num, MinerSettings(document), self.now - ago, due_at=None)


def board(index: int, **changes: Any) -> HashboardReading:
    fields: dict[str, Any] = {
        "state": "mining", "hashrate_hs": 52.2e12, "expected_hashrate_hs": 53e12, "power_w": 1500.0,
        "voltage_mv": 13_210.0, "frequency_mhz": 545.0, "pcb_temp_min_c": 48.0, "pcb_temp_max_c": 60.0,
        "chip_temp_min_c": 55.0, "chip_temp_max_c": 71.0, "hardware_errors": 17, "chips_grey": 125, "chips_orange": 1,
        "chips_red": 0,
    }  # fmt: skip
    return HashboardReading(index, **(fields | changes))
