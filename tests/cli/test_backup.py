"""`hivectl backup` and `restore`: what they say, and when they refuse."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tarfile
from contextlib import ExitStack
from pathlib import Path

import pytest

from hived.cli import backup
from hived.store import daemon_rows
from hived.store.engine.locks import in_use
from tests.cli.site import Site, Terminal

SQLITE = pytest.mark.sqlite_only("a PostgreSQL server has tools of its own; the last test says so")


@SQLITE
def test_a_backup_is_restored_and_what_was_there_is_kept(site: Site) -> None:
    file = site.folder / "backup.tar"
    made = site.run("backup", str(file))
    assert (made.code, made.err) == (0, "")
    assert made.lines[0].startswith("SITE/backup.tar: ")
    assert "which is whole" in made.lines[0]
    assert "keep it where nobody else can read it" in made.lines[1]
    known = site.run("miners", "list").out
    site.miner(99)
    site.close()
    back = site.run("restore", str(file))
    assert (back.code, back.err) == (0, "")
    assert back.lines[0] == "restored SITE/backup.tar"
    assert back.lines[1].startswith("node shed as it was at ")
    assert any(line.startswith("kept SITE/hived.db.before-restore-") for line in back.lines)
    assert back.lines[-1] == "next: systemctl start hived.target"
    assert site.run("miners", "list").out == known
    events = site.run("events").out
    assert "was restored from a backup" in events


@SQLITE
def test_a_backup_is_noted_so_that_an_alert_can_tell_when_it_is_too_old(site: Site) -> None:
    assert site.write(daemon_rows.noted, daemon_rows.BACKUP_AT) is None
    assert site.run("backup", str(site.folder / "backup.tar")).code == 0
    assert site.write(daemon_rows.noted, daemon_rows.BACKUP_AT) == site.now


@SQLITE
@pytest.mark.parametrize(("answer", "code"), [("", 2), ("n\n", 2), ("y\n", 0)])
def test_a_file_that_is_there_is_replaced_only_when_it_is_meant(
    site: Site, monkeypatch: pytest.MonkeyPatch, answer: str, code: int
) -> None:
    file = site.folder / "backup.tar"
    file.write_text("holiday pictures")
    ran = site.run("backup", str(file))
    assert (ran.code, "--force" in ran.err) == (2, True)
    monkeypatch.setattr("sys.stdin", Terminal(answer))
    ran = site.run("backup", str(file))
    assert (ran.code, "replace it? [y/N]" in ran.err) == (code, True)
    assert (file.read_bytes()[:7] == b"holiday") == (code != 0)
    assert site.run("backup", str(file), "--force").code == 0


@SQLITE
def test_a_restore_ends_the_alarm_about_a_damaged_database(site: Site) -> None:
    file = site.folder / "backup.tar"
    site.run("backup", str(file))
    for name in ("20260921T141320Z", "20260921T141320Z-1", "20260922T000000Z"):
        for end in ("", "-wal"):
            (site.folder / f"{site.path.name}.damaged-{name}{end}").write_bytes(b"x")
    assert "the database was damaged" in site.run("status").out
    site.close()
    back = site.run("restore", str(file))
    assert back.code == 0
    assert "damaged" not in site.run("status").out
    left = sorted(path.name for path in site.folder.glob("*.damaged-*"))
    assert len(left) == 6, "nothing is deleted"
    assert all(".before-restore-" in name for name in left)
    assert sum(line.startswith("kept SITE/hived.db.damaged-") for line in back.lines) == 3


@SQLITE
def test_for_programs_both_are_one_document(site: Site) -> None:
    file = site.folder / "backup.tar"
    made = site.run("backup", "--without-keys", str(file), "--json").document
    assert (made["keys"], made["bytes"]) == (False, file.stat().st_size)
    site.close()
    back = site.run("restore", str(file), "--json").document
    assert (back["node_id"], back["applied"]) == ((site.folder / "node-id").read_text().strip(), [])
    assert [Path(one).name.partition(".before")[0] for one in back["kept"]] == ["hived.db"]


@SQLITE
def test_nothing_is_restored_while_a_daemon_has_it_open(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backup, "ENDING_S", 0.0)
    file = site.folder / "backup.tar"
    site.run("backup", str(file))
    before = site.path.stat().st_ino
    with in_use(site.path):
        ran = site.run("restore", str(file))
    assert (ran.code, ran.out) == (1, "")
    assert "run: stop them first, with `systemctl stop hived.target`" in ran.err
    assert site.path.stat().st_ino == before


@SQLITE
def test_a_restore_waits_for_daemons_that_are_ending(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """`systemctl stop hived.target && hivectl restore FILE` must not depend on who is faster."""
    file = site.folder / "backup.tar"
    site.run("backup", str(file))
    site.close()
    daemon = ExitStack()
    daemon.enter_context(in_use(site.path))

    async def look_again(_seconds: float) -> None:
        daemon.close()

    monkeypatch.setattr(asyncio, "sleep", look_again)
    assert site.run("restore", str(file)).code == 0


@SQLITE
def test_a_file_that_is_no_backup_is_one_line(site: Site) -> None:
    (site.folder / "notes.txt").write_text("no backup at all" * 1000)
    ran = site.run("restore", str(site.folder / "notes.txt"))
    assert ran.code == 1
    assert ran.err.startswith("hivectl: SITE/notes.txt: this is no whole backup of hived: ")
    assert ran.err.endswith("; nothing was changed\n")
    assert site.run("restore", str(site.folder / "nothing")).err == "hivectl: SITE/nothing: No such file or directory\n"


@SQLITE
def test_what_a_newer_hived_wrote_is_refused_with_78(site: Site) -> None:
    insert = "INSERT INTO schema_migration (name, applied) VALUES ('9999_from_the_future', '2030-01-01')"
    site.write(lambda db: db.execute_sql(insert))
    site.run("backup", str(site.folder / "backup.tar"))
    ran = site.run("restore", str(site.folder / "backup.tar"))
    assert ran.code == 78
    assert "newer hived" in ran.err


@SQLITE
def test_a_backup_goes_to_a_pipe(site: Site) -> None:
    command = [sys.executable, "-m", "hived.cli.main", "backup", "-", "--config", str(site.config)]
    ran = subprocess.run(command, capture_output=True, check=True)
    (site.folder / "piped.tar").write_bytes(ran.stdout)
    with tarfile.open(site.folder / "piped.tar") as archive:
        assert "hived.db" in archive.getnames()
    assert ran.stderr.startswith(b"-: ")


@SQLITE
def test_a_folder_that_cannot_be_written_is_one_line(site: Site) -> None:
    ran = site.run("backup", "/proc/nowhere/backup.tar")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err == "hivectl: cannot write in /proc/nowhere: No such file or directory\n"


def test_a_database_of_a_server_is_left_to_its_own_tools(site: Site, tmp_path: Path) -> None:
    if site.server_url is None:
        assert site.run("backup", str(tmp_path / "backup.tar")).code == 0
        return
    for command, file in (("backup", tmp_path / "backup.tar"), ("restore", site.config)):
        ran = site.run(command, str(file))
        assert (ran.code, ran.out) == (1, "")
        assert "pg_dump" in ran.err or "pg_restore" in ran.err
        assert not os.path.exists(tmp_path / "backup.tar")  # noqa: PTH110 - one look
