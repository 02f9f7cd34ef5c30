"""What goes wrong is one line that says what to do, and an exit code."""

from __future__ import annotations

import os
import pwd
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.site import Site

READERS = (["status"], ["miners", "list"], ["miners", "show", "x"], ["models", "list"], ["events"], ["miners", "scan"])


@pytest.mark.parametrize("command", READERS, ids=" ".join)
def test_without_a_database_it_says_to_migrate_first(bare: Site, command: list[str]) -> None:
    ran = bare.run(*command)
    assert (ran.code, ran.out) == (78, "")
    assert ran.err == "hivectl: there is no database at SITE/hived.db: run `hivectl migrate` first\n"
    assert not bare.path.exists()


def test_a_database_without_our_tables_says_to_migrate_first(bare: Site) -> None:
    sqlite3.connect(bare.path).close()
    bare.path.touch()
    ran = bare.run("status")
    assert ran.code == 78
    assert "run `hivectl migrate` first" in ran.err


@pytest.mark.sqlite_only("nobody but the server touches its files")
def test_a_damaged_database_is_told_with_1(site: Site) -> None:
    site.close()
    site.path.write_bytes(b"this is no database, whatever its name says" * 200)
    ran = site.run("status")
    assert (ran.code, ran.out) == (1, "")
    assert "is damaged" in ran.err
    assert len(ran.err.splitlines()) == 1


@pytest.mark.parametrize("closed", ["folder", "file"])
@pytest.mark.parametrize("command", [["status"], ["migrate"]], ids=" ".join)
def test_who_may_not_use_the_database_is_told_who_may(
    make: Callable[[Path], Site], open_folder: Path, closed: str, command: list[str]
) -> None:
    site = make(open_folder)
    site.config.chmod(0o644)
    (open_folder / "data").mkdir()
    site.path = open_folder / "data" / "hived.db"
    site.configure("")
    site.create().path.chmod(0o600)
    place = site.path.parent if closed == "folder" else site.path
    root = os.geteuid() == 0
    place.chmod(0o700 if root else 0o000)
    if root:
        os.seteuid(65534)  # nobody: whom root's files are closed to
    try:
        ran = site.run(*command)
    finally:
        if root:
            os.seteuid(0)
        place.chmod(0o700)
    owner = pwd.getpwuid(os.getuid()).pw_name
    assert (ran.code, ran.out) == (1, "")
    assert ran.err == (
        f"hivectl: not permitted to use the database SITE/data/hived.db: run this as `sudo -u {owner} hivectl ...`, "
        "or be root\n"
    )


@pytest.mark.parametrize(
    "argv",
    [
        [],
        ["miners"],
        ["nonsense"],
        ["miners", "list", "--limit", "0"],
        ["miners", "list", "--limit", "-3"],
        ["miners", "list", "--limit", "9" * 30],
        ["miners", "list", "--sort", "colour"],
        ["miners", "list", "--stat", "mining"],
        ["miners", "show"],
        ["miners", "set", "--managed"],
        ["miners", "set", "x", "--managed", "--unmanaged"],
        ["miners", "scan", "--wait", "nan"],
        ["miners", "scan", "--wait", "-1"],
        ["events", "--limit", "many"],
        ["config"],
        ["models", "set", "s19"],
    ],
    ids=" ".join,
)
def test_wrong_usage_is_2_and_touches_nothing(bare: Site, argv: list[str]) -> None:
    from hived.cli.main import main

    assert main(argv, clock=bare.clock) == 2
    assert not bare.path.exists()


def test_help_of_every_command_is_0(bare: Site) -> None:
    for argv in (["-h"], ["miners", "-h"], ["miners", "list", "-h"], ["models", "set", "-h"], ["events", "-h"]):
        assert bare.run(*argv[:-1], "--help").code == 0


def test_an_interrupt_is_one_line(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted() -> float:
        raise KeyboardInterrupt

    monkeypatch.setattr(site, "clock", interrupted)
    ran = site.run("status")
    assert (ran.code, ran.out, ran.err) == (1, "", "hivectl: stopped\n")


def test_an_output_that_cannot_be_written_is_told(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    with Path("/dev/full").open("w") as full:
        monkeypatch.setattr("sys.stdout", full)
        ran = site.run("status")
        monkeypatch.undo()
        assert ran.code == 1
        assert "No space left on device" in ran.err
        with pytest.raises(OSError, match="No space"):
            full.flush()
        os.dup2(os.open(os.devnull, os.O_WRONLY), full.fileno())
