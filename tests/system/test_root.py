"""What root does for hived follows no name in a folder that belongs to somebody else: it becomes that user first."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system.appliance import Appliance, appliance_in, until
from tests.users import NOBODY, OPEN_PATH, OPEN_PYTHON, needs_root

pytestmark = [
    pytest.mark.system,
    pytest.mark.root,
    needs_root,
    pytest.mark.skipif(OPEN_PYTHON is None, reason="needs a Python that other users may run: sudo apt install python3"),
]

OTHER = 64_998
"""A user without a name."""
ENVIRONMENT = {"PATH": os.environ["PATH"], "PYTHONPATH": OPEN_PATH, "PYTHONDONTWRITEBYTECODE": "1"}
POLLD = (
    str(OPEN_PYTHON),
    "-Pc",
    "import sys; from hived.daemons import entry; del sys.argv[0]; sys.exit(entry.polld())",
)


def hivectl(site: Appliance, *words: str, code: int | None = None) -> str:
    """Run hivectl as root and return all that it says; `code`: what it must exit with."""
    ran = subprocess.run(
        [str(OPEN_PYTHON), "-m", "hived.cli.main", "--config", str(site.file), *words],
        env=ENVIRONMENT, cwd="/", capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert "Traceback" not in ran.stderr, ran.stderr
    assert code is None or ran.returncode == code, ran.stdout + ran.stderr
    return ran.stdout + ran.stderr


@pytest.fixture
def site(public_path: Path) -> Iterator[Appliance]:
    """An appliance whose state folder belongs to nobody, and its configuration to root."""
    state = public_path / "state"
    state.mkdir(mode=0o750)
    with appliance_in(state, ollama={"host": "http://127.0.0.1:9"}, syncd={"master": "off"}) as made:
        made.file = made.file.rename(public_path / "hived.yaml")
        hivectl(made, "status")  # with all that a first command makes
        for path in (state, *state.iterdir()):
            os.chown(path, NOBODY.pw_uid, NOBODY.pw_gid)
        yield made


@pytest.fixture
def victim(public_path: Path) -> Path:
    """A file that is root's alone."""
    (public_path / "roots").mkdir(mode=0o700)
    path = public_path / "roots" / "shadow"
    path.write_text("root:secret\n")
    path.chmod(0o600)
    return path


def is_untouched(victim: Path) -> bool:
    """Tell whether it is what it was, and alone."""
    found = victim.stat()
    whole = (found.st_uid, found.st_gid, found.st_mode & 0o777, victim.read_text()) == (0, 0, 0o600, "root:secret\n")
    return whole and [path.name for path in victim.parent.iterdir()] == ["shadow"]


def foreign(folder: Path) -> list[str]:
    """Return what is there and does not belong to the folder's owner."""
    owner = folder.stat().st_uid
    return [path.name for path in folder.iterdir() if path.lstat().st_uid != owner and path.suffix != ".log"]


