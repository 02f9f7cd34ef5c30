"""A damaged file is kept, a new database takes its place; whatever is only locked, full or closed stays where it is."""

from __future__ import annotations

import logging
import os
import sqlite3
import stat
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from hived.errors import Damaged, HivedError, Replaced, SchemaMismatch, Transient
from hived.records.events import Event
from hived.store import Store, create, database_of, events, integrity
from hived.store.engine.damage import AT_MOST, kept, replace
from hived.store.engine.node_id import node_id
from hived.store.engine.opening import opened
from hived.store.engine.sqlite import file_of
from hived.store.miners import discovery
from tests.interrupted import interrupted

NOW = 1_790_000_000.0
GARBAGE = b"this is no database, whatever its name says\n" * 400


@pytest.fixture
def path(tmp_path: Path) -> Path:
    create(f"sqlite:///{tmp_path / 'hived.db'}")
    return tmp_path / "hived.db"


def overwrite_the_middle(path: Path) -> None:
    """Leave the first page, with the names of all tables, and nothing that can be read after it."""
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom(size - 4096))


def told(path: Path) -> list[tuple[str, dict[str, object]]]:
    database = database_of(f"sqlite:///{path}")
    with database.session():
        found = [(event.kind, event.detail) for event in events.newest(database)]
    database.shut()
    return found


