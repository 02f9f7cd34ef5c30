"""What keeps a disk from being written is told with what to do, to the daemons' own user and to the superuser."""

from __future__ import annotations

import os
import pwd
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hived.runtime.disk import own_user, unwritable
from tests.users import NOBODY, as_nobody, needs_root


@pytest.fixture
def database(public_path: Path) -> Path:
    """A file in a folder of the user that daemons run as."""
    folder = public_path / "state"
    folder.mkdir(mode=0o700)
    for name in ("hived.db", "hived.db-wal"):
        (folder / name).write_bytes(b"x")
        (folder / name).chmod(0o600)
    if os.geteuid() == 0:
        for path in (folder, *folder.iterdir()):
            os.chown(path, NOBODY.pw_uid, NOBODY.pw_gid)
    return folder / "hived.db"


def test_what_can_be_written_is_no_trouble(database: Path) -> None:
    with as_nobody():
        assert unwritable(database) is None
        (database.parent / "hived.db-wal").unlink()
        assert unwritable(database) is None
        assert unwritable(database.parent / "no" / "such.db") is None
        assert sorted(one.name for one in database.parent.iterdir()) == ["hived.db"], "nothing is left behind"
    assert unwritable(database) is None


SPOILT: dict[str, tuple[Callable[[Path], object], str]] = {
    "folder": (lambda file: file.parent.chmod(0o500), "state"),
    "closed folder": (lambda file: file.parent.chmod(0o000), "state"),
    "file": (lambda file: file.chmod(0o400), "hived.db"),
    "log": (lambda file: file.with_name("hived.db-wal").chmod(0o444), "hived.db-wal"),
}


@pytest.mark.parametrize("what", SPOILT)
@pytest.mark.parametrize("superuser", [False, True])
def test_what_its_user_may_not_write_is_named_with_what_to_do(database: Path, what: str, superuser: bool) -> None:
    if superuser and os.geteuid() != 0:
        pytest.skip("needs root: sudo make test")
    spoil, name = SPOILT[what]
    spoil(database)
    if superuser:
        found = unwritable(database)
    else:
        with as_nobody():
            found = unwritable(database)
    database.parent.chmod(0o700)
    assert found is not None
    path = database.parent if name == "state" else database.with_name(name)
    user = NOBODY.pw_name if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
    assert (found.code, found.text) == ("not_writable", f"the user {user} may not write {path}")
    mend = database.parent if name == "state" else f"{database}*"
    assert found.step.startswith(f"chown -h {user} {mend}; runuser -u {user} -- chmod u+rwX {mend}")


@needs_root
@pytest.mark.parametrize("superuser", [False, True])
def test_what_another_user_left_there_is_named(database: Path, superuser: bool) -> None:
    log = database.with_name("hived.db-wal")
    os.chown(log, 0, 0)
    if superuser:
        found = unwritable(database)
    else:
        with as_nobody():
            found = unwritable(database)
    assert found is not None
    assert str(log) in found.text


@pytest.fixture
def read_only(public_path: Path) -> Iterator[Path]:
    folder = public_path / "disk"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m,ro", "tmpfs", str(folder)], check=True)
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@needs_root
def test_a_disk_that_is_mounted_read_only_is_told(read_only: Path) -> None:
    for superuser in (True, False):
        if superuser:
            found = unwritable(read_only / "hived.db")
        else:
            with as_nobody():
                found = unwritable(read_only / "hived.db")
        assert found is not None
        assert found.code == "disk_readonly"
        assert found.text == f"the disk of {read_only} cannot be written: Read-only file system"
        assert "dmesg" in found.step


def test_a_user_without_a_name_has_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    def nameless(_number: int) -> None:
        raise KeyError

    monkeypatch.setattr(pwd, "getpwuid", nameless)
    assert own_user() == f"user {os.geteuid()}"
