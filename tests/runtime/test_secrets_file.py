"""What is secret of a configuration has a file of its own, and a file that tells it to others is named."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from hived.errors import BadConfig
from hived.runtime.config import SECRETS, Config, load
from hived.runtime.options import OPTIONS
from tests.users import as_nobody

SAMPLE = Path(__file__).parent.parent.parent / "etc" / SECRETS


@pytest.fixture
def file(public_path: Path) -> Path:
    path = public_path / "hived.yaml"
    path.write_text("network: {unlock_passwords: [of the file], port: 81}\n")
    (path.parent / "conf.d").mkdir()
    (path.parent / "conf.d" / "site.yaml").write_text("network: {unlock_passwords: [of conf.d]}\n")
    (path.parent / SECRETS).write_text("network:\n  unlock_passwords: [geheim]\n")
    (path.parent / SECRETS).chmod(0o600)
    return path


def test_it_is_read_after_the_drop_ins_and_before_the_environment(file: Path) -> None:
    loaded = load(file, env={}, flags={})
    assert loaded.network.unlock_passwords == ("geheim",)
    assert loaded.origin["network.unlock_passwords"] == f"{file.parent / SECRETS}:2"
    assert loaded.network.port == 81
    loaded = load(file, env={"HIVED_NETWORK__UNLOCK_PASSWORDS": "of the environment"}, flags={})
    assert loaded.network.unlock_passwords == ("of the environment",)


def test_a_mistake_in_it_is_one_line_that_tells_no_secret(file: Path) -> None:
    (file.parent / SECRETS).write_text("network:\n  unlock_passwords: geheim\n")
    with pytest.raises(BadConfig, match=rf"{SECRETS}:2: network.unlock_passwords: expected") as caught:
        load(file, env={}, flags={})
    assert "geheim" not in str(caught.value)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: sudo make test")
def test_who_may_not_read_it_is_told_whose_it_must_be(file: Path) -> None:
    with as_nobody(), pytest.raises(BadConfig, match=r"Permission denied: it must belong to nobody$"):
        load(file, env={}, flags={})


def test_what_is_secret_is_known_by_its_value(tmp_path: Path) -> None:
    file = tmp_path / "hived.yaml"
    file.write_text(
        "network: {unlock_passwords: [admin]}\ndatabase: {url: 'postgresql://hived@h/d'}\n"
        "syncd: {master: 'http://m:8080'}\nollama: {host: 'http://h:1'}\n"
    )
    assert load(file, env={}, flags={}).secrets() == {}
    file.write_text("network: {unlock_passwords: [admin, x]}\ndatabase: {url: 'postgresql://hived:pw@h/d'}\n")
    assert load(file, env={}, flags={}).secrets() == {file: ["database.url", "network.unlock_passwords"]}
    assert load(file, env={"DATABASE_URL": "postgresql://a:b@h/d"}, flags={}).secrets() == {
        file: ["network.unlock_passwords"]
    }


def test_the_sample_changes_nothing_and_names_options_that_hold_secrets(tmp_path: Path) -> None:
    (tmp_path / "hived.yaml").write_text("")
    (tmp_path / SECRETS).write_text(SAMPLE.read_text())
    assert load(tmp_path / "hived.yaml", env={}, flags={}) == Config()
    (tmp_path / SECRETS).write_text(re.sub(r"^  #(?=\w+: )", "  ", SAMPLE.read_text(), flags=re.MULTILINE))
    named = load(tmp_path / "hived.yaml", env={}, flags={}).origin
    assert {"network.unlock_passwords", "database.url"} <= set(named) <= {one.name for one in OPTIONS if one.hide}