def test_the_damaged_file_is_kept_whole_under_the_time_and_a_new_one_has_its_name(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path.write_bytes(GARBAGE)
    Path(f"{path}-wal").write_bytes(b"its log")
    with caplog.at_level(logging.ERROR):
        said = replace(path, file_of(path), None, why="file is not a database", now=NOW)
    aside = path.with_name("hived.db.damaged-20260921T141320Z")
    assert aside.read_bytes() == GARBAGE
    assert Path(f"{aside}-wal").read_bytes() == b"its log"
    assert integrity(f"sqlite:///{path}") == "ok"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert told(path) == [("database_replaced", {"kept": aside.name, "reason": "file is not a database"})]
    assert aside.name in said
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert "hivectl restore FILE" in caplog.text
    (one,) = kept(path)
    assert (one.path, one.at) == (aside, NOW)
    assert one.bytes >= len(GARBAGE) + len(b"its log")
    assert sorted(one.name for one in path.parent.iterdir() if "new" in one.name) == []


def test_of_five_that_meet_it_at_once_one_replaces_it(path: Path) -> None:
    path.write_bytes(GARBAGE)
    was = file_of(path)
    with ThreadPoolExecutor(5) as pool:
        said = list(pool.map(lambda n: replace(path, was, None, why="not a database", now=NOW + n), range(5)))
    assert len(kept(path)) == 1
    assert sum("is kept as" in one for one in said) == 1
    assert [kind for kind, _ in told(path)] == ["database_replaced"]


def test_a_file_that_is_whole_after_all_stays(path: Path) -> None:
    with pytest.raises(HivedError, match="a check finds nothing wrong"):
        replace(path, file_of(path), None, why="database disk image is malformed", now=NOW)
    assert kept(path) == []


def test_with_one_more_in_a_day_it_is_the_disk(path: Path) -> None:
    for n in range(AT_MOST):
        path.write_bytes(GARBAGE)
        replace(path, file_of(path), None, why="", now=NOW + n)
    path.write_bytes(GARBAGE)
    with pytest.raises(HivedError, match="the disk fails"):
        replace(path, file_of(path), None, why="", now=NOW + 60)
    assert path.read_bytes() == GARBAGE
    replace(path, file_of(path), None, why="", now=NOW + 2 * 86_400)
    assert len(kept(path)) == AT_MOST + 1


def test_two_of_one_second_are_both_kept(path: Path) -> None:
    for _ in range(2):
        path.write_bytes(GARBAGE)
        replace(path, file_of(path), None, why="", now=NOW)
    assert [one.path.name for one in kept(path)] == [f"hived.db.damaged-20260921T141320Z{n}" for n in ("-1", "")]


async def test_a_page_that_is_damaged_while_a_daemon_runs_ends_its_work(path: Path) -> None:
    url = f"sqlite:///{path}"

    async def daemon() -> None:
        async with opened(url, clock=lambda: NOW) as store:
            await store.write(events.add, [Event("miner_found", NOW) for _ in range(2000)])
            with closing(sqlite3.connect(path)) as other:
                other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            overwrite_the_middle(path)
            with pytest.raises(Damaged):
                await store.read(integrity_of)
            assert store.damage is not None
            await store.write(discovery.start_sweep, NOW)  # what is not damaged is not touched any more either

    with pytest.raises(Damaged) as caught:
        await daemon()
    assert caught.value.mend is not None
    assert "is kept as" in caught.value.mend()
    async with opened(url) as store:
        assert len(await store.read(discovery.sweeps)) == 0


def integrity_of(db: object) -> None:
    for _ in db.execute_sql("SELECT * FROM event ORDER BY id DESC"):  # type: ignore[attr-defined]
        pass


async def test_whoever_has_the_old_file_open_is_told(path: Path) -> None:
    async def daemon() -> None:
        async with opened(f"sqlite:///{path}") as store:
            await store.write(discovery.start_sweep, NOW)
            overwrite_the_middle(path)
            replace(path, file_of(path), None, why="", now=NOW)
            await store.write(discovery.start_sweep, NOW)

    with pytest.raises(Replaced, match="another file"):
        await daemon()


async def test_a_log_of_the_old_file_is_not_taken_for_the_new_ones(path: Path) -> None:
    async with Store.open(f"sqlite:///{path}") as store:
        with closing(sqlite3.connect(path)) as other:
            other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        await store.write(discovery.start_sweep, NOW)
        with path.open("r+b") as file:
            file.write(b"\0" * 100)
        replace(path, file_of(path), None, why="", now=NOW)
        assert [kind for kind, _ in told(path)] == ["database_replaced"]
    assert [kind for kind, _ in told(path)] == ["database_replaced"]  # nor by whoever had it open and closes it


@pytest.mark.parametrize("lived", [True, False])
async def test_an_empty_file_is_damaged_where_a_node_has_lived(path: Path, lived: bool) -> None:
    os.truncate(path, 0)
    if lived:
        node_id(path.parent)
    with pytest.raises(Damaged if lived else SchemaMismatch) as caught:
        async with opened(f"sqlite:///{path}", clock=lambda: NOW):
            pass
    if lived:
        assert isinstance(caught.value, Damaged)
        assert caught.value.mend is not None
        caught.value.mend()
        assert kept(path)[0].bytes == 0


async def test_a_locked_a_newer_and_a_missing_database_are_not_replaced(path: Path) -> None:
    url = f"sqlite:///{path}"
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        async with opened(url) as store:
            with pytest.raises(Transient, match="locked"):
                await store.write(discovery.start_sweep, NOW)
        other.execute("ROLLBACK")
        other.execute("INSERT INTO schema_migration (name, applied) VALUES ('9999_from_the_future', '2030-01-01')")
    with pytest.raises(SchemaMismatch, match="newer hived"):
        async with opened(url):
            pass
    os.unlink(path)  # noqa: PTH108 - one file of a test
    with pytest.raises(SchemaMismatch, match="there is no database"):
        async with opened(url):
            pass
    assert kept(path) == []


@pytest.mark.parametrize("step", range(4))
def test_cut_off_at_any_step_there_is_a_database_and_the_next_start_ends_it(
    path: Path, step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    path.write_bytes(GARBAGE)
    Path(f"{path}-wal").write_bytes(b"its log")
    with interrupted(monkeypatch, step) as cut_off:
        replace(path, file_of(path), None, why="", now=NOW)
    if cut_off():
        assert path.read_bytes() == GARBAGE
        replace(path, file_of(path), None, why="", now=NOW + 1)
    assert integrity(f"sqlite:///{path}") == "ok"
    assert all(one.path.read_bytes() == GARBAGE for one in kept(path))
    assert any(Path(f"{one.path}-wal").exists() for one in kept(path))
