"""What comes from elsewhere is what was looked at: libraries by the hashes of the locks, the browser's by checksums."""

from __future__ import annotations

import hashlib
import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1]
LOCKS = ["requirements.lock", "packaging/test.lock"]
VENDOR = ROOT / "hived/api/dashboard/vendor"
SUMS = VENDOR / "SHA256SUMS"


@pytest.fixture(scope="module")
def pin() -> ModuleType:
    spec = importlib.util.spec_from_file_location("pin", ROOT / "packaging/pin.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_says_what_its_files_must_be(pin: ModuleType, lock: str) -> None:
    entries = pin.entries((ROOT / lock).read_text())
    assert len(entries) > 30
    for name, entry in entries.items():
        first, *hashes = entry.split(" \\\n")
        assert re.fullmatch(rf"{re.escape(name)}==[0-9][\w.]*", first), first
        assert hashes, f"{name} has no hash: make pin"
        assert hashes == sorted(set(hashes))
        assert all(re.fullmatch(r"    --hash=sha256:[0-9a-f]{64}", one) for one in hashes), name
    compiled = [name for name, entry in entries.items() if entry.count("--hash") > 1]
    assert all(entries[name].count("--hash") % 2 == 0 for name in compiled), "of both processors alike"


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_no_place_to_fetch_from(lock: str) -> None:
    assert re.findall(r"://|index-url|find-links|trusted-host", (ROOT / lock).read_text()) == []


@pytest.mark.parametrize("recipe", ["packaging/make-venv", "packaging/fat_tree.py"])
def test_only_wheels_with_a_known_hash_are_installed(recipe: str) -> None:
    text = (ROOT / recipe).read_text()
    assert "--require-hashes" in text
    assert "--only-binary=:all:" in text or "wheels_for(" in text
    assert re.findall(r"--no-binary|\"wheel\"|--find-links|--extra-index", text) == []


def test_a_wheel_with_another_hash_is_not_installed(tmp_path: Path) -> None:
    """As pip reads our locks: one changed digit, and it says no."""
    wheel = tmp_path / "toy-1.0-py3-none-any.whl"
    wheel.write_bytes(b"PK\5\6" + bytes(18))
    good = hashlib.sha256(wheel.read_bytes()).hexdigest()
    for digest, word in ((good, "invalid"), (good[:-1] + ("0" if good[-1] != "0" else "1"), "DO NOT MATCH")):
        (tmp_path / "lock").write_text(f"toy==1.0 \\\n    --hash=sha256:{digest}\n")
        line = [
            sys.executable, "-m", "pip", "--isolated", "install", "--no-deps", "--require-hashes", "--no-index",
            "--only-binary=:all:", "--find-links", tmp_path, "--target", tmp_path / "target", "-r", tmp_path / "lock",
        ]  # fmt: skip
        ran = subprocess.run([*map(str, line)], capture_output=True, text=True, check=False, timeout=60)
        assert ran.returncode != 0
        assert word in ran.stdout + ran.stderr


def test_the_browsers_libraries_are_the_files_that_were_taken() -> None:
    """`sha256sum -c SHA256SUMS` in their folder tells the same."""
    said = dict(line.split("  ", 1)[::-1] for line in SUMS.read_text().splitlines())
    files = [path for path in VENDOR.rglob("*") if path.is_file() and path != SUMS]
    assert said == {
        path.relative_to(VENDOR).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files
    }
