"""A backup brings rows, and nothing that would run, answer or reckon in the place of what is ours."""

from __future__ import annotations

import io
import sqlite3
import tarfile
from contextlib import closing
from pathlib import Path

import pytest

from hived.errors import HivedError
from hived.records.access import By
from hived.services.appliance.restore import restore
from hived.store import create, database_of, integrity
from hived.store.engine import migrations
from hived.store.engine.sqlite import prepare

NOW = 1_790_000_000.0
BY = By(at=NOW, who="root", via="command", address=None)
OLDER = Path(__file__).parents[2] / "fixtures/older/state-0002.tar.gz"

BACKDOOR = "INSERT INTO user (name, password_hash, role, created_at, changed_at) VALUES ('backdoor', '', 'admin', 0, 0)"
FOREIGN = {
    "trigger": f"CREATE TRIGGER welcome AFTER INSERT ON audit BEGIN {BACKDOOR}; END",
    "trigger on the history": f"CREATE TRIGGER welcome AFTER INSERT ON schema_migration BEGIN {BACKDOOR}; END",
    "view": "CREATE VIEW everybody AS SELECT * FROM user",
    "view in place of a table": "DROP TABLE attempt; CREATE VIEW attempt AS SELECT 1 AS name",
    "view in place of the history": (
        "ALTER TABLE schema_migration RENAME TO x; CREATE VIEW schema_migration AS SELECT * FROM x"
    ),
    "trigger on a view": "CREATE VIEW v AS SELECT 1 AS a; CREATE TRIGGER t INSTEAD OF INSERT ON v BEGIN SELECT 1; END",
    "table": "CREATE TABLE more (a)",
    "virtual table": "CREATE VIRTUAL TABLE words USING fts5(a)",
    "index": "CREATE INDEX more ON user (login_at)",
    "index over an expression": "CREATE INDEX more ON user (abs(created_at))",
    "index in place of ours": "DROP INDEX OURS; CREATE INDEX OURS ON audit (who, action)",
    "column": "ALTER TABLE user ADD COLUMN more TEXT",
    "generated column": "ALTER TABLE user ADD COLUMN more TEXT AS (hex(name)) VIRTUAL",
    "default": "ALTER TABLE audit ADD COLUMN more TEXT DEFAULT 'x'",
    "name of SQLite's own": (
        "CREATE TABLE more (a); UPDATE sqlite_master SET name = 'sqlite_more', tbl_name = 'sqlite_more',"
        " sql = 'CREATE TABLE sqlite_more (a)' WHERE name = 'more'"
    ),
    "missing table": "DROP TABLE attempt",
    "missing index": "DROP INDEX OURS",
}


@pytest.fixture
def fresh(tmp_path: Path) -> Path:
    """A database that somebody prepared."""
    folder = tmp_path / "theirs"
    folder.mkdir()
    create(f"sqlite:///{folder / 'hived.db'}")
    return folder / "hived.db"


@pytest.fixture
def box(tmp_path: Path) -> Path:
    """The database of this box."""
    folder = tmp_path / "box"
    folder.mkdir()
    create(f"sqlite:///{folder / 'hived.db'}")
    return folder / "hived.db"


def changed(path: Path, script: str) -> bytes:
    """Return the bytes of a database after a script, in which OURS is an index of ours."""
    ours = "SELECT name FROM sqlite_master WHERE type = 'index' AND sql > '' AND tbl_name = 'audit'"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = delete")
        connection.execute("PRAGMA writable_schema = 1")
        (index,) = connection.execute(ours).fetchone()
        connection.executescript(script.replace("OURS", f'"{index}"'))
    return path.read_bytes()


def brought(body: bytes, box: Path) -> None:
    restore(io.BytesIO(body), box, box.parent, by=BY)


@pytest.mark.parametrize("what", FOREIGN)
def test_what_hived_does_not_make_is_refused_and_nothing_was_changed(fresh: Path, box: Path, what: str) -> None:
    before = box.read_bytes()
    with pytest.raises(
        HivedError, match=r"in its database (does not belong there|is not what hived makes|is missing)$"
    ):
        brought(changed(fresh, FOREIGN[what]), box)
    assert box.read_bytes() == before
    assert sorted(path.name for path in box.parent.iterdir() if not path.name.startswith(".hived.db")) == ["hived.db"]


def test_a_check_that_takes_long_is_refused_before_it_is_run(fresh: Path, box: Path) -> None:
    costly = "CHECK (length(hex(zeroblob(400000000))) > 0)"
    script = (
        "INSERT INTO attempt (name, failures, last_at, not_before) VALUES ('x', 0, 0, 0); UPDATE sqlite_master SET"
        f" sql = substr(sql, 1, length(sql) - 1) || ', {costly})' WHERE name = 'attempt'"
    )
    with pytest.raises(HivedError, match="'attempt' in its database is not what hived makes"):
        brought(changed(fresh, script), box)


def test_what_sqlite_keeps_for_itself_is_no_reason(fresh: Path, box: Path) -> None:
    brought(changed(fresh, "ANALYZE"), box)
    assert integrity(f"sqlite:///{box}") == "ok"


@pytest.mark.parametrize("newest", [path.stem for path in sorted(migrations.CHANGES.glob("[0-9]*.py"))])
def test_every_version_of_the_schema_is_taken(tmp_path: Path, box: Path, newest: str) -> None:
    path = tmp_path / "older.db"
    prepare(path)
    database = database_of(f"sqlite:///{path}")
    with closing(database), database.session(), database.migrating():
        migrations.migrate(database, newest)
        database.execute_sql("PRAGMA journal_mode = delete")
    brought(path.read_bytes(), box)


def test_the_database_of_a_real_older_version_is_taken(tmp_path: Path, box: Path) -> None:
    with tarfile.open(OLDER) as archive:
        archive.extractall(tmp_path / "older", filter="data")
    (path,) = (tmp_path / "older").rglob("hived.db")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = delete")
    brought(path.read_bytes(), box)
