"""What apt runs as root follows no name in hived's own folder."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.users import NOBODY, needs_root

DEBIAN = Path(__file__).parent.parent / "debian"
SCRIPTS = sorted(path for path in DEBIAN.iterdir() if path.suffix in (".preinst", ".postinst", ".prerm", ".postrm"))
STATE = "/var/lib/hived"
PREINST = [path for path in SCRIPTS if path.suffix == ".preinst"]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_a_name_in_the_state_folder_is_left_to_its_owner(script: Path) -> None:
    for line in script.read_text().splitlines():
        if f"{STATE}/" in line and not line.lstrip().startswith("#"):
            assert "runuser -u hived -- " in line.partition(f"{STATE}/")[0], line
        assert not re.search(r"\b(chown|chmod|chgrp)\b", line), line


@pytest.fixture
def state(public_path: Path) -> Path:
    """A state folder of another user."""
    folder = public_path / "state"
    folder.mkdir(mode=0o750)
    os.chown(folder, NOBODY.pw_uid, NOBODY.pw_gid)
    return folder


def ran(script: Path, state: Path) -> subprocess.CompletedProcess[str]:
    """Run a preinst as apt does on an update; the folder and its owner are the test's."""
    text = script.read_text().replace(STATE, str(state)).replace("-u hived", f"-u {NOBODY.pw_name}")
    text = text.replace("@NEWEST_CHANGE@", "0016_last").replace("timeout 10", "timeout 0.5")
    return subprocess.run(
        ["sh", "-c", text.replace("#DEBHELPER#", ""), "preinst", "upgrade", "0.1.0"],
        capture_output=True, text=True, timeout=20, check=False,
    )  # fmt: skip


@needs_root
@pytest.mark.parametrize("script", PREINST, ids=lambda path: path.name)
def test_what_stands_in_place_of_the_note_neither_hangs_apt_nor_is_read_as_root(script: Path, state: Path) -> None:
    note, secret = state / "schema-change", state.parent / "secret"
    secret.write_text("9999_root_alone")
    secret.chmod(0o600)
    assert ran(script, state).returncode == 0, "a first install"
    note.symlink_to(secret)
    told = ran(script, state)
    assert (told.returncode, told.stderr) == (0, "")
    note.unlink()
    os.mkfifo(note)
    assert ran(script, state).returncode == 0
    note.unlink()
    note.write_text("9999_newer\n")
    told = ran(script, state)
    assert told.returncode == 1
    assert "Its schema has the change 9999_newer, hived @VERSION@ knows none after 0016_last." in told.stderr
