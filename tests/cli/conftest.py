"""The sites that hivectl is tried on."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hived.records.miner import FanReading
from hived.store.miners import miners
from tests.cli.site import MINUTE, Site
from tests.clock import FakeClock
from tests.databases import Databases


@pytest.fixture
def make(
    clock: FakeClock, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[Path], Site]]:
    """Return a way to a configuration without a database in a folder."""
    for name in ("HIVED_CONFIG", "DATABASE_URL", "NODE_ID", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    made: list[Site] = []

    def site(folder: Path) -> Site:
        made.append(Site(folder, clock, capsys, monkeypatch))
        return made[-1]

    yield site
    for one in made:
        one.close()


@pytest.fixture
def bare(tmp_path: Path, make: Callable[[Path], Site]) -> Site:
    """A configuration without a database; the file it names is a SQLite one."""
    return make(tmp_path)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user may enter; those of pytest are for their owner alone."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture
def empty(bare: Site, databases: Databases) -> Site:
    """A migrated database with nothing in it; as all that follow on both kinds."""
    return bare.use(databases.make())


Filler = Callable[[Site], None]


@pytest.fixture
def filled(bare: Site, databases: Databases) -> Callable[[Filler], Site]:
    """Return a way to a filled database: each filler works once in a session, then its result is copied."""

    def fill(filler: Filler) -> Site:
        def first(url: str) -> None:
            filler(bare.use(url, databases.templates))
            bare.close()  # what was written is in the one file then

        return bare.use(databases.make(f"cli_{filler.__name__}", first))

    return fill


def healthy(site: Site) -> None:
    site.daemons()
    site.model()
    for number in (1, 2, 9, 10):
        site.status(site.miner(number))
    site.sweep()


def troubled(site: Site) -> None:
    healthy(site)
    site.poll_failed(site.miner(20), "no answer within 5 s")
    site.status(site.miner(21), state="failure", hashrate_hs=0.0, expected_hashrate_hs=0.0, power_w=0.0)
    site.write(miners.missed, [site.miner(22)], site.now, offline_after=1)
    site.status(site.miner(23), ago=2 * MINUTE)
    fans = (FanReading(0, 4000, 6000, "ok"), FanReading(1, 0, 6000, "lost"))
    site.status(site.miner(24, alias="s21", hostname="roof"), fans=fans, hashrate_hs=190e12, chip_temp_max_c=82.0)


@pytest.fixture
def site(filled: Callable[[Filler], Site]) -> Site:
    """Both daemons run; four healthy miners of one model, polled 5 s ago, and a sweep 12 s ago."""
    return filled(healthy)


@pytest.fixture
def mixed(filled: Callable[[Filler], Site]) -> Site:
    """Beside the four healthy ones: 20 failing, 21 in failure, 22 offline, 23 silent, 24 (an S21) lost a fan."""
    return filled(troubled)
