"""Options of earlier versions: accepted, ignored, and named in a warning."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from hived.runtime.config import Config, load
from hived.runtime.options import BY_NAME, RETIRED, env_of
from tests.runtime.config_of_0_1_0 import ALL, written


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "hived.yaml"


def test_an_option_is_retired_or_in_use() -> None:
    assert RETIRED.keys().isdisjoint(BY_NAME)
    assert {*BY_NAME, *RETIRED} >= ALL, "an option of 0.1.0 went without a line in the table of retired ones"


@pytest.mark.parametrize("name", RETIRED)
@pytest.mark.parametrize("value", ["true", "'no'", "[1, {2: 3}]", "null", "{}"])
def test_one_that_is_retired_changes_nothing_and_is_named_whatever_it_was_set_to(
    file: Path, name: str, value: str
) -> None:
    section, key = name.split(".")
    file.write_text(f"# x\n{section}:\n  {key}: {value}\n")
    loaded = load(file, env={env_of(name): value, "HIVED_NETWORK__PORT": "81"}, flags={})
    assert loaded.changes(Config()) == ["network.port"]
    assert [line.partition(": ")[0] for line in loaded.ignored] == [
        f"{file}:3",
        f"environment {env_of(name)} is no option any more and is ignored",
    ]
    assert all("no option any more" in line and RETIRED[name] in line for line in loaded.ignored)
    assert name not in loaded.origin


def test_check_names_them_beside_what_is_in_effect(file: Path, tmp_path: Path) -> None:
    file.write_text(written(tmp_path, 9))
    ran = subprocess.run(
        [Path(sys.executable).with_name("hive-polld"), "--config", file, "--check"],
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    assert yaml.safe_load(ran.stdout)["network"]["port"] == 9
    assert ran.stderr.startswith(f"hive-polld: {file}:")
    assert "http.loopback_login is no option any more" in ran.stderr
    hivectl = [str(Path(sys.executable).with_name("hivectl")), "--config", str(file), "config", "check"]
    ran = subprocess.run(hivectl, capture_output=True, text=True, check=True, timeout=60)
    assert "http.loopback_login is no option any more" in ran.stderr
    assert "loopback_login" not in ran.stdout
    ran = subprocess.run([*hivectl, "--json"], capture_output=True, text=True, check=True, timeout=60)
    (warning,) = (one for one in json.loads(ran.stdout)["warnings"] if "no option" in one["text"])
    assert warning["next"] == "take the line out"
