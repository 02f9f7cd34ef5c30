"""The file, its schema, and what goes wrong with both."""

from __future__ import annotations

import asyncio
import sqlite3
import stat
from pathlib import Path
from typing import Any

import pytest

from hived.errors import HivedError, SchemaMismatch, Transient
from hived.records.discovery import OtherDevice
from hived.records.miner import MinerIdentity, MinerSettings, ModelInfo, Preset
from hived.store import Store, create, database_of, integrity
from hived.store.engine import database as room
from hived.store.engine import sqlite
from hived.store.engine.node_id import node_id
from hived.store.miners import discovery, miners, models, settings
from hived.store.miners.settings import KEEP_VERSIONS
from hived.store.schema import TABLES
from tests.databases import Databases


def path_of(url: str) -> Path:
    return Path(url.removeprefix("sqlite:///"))


def run(url: str, statement: str) -> None:
    """Change a database behind the program's back."""
    database = database_of(url)
    with database.session():
        database.execute_sql(statement)
    database.shut()


def test_a_new_database_is_whole_and_made_once(url: str) -> None:
    assert create(url) == []
    assert integrity(url) == "ok"


@pytest.mark.sqlite_only("a PostgreSQL server syncs each commit, unless it is told not to")
async def test_a_commit_is_on_the_disk_when_it_returns(url: str) -> None:
    """What SQLite was told; that it does so is shown with a machine whose power goes, in tests/appliance."""
    async with Store.open(url) as store:
        assert await store.write(lambda db: db.execute_sql("PRAGMA synchronous").fetchone()[0]) == 2


@pytest.mark.sqlite_only("a PostgreSQL server keeps its own files")
def test_a_new_file_is_private(tmp_path: Path) -> None:
    create(f"sqlite:///{tmp_path / 'hived.db'}")
    assert stat.S_IMODE((tmp_path / "hived.db").stat().st_mode) == 0o600


def test_the_migrations_make_the_tables_that_the_program_uses(url: str) -> None:
    database = database_of(url)
    with database.session():
        for table in TABLES:
            columns = {field.column_name for field in table._meta.sorted_fields}
            assert {found.name for found in database.get_columns(table._meta.table_name)} == columns
        assert {table._meta.table_name for table in TABLES} | {"schema_migration"} == set(database.get_tables())
    database.shut()


async def test_a_database_without_tables_is_refused_and_a_missing_file_is_not_made(databases: Databases) -> None:
    with pytest.raises(SchemaMismatch, match="hivectl migrate"):
        async with Store.open(databases.bare()):
            pass
    assert not (databases.folder / "hived.db").exists()


async def test_a_daemon_refuses_an_older_and_a_newer_schema(url: str) -> None:
    run(url, "INSERT INTO schema_migration (name, applied) VALUES ('9999_from_the_future', '2030-01-01')")
    with pytest.raises(SchemaMismatch, match="newer hived"):
        async with Store.open(url):
            pass
    with pytest.raises(SchemaMismatch, match="newer hived"):
        create(url)
    run(url, "DELETE FROM schema_migration")
    with pytest.raises(SchemaMismatch, match="hivectl migrate"):
        async with Store.open(url):
            pass


@pytest.mark.sqlite_only("about the file; test_postgres.py has the same of a server")
async def test_a_locked_database_is_transient_and_a_damaged_one_is_not(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sqlite._PRAGMAS, "busy_timeout", 50)
    async with Store.open(url) as store:
        other = sqlite3.connect(path_of(url), isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Transient, match="locked"):
            await store.write(discovery.start_sweep, 1.0)
        other.execute("ROLLBACK")
        other.close()
        await store.write(discovery.start_sweep, 1.0)
    path_of(url).write_bytes(b"this is no database" * 1000)
    with pytest.raises(HivedError, match="damaged"):
        async with Store.open(url):
            pass


async def test_a_read_that_takes_too_long_is_stopped_and_the_next_one_works(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "READ_LIMIT_S", 0.05)

    def endless(db: Any) -> Any:
        counting = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"
        return db.execute_sql(counting).fetchone()

    with pytest.raises(Transient, match="longer than"):
        await store.read(endless)
    assert await store.read(discovery.sweeps) == []


async def test_a_reader_cannot_write(store: Store) -> None:
    with pytest.raises(HivedError, match=r"readonly|read-only"):
        await store.read(discovery.start_sweep, 1.0)


async def test_a_failing_write_leaves_nothing_behind(store: Store) -> None:
    def half(db: room.Database) -> None:
        discovery.start_sweep(db, 1.0)
        raise ValueError("a bug")

    with pytest.raises(ValueError, match="a bug"):
        await store.write(half)
    assert await store.read(discovery.sweeps) == []


async def test_another_process_writing_is_noticed(url: str) -> None:
    async with Store.open(url) as reader, Store.open(url) as writer:
        before = await reader.changed()
        assert await reader.changed() == before
        await writer.write(discovery.start_sweep, 1.0)
        assert await reader.changed() != before