def status_of(pid: int) -> dict[str, list[str]]:
    """Return what the kernel says of a process."""
    lines = (line.partition(":") for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return {key: value.split() for key, _, value in lines}


SWAPPER = """
import os, sys
folder, victim = sys.argv[1:]
while True:
    for name in os.listdir(folder):
        if name.startswith((".node-id.", ".secret.key.", ".hived.db.new")) and not os.path.islink(f"{folder}/{name}"):
            try:
                os.rename(f"{folder}/{name}", f"{folder}/taken")
                os.symlink(victim, f"{folder}/{name}")
            except OSError:
                pass
"""


def test_a_draft_that_its_folders_owner_swaps_for_a_link_gives_nothing_of_roots_away(
    site: Appliance, victim: Path
) -> None:
    line = [str(OPEN_PYTHON), "-c", SWAPPER, str(site.folder), str(victim)]
    with subprocess.Popen(line, user=NOBODY.pw_uid, group=NOBODY.pw_gid, extra_groups=[]) as swapper:
        try:
            for _ in range(6):
                for name in ("node-id", "secret.key"):
                    (site.folder / name).unlink(missing_ok=True)
                hivectl(site, "status")
                assert is_untouched(victim)
        finally:
            swapper.kill()


PLANTED = (
    "hived.db-wal", "hived.db-shm", ".hived.db.lock", ".hived.db.daemons", ".hived.db.new", "node-id", "secret.key",
    ".node-id.restored", ".secret.key.restored", "tls.crt",
)  # fmt: skip


@pytest.mark.parametrize("names", [PLANTED, ("hived.db",)], ids=["beside", "database"])
@pytest.mark.parametrize(
    "command",
    ["status", "enroll-code", "backup ARCHIVE --force", "restore ARCHIVE", "migrate"],
    ids=lambda command: command.split()[0],
)
def test_links_in_the_state_folder_lead_root_nowhere(
    site: Appliance, victim: Path, public_path: Path, command: str, names: tuple[str, ...]
) -> None:
    archive = public_path / "saved.tar"
    if "restore" in command:
        hivectl(site, "backup", str(archive), code=0)
    for number, name in enumerate(names):
        (site.folder / name).unlink(missing_ok=True)
        (site.folder / name).symlink_to(victim if number % 2 else victim.with_name(f"new-{name}"))
        os.chown(site.folder / name, NOBODY.pw_uid, NOBODY.pw_gid, follow_symlinks=False)
    hivectl(site, *command.replace("ARCHIVE", str(archive)).split())
    assert is_untouched(victim)
    assert foreign(site.folder) == []


def test_all_that_root_makes_belongs_to_the_owner_of_the_folder(site: Appliance, public_path: Path) -> None:
    shutil.rmtree(site.folder)
    site.folder.mkdir()
    os.chown(site.folder, OTHER, OTHER)
    assert "created" in hivectl(site, "migrate", code=0)
    hivectl(site, "enroll-code", code=0)
    archive = public_path / "saved.tar"
    assert "which is whole" in hivectl(site, "backup", str(archive), code=0)
    assert (archive.stat().st_uid, archive.stat().st_mode & 0o777) == (0, 0o600)
    assert [path.name for path in public_path.iterdir() if path.name.startswith(".")] == []
    assert "restored" in hivectl(site, "restore", str(archive), code=0)
    made = {path.name for path in site.folder.iterdir()}
    assert {"hived.db", "node-id"} <= made
    assert foreign(site.folder) == []
    who = [row[0] for row in site.rows("SELECT DISTINCT who FROM audit")]
    assert who == ["root"], "the audit says who gave the command"


def test_a_backup_goes_where_root_alone_may_write_and_comes_back_from_there(site: Appliance, victim: Path) -> None:
    archive = victim.with_name("saved.tar")
    said = json.loads(hivectl(site, "backup", str(archive), "--json", code=0))
    assert (said["file"], said["bytes"]) == (str(archive), archive.stat().st_size)
    assert sorted(path.name for path in victim.parent.iterdir()) == ["saved.tar", "shadow"]
    assert "is there already" in hivectl(site, "backup", str(archive), code=2)
    assert "restored" in hivectl(site, "restore", str(archive), code=0)
    (site.folder / "hived.db").write_bytes(b"x" * 4096)
    before = archive.stat().st_ino
    assert "damaged" in hivectl(site, "backup", str(archive), "--force", code=1)
    assert archive.stat().st_ino == before
    assert sorted(path.name for path in victim.parent.iterdir()) == ["saved.tar", "shadow"]


def test_a_backup_over_a_link_replaces_the_link(site: Appliance, victim: Path, public_path: Path) -> None:
    theirs = public_path / "theirs"
    theirs.mkdir()
    (theirs / "saved.tar").symlink_to(victim)
    os.chown(theirs, NOBODY.pw_uid, NOBODY.pw_gid)
    assert "is there already" in hivectl(site, "backup", str(theirs / "saved.tar"), code=2)
    hivectl(site, "backup", str(theirs / "saved.tar"), "--force", code=0)
    assert is_untouched(victim)
    assert not (theirs / "saved.tar").is_symlink()


def test_a_folder_in_the_hands_of_two_users_is_refused(site: Appliance, public_path: Path) -> None:
    os.chown(public_path, OTHER, OTHER)
    said = hivectl(site, "status", code=1)
    assert f"is in the hands of nobody and user {OTHER}: run this as one of them" in said
    polld = site.start("hive-polld", "--once", prefix=POLLD, PYTHONPATH=OPEN_PATH)
    assert polld.process.wait(30) == 1
    assert "is in the hands of" in polld.log


async def test_a_daemon_that_root_starts_becomes_the_owner_too(site: Appliance) -> None:
    polld = site.start("hive-polld", prefix=POLLD, PYTHONPATH=OPEN_PATH)
    await until(lambda: site.number("SELECT count(*) FROM daemon") == 1)
    found = status_of(polld.process.pid)
    assert found["Uid"] == [str(NOBODY.pw_uid)] * 4
    assert found["Gid"] == [str(NOBODY.pw_gid)] * 4
    assert "0" not in found["Groups"]
    assert found["CapEff"] == found["CapPrm"] == ["0000000000000000"]
    assert foreign(site.folder) == []
    await polld.stop()


def test_what_is_roots_stays_roots(site: Appliance) -> None:
    for path in (site.folder, *site.folder.iterdir()):
        os.chown(path, 0, 0)
    (site.folder / "node-id").unlink()
    hivectl(site, "status")
    assert (site.folder / "node-id").stat().st_uid == 0
