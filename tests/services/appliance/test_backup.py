"""A backup made while others write is whole; a restored node goes on with its master without loss or repeats."""

from __future__ import annotations

import io
import json
import os
import sqlite3
import stat
import tarfile
import tempfile
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from hived.errors import Damaged, HivedError, SchemaMismatch
from hived.records.access import By
from hived.records.events import Event
from hived.records.joining import NodeKey
from hived.records.uplink import JOINED, Uplink
from hived.runtime.outlet import Outlet
from hived.services.appliance.backup import DATABASE, MANIFEST, make
from hived.services.appliance.restore import restore
from hived.store import create, database_of, events, integrity
from hived.store.engine.epoch import epoch
from hived.store.engine.locks import in_use
from hived.store.engine.node_id import NAME as NODE_ID
from hived.store.engine.node_id import node_id
from hived.store.engine.secret_box import NAME as SECRET
from hived.store.miners import discovery
from hived.store.nodes import uplink
from tests.interrupted import interrupted

NOW = 1_790_000_000.0
BY = By(at=NOW + 100, who="root", via="command", address=None)
KEY = NodeKey("k" * 16, "s" * 43)


class Box:
    """The folder of a node."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self.folder, self.path = folder, folder / "hived.db"
        self.url = f"sqlite:///{self.path}"

    def live(self) -> Box:
        create(self.url)
        node_id(self.folder)
        self.do(uplink.put, Uplink(url="http://192.0.2.1:8080", master_id="m-1", key=KEY, state=JOINED, since=NOW))
        return self

    def do(self, fn: Callable[..., Any], *args: Any) -> Any:
        database = database_of(self.url)
        with database.session(), database.transact("write"):
            found = fn(database, *args)
        database.shut()
        return found

    def save(self, out: Path | io.BytesIO, **changes: Any) -> Any:
        given: dict[str, Any] = {"version": "0.1.0", "at": NOW, "node_id": "n", "name": "shed"} | changes
        if not isinstance(out, Path):
            return make(self.path, self.folder, out, **given)
        with Outlet(out) as outlet:
            return make(self.path, self.folder, outlet, **given)

    def restore(self, archive: Path | bytes) -> Any:
        source = io.BytesIO(archive if isinstance(archive, bytes) else archive.read_bytes())
        return restore(source, self.path, self.folder, by=BY)

    def names(self) -> set[str]:
        return {path.name for path in self.folder.iterdir() if not path.name.endswith((".lock", ".daemons"))}


@pytest.fixture
def box(tmp_path: Path) -> Box:
    return Box(tmp_path / "box").live()


def repacked(archive: Path, change: Callable[[str, bytes], bytes | None], *, also: dict[str, bytes]) -> bytes:
    """Return an archive with other contents, as whoever wants to break us would make it."""
    out = io.BytesIO()
    with tarfile.open(archive) as old, tarfile.open(fileobj=out, mode="w") as new:
        parts = [(one.name, old.extractfile(one).read()) for one in old.getmembers()]  # type: ignore[union-attr]
        for name, data in [*parts, *also.items()]:
            changed = change(name, data)
            if changed is not None:
                member = tarfile.TarInfo(name)
                member.size = len(changed)
                new.addfile(member, io.BytesIO(changed))
    return out.getvalue()


def test_a_backup_is_one_private_file_with_all_that_a_node_is(box: Box, tmp_path: Path) -> None:
    file = tmp_path / "backup.tar"
    made = box.save(file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with tarfile.open(file) as archive:
        assert archive.getnames() == [MANIFEST, DATABASE, NODE_ID, SECRET]
    assert (made.bytes, made.members) == (file.stat().st_size, [DATABASE, NODE_ID, SECRET])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["backup.tar", "box"]


def test_without_keys_nothing_of_ours_opens_a_miner(box: Box, tmp_path: Path) -> None:
    file = tmp_path / "backup.tar"
    box.save(file, keys=False)
    with tarfile.open(file) as archive:
        assert archive.getnames() == [MANIFEST, DATABASE, NODE_ID]
    assert (box.folder / SECRET).read_bytes().strip() not in file.read_bytes()


def test_it_can_be_written_to_a_pipe(box: Box, tmp_path: Path) -> None:
    out = io.BytesIO()
    made = box.save(out)
    assert made.bytes == len(out.getvalue())
    assert "hived.db" in Box(tmp_path / "other").restore(out.getvalue()).members


def test_a_backup_made_while_others_write_is_of_one_moment(box: Box, tmp_path: Path) -> None:
    box.do(events.add, [Event("miner_found", NOW, {"pad": "x" * 2000}) for _ in range(5000)])
    stop = threading.Event()
    waited = []

    def writer() -> None:
        with closing(sqlite3.connect(box.path, timeout=0, isolation_level=None)) as connection:
            while not stop.is_set():
                try:
                    connection.execute("BEGIN IMMEDIATE")
                except sqlite3.OperationalError as error:
                    waited.append(error)
                    continue
                for kind in ("fan_lost", "fan_back"):  # always both or none
                    connection.execute("INSERT INTO event (at, kind, detail) VALUES (?, ?, '{}')", (NOW, kind))
                connection.execute("COMMIT")

    busy = threading.Thread(target=writer)
    busy.start()
    try:
        box.save(tmp_path / "backup.tar")
    finally:
        stop.set()
        busy.join()
    assert not waited, "no writer waited for the backup"
    other = Box(tmp_path / "other")
    other.restore(tmp_path / "backup.tar")
    with closing(sqlite3.connect(other.path)) as connection:
        count = dict(connection.execute("SELECT kind, count(*) FROM event GROUP BY kind"))
    assert count["miner_found"] == 5000
    assert count.get("fan_lost") == count.get("fan_back")


def test_a_node_on_another_box_is_the_same_node(box: Box, tmp_path: Path) -> None:
    before = box.do(epoch)
    box.save(tmp_path / "backup.tar")
    other = Box(tmp_path / "other")
    done = other.restore(tmp_path / "backup.tar")
    assert (done.kept, done.applied, done.key_missing) == ([], [], False)
    assert other.names() == {"hived.db", NODE_ID, SECRET}
    assert {stat.S_IMODE((other.folder / name).stat().st_mode) for name in other.names()} == {0o600}
    assert node_id(other.folder) == node_id(box.folder)
    assert other.do(uplink.get).key == KEY
    assert other.do(epoch) != before
    assert [(one.kind, one.detail) for one in other.do(events.newest)] == [
        ("database_restored", {"made_at": "2026-09-21T14:13:20+00:00"})
    ]
    assert integrity(other.url) == "ok"


def test_what_was_there_is_kept(box: Box, tmp_path: Path) -> None:
    box.save(tmp_path / "backup.tar")
    other = Box(tmp_path / "other").live()
    other.do(discovery.start_sweep, NOW)
    old = {name: (other.folder / name).read_bytes() for name in (NODE_ID, SECRET)}
    done = other.restore(tmp_path / "backup.tar")
    assert sorted(path.name for path in done.kept) == [
        f"{name}.before-restore-20260921T141500Z" for name in ("hived.db", NODE_ID, SECRET)
    ]
    for name, data in old.items():
        assert (other.folder / f"{name}.before-restore-20260921T141500Z").read_bytes() == data
    assert integrity(f"sqlite:///{other.folder / 'hived.db.before-restore-20260921T141500Z'}") == "ok"
    assert other.do(discovery.sweeps) == []


def test_the_state_folder_may_be_on_another_disk(box: Box, tmp_path: Path) -> None:
    box.save(tmp_path / "backup.tar")
    with tempfile.TemporaryDirectory(dir="/dev/shm") as name:
        state = Path(name)
        node_id(state)
        with (tmp_path / "backup.tar").open("rb") as source:
            restore(source, tmp_path / "moved.db", state, by=BY)
        assert (state / SECRET).read_bytes() == (box.folder / SECRET).read_bytes()
        assert node_id(state) == node_id(box.folder)
        assert {path.name.partition(".before")[0] for path in state.iterdir()} == {NODE_ID, SECRET}
    assert integrity(f"sqlite:///{tmp_path / 'moved.db'}") == "ok"


def test_a_damaged_database_can_be_restored_over(box: Box, tmp_path: Path) -> None:
    box.save(tmp_path / "backup.tar")
    box.path.write_bytes(b"no database" * 1000)
    box.restore(tmp_path / "backup.tar")
    assert box.do(uplink.get).master_id == "m-1"


def test_a_bare_database_file_is_taken_too(box: Box, tmp_path: Path) -> None:
    box.do(discovery.start_sweep, NOW)
    done = Box(tmp_path / "other").restore(box.path)
    assert (done.members, done.manifest, done.key_missing) == ([DATABASE], None, True)
    assert len(Box(tmp_path / "other").do(discovery.sweeps)) == 1


def test_an_older_schema_is_migrated_and_a_newer_one_refused(box: Box, tmp_path: Path) -> None:
    with closing(sqlite3.connect(box.path, isolation_level=None)) as connection:
        connection.execute("INSERT INTO schema_migration (name, applied) VALUES ('9999_from_the_future', '2030-01-01')")
    box.save(tmp_path / "backup.tar")
    other = Box(tmp_path / "other").live()
    before = other.path.read_bytes()
    with pytest.raises(SchemaMismatch, match="newer hived"):
        other.restore(tmp_path / "backup.tar")
    assert other.path.read_bytes() == before
    assert len(other.names()) == 3, other.names()


@pytest.mark.parametrize(
    ("change", "also", "says"),
    [
        (lambda name, data: data if name != DATABASE else data[:8192] + os.urandom(4096) + data[12288:], {}, "damaged"),
        (lambda name, data: None if name == NODE_ID else data, {}, "not what was written"),
        (lambda name, data: None if name == MANIFEST else data, {}, "no backup of hived"),
        (lambda name, data: data, {"../../etc/passwd": b"x"}, "does not belong there"),
        (lambda name, data: data, {"tls.key": b"x" * 300_000}, "too large"),
        (lambda name, data: data, {"tls.key": b"x"}, "does not name"),
        (lambda name, data: b"[]" if name == MANIFEST else data, {}, "no backup of hived"),
        (lambda name, data: b"{" * 9000 if name == MANIFEST else data, {}, "no backup of hived"),
        (lambda name, data: data.replace(b'"format": 1', b'"format": 2') if name == MANIFEST else data, {}, "newer"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_whole_backup_changes_nothing(
    box: Box, tmp_path: Path, change: Any, also: dict[str, bytes], says: str
) -> None:
    box.save(tmp_path / "backup.tar")
    before = {name: (box.folder / name).read_bytes() for name in box.names()}
    with pytest.raises(HivedError, match=says):
        box.restore(repacked(tmp_path / "backup.tar", change, also=also))
    assert {name: (box.folder / name).read_bytes() for name in box.names()} == before


@pytest.mark.parametrize("share", [0.001, 0.3, 0.6, 0.99])
def test_a_backup_that_was_cut_off_changes_nothing(box: Box, tmp_path: Path, share: float) -> None:
    box.save(tmp_path / "backup.tar")
    data = (tmp_path / "backup.tar").read_bytes()
    whole = len(data) if share < 0.99 else len(data) - 12_000
    before = box.names()
    with pytest.raises(HivedError):
        box.restore(data[: int(whole * share)])
    assert box.names() == before


def test_a_damaged_database_is_not_backed_up(box: Box, tmp_path: Path) -> None:
    size = box.path.stat().st_size
    with box.path.open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom(size - 4096))
    with pytest.raises(Damaged):
        box.save(tmp_path / "backup.tar")
    assert not (tmp_path / "backup.tar").exists()


def test_the_manifest_says_where_and_when_it_was_made(box: Box, tmp_path: Path) -> None:
    box.save(tmp_path / "backup.tar", name="north", node_id="abc")
    with tarfile.open(tmp_path / "backup.tar") as archive:
        told = json.load(archive.extractfile(MANIFEST))  # type: ignore[arg-type]
    assert (told["name"], told["node_id"], told["at"], told["keys"], told["version"]) == (
        "north",
        "abc",
        NOW,
        True,
        "0.1.0",
    )


@pytest.mark.parametrize("step", range(8))
def test_a_restore_that_is_cut_off_leaves_a_database_and_can_be_repeated(
    box: Box, tmp_path: Path, step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    box.save(tmp_path / "backup.tar")
    other = Box(tmp_path / "other").live()
    other.do(discovery.start_sweep, NOW)
    with interrupted(monkeypatch, step):
        other.restore(tmp_path / "backup.tar")
    assert integrity(other.url) == "ok", "the old one or the new one"
    other.restore(tmp_path / "backup.tar")
    assert other.do(discovery.sweeps) == []
    assert node_id(other.folder) == node_id(box.folder)
    assert other.do(uplink.get).key == KEY
    assert any(name.startswith("hived.db.before-restore-") for name in other.names())


def test_one_lock_tells_whether_a_daemon_has_it_open(box: Box) -> None:
    with in_use(box.path) as one, in_use(box.path) as two:
        assert (one, two) == (True, True)
        with in_use(box.path, alone=True) as alone:
            assert not alone
    with in_use(box.path, alone=True) as alone, in_use(box.path) as late:
        assert (alone, late) == (True, False)