def test_the_node_id_is_made_once_and_private(tmp_path: Path) -> None:
    made = node_id(tmp_path)
    assert len(made) == 32
    assert node_id(tmp_path) == made
    assert node_id(tmp_path, "rack-7") == "rack-7"
    assert [p.name for p in tmp_path.iterdir()] == ["node-id"]
    assert stat.S_IMODE((tmp_path / "node-id").stat().st_mode) == 0o600


async def test_daemons_that_start_together_agree_on_the_node_id(tmp_path: Path) -> None:
    made = await asyncio.gather(*(asyncio.to_thread(node_id, tmp_path) for _ in range(20)))
    assert len(set(made)) == 1


def test_a_database_of_another_kind_is_refused_by_name() -> None:
    with pytest.raises(HivedError, match="mysql is no database that hived knows: sqlite or postgresql"):
        create("mysql://u:p@h/db")


async def test_silent_fields_keep_what_is_known(store: Store) -> None:
    full = MinerIdentity("02:00:00:00:00:01", "Antminer S19", "s19", firmware_version="1.2.6", hostname="rack1")
    await store.write(miners.saw, miners.Sighting(full, "127.0.0.9", 1.0), node_id="n")
    await store.write(miners.saw, miners.Sighting(MinerIdentity(full.mac), "127.0.0.9", 2.0), node_id="n")
    row = await store.read(miners.by_mac, full.mac.upper())
    assert row is not None
    assert (row.model_alias, row.firmware_version, row.hostname) == ("s19", "1.2.6", "rack1")


async def test_max_preset_must_be_one_of_the_model(store: Store) -> None:
    ladder = [Preset("disabled"), Preset("1100", 1100.0, 53e12), Preset("2620LC", 2620.0)]
    await store.write(models.save, ModelInfo("s19", "Antminer S19"), ladder, "1.2.6", 1.0)
    view = await store.write(models.set_limits, "s19", {"max_preset": "2620lc"})
    assert view is not None
    assert view.max_preset == "2620LC"
    with pytest.raises(HivedError, match="its presets are: disabled, 1100, 2620LC"):
        await store.write(models.set_limits, "s19", {"max_preset": "9999"})
    view = await store.write(models.set_limits, "s19", {"max_preset": None})
    assert view is not None
    assert view.max_preset is None
    assert await store.write(models.set_limits, "none", {"max_preset": "1100"}) is None


async def test_a_ladder_is_refreshed_and_its_versions_remembered(store: Store) -> None:
    info = ModelInfo("s19", "Antminer S19", 76, 3, ((0, 1), (2, -1)))
    await store.write(models.save, info, [Preset("1100")], "1.2.6", 1.0)
    await store.write(models.save, info, None, "1.2.7", 2.0)
    (view,) = await store.read(models.views)
    assert (view.firmware_versions, [p["name"] for p in view.presets]) == (("1.2.6",), ["1100"])
    await store.write(models.save, info, [Preset("1100"), Preset("1300")], "1.2.7", 3.0)
    (view,) = await store.read(models.views)
    assert view.firmware_versions == ("1.2.6", "1.2.7")
    assert view.topology == ((0, 1), (2, -1))
    assert (view.created_at, view.refreshed_at) == (1.0, 3.0)


async def test_settings_versions_are_bounded(store: Store) -> None:
    row = await store.write(
        miners.saw, miners.Sighting(MinerIdentity("02:00:00:00:00:01"), "127.0.0.9", 1.0), node_id="n"
    )
    for i in range(KEEP_VERSIONS + 10):
        await store.write(settings.save, row.num, MinerSettings({"a": i}), float(i), due_at=None)
    kept = await store.read(settings.versions, row.num, limit=1000)
    assert [v.version for v in kept] == list(range(KEEP_VERSIONS + 10, 10, -1))


def test_differences_name_each_leaf() -> None:
    before = {"pools": [{"url": "a", "user": "u"}], "x": 1, "gone": True}
    after = {"pools": [{"url": "b", "user": "u"}, {"url": "c"}], "x": 1, "new": None}
    assert list(settings.differences(before, after)) == [
        {"path": "gone", "before": True, "after": None},
        {"path": "pools.0.url", "before": "a", "after": "b"},
        {"path": "pools.1", "before": None, "after": {"url": "c"}},
    ]


async def test_other_devices_are_bounded_and_the_longest_silent_leave(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(discovery, "MAX_OTHER_DEVICES", 5)
    for i in range(9):
        await store.write(discovery.save_other_device, OtherDevice(f"127.0.1.{i}", "html", "a page", 1.0, float(i)))
    assert [s.ip for s in await store.read(discovery.other_devices)] == [f"127.0.1.{i}" for i in range(4, 9)]


def test_an_empty_node_id_is_refused_and_not_taken_for_one(tmp_path: Path) -> None:
    (tmp_path / "node-id").touch()
    with pytest.raises(HivedError, match="is empty: remove the file, and this node gets a new one"):
        node_id(tmp_path)
