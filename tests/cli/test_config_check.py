"""`hivectl config check`, and what doctor says of the configuration: who may read the passwords in it."""

from __future__ import annotations

import pytest

from hived.runtime.config import SECRETS
from tests.cli.site import Site

SECRET = "network: {unlock_passwords: [geheim]}\n"


@pytest.mark.parametrize(
    ("name", "mode", "step"),
    [
        ("hived.yaml", 0o644, "move that to SITE/secrets.yaml"), ("hived.yaml", 0o604, "move that to"),
        ("hived.yaml", 0o640, ""), ("conf.d/site.yaml", 0o644, "move that to"), ("conf.d/site.yaml", 0o600, ""),
        (SECRETS, 0o644, "chmod 600 SITE/secrets.yaml"), (SECRETS, 0o640, "chmod 600"), (SECRETS, 0o600, ""),
    ],
)  # fmt: skip
def test_a_file_that_tells_others_a_password_is_named_with_the_next_step(
    empty: Site, name: str, mode: int, step: str
) -> None:
    file = empty.folder / name
    file.parent.mkdir(exist_ok=True)
    if file == empty.config:
        empty.configure(SECRET)
    else:
        file.write_text(SECRET)
    empty.config.chmod(0o644)
    file.chmod(mode)
    checked, doctored = empty.run("config", "check"), empty.run("doctor")
    assert checked.code == 0
    assert "geheim" not in checked.out + checked.err + doctored.out
    said = f"SITE/{name} holds network.unlock_passwords, and others may read it (mode {mode:04o})"
    for told in (checked.err, doctored.out):
        assert (said in told) == bool(step)
        assert step in told
    warnings = empty.run("config", "check", "--json").document["warnings"]
    assert [one["text"].replace(str(empty.folder), "SITE") for one in warnings] == ([said] if step else [])


def test_a_database_url_with_a_password_counts_and_defaults_do_not(empty: Site) -> None:
    empty.config.write_text("database: {url: 'postgresql://hived:geheim@127.0.0.1:1/hived'}\n")
    empty.config.chmod(0o644)
    assert "holds database.url, and others may read it" in empty.run("config", "check").err
    empty.config.write_text("network: {unlock_passwords: [admin]}\n")
    assert empty.run("config", "check").err == ""


@pytest.mark.parametrize(
    ("mqtt", "said"),
    [
        ("url: 'mqtt://broker.example', steer: true", "nothing is ordered over mqtt://broker.example; next:"),
        ("url: 'mqtts://broker.example', steer: true", ""),
        ("url: 'mqtt://127.0.0.1', steer: true, steer_reboot: true", ""),
        ("url: 'mqtt://broker.example', password: geheim", "mqtt.password can be read by whoever listens"),
        ("url: 'mqtts://broker.example', password: geheim", ""),
        ("url: 'mqtts://broker.example', steer_reboot: true", "mqtt.steer_reboot does nothing without mqtt.steer"),
    ],
)  # fmt: skip
def test_a_broker_whose_commands_are_not_believed_is_named(empty: Site, mqtt: str, said: str) -> None:
    empty.config.write_text(f"mqtt: {{{mqtt}}}\n")
    empty.config.chmod(0o600)
    told = empty.run("config", "check")
    assert said in told.err if said else told.err == ""
    assert "geheim" not in told.out + told.err
