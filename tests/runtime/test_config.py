"""Where values come from, in which order, and what is said when they make no sense."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from ipaddress import IPv4Network
from pathlib import Path
from unittest.mock import patch

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from hived.errors import BadConfig
from hived.runtime import config, options
from hived.runtime.config import Config, load, show
from hived.runtime.kinds import TlsFiles
from hived.runtime.options import BY_NAME


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "hived.yaml"
    path.write_text("")
    return path


def refused(path: Path | None, env: Mapping[str, str] | None = None, flags: Mapping[str, str] | None = None) -> str:
    """Return the one line of the refusal, the file's name shortened to FILE."""
    with pytest.raises(BadConfig) as caught:
        load(path, env=env or {}, flags=flags or {})
    message = str(caught.value)
    assert len(message.splitlines()) == 1
    return message.replace(str(path), "FILE")


def complaint(path: Path, env: Mapping[str, str]) -> str:
    """Return what is wrong, nothing when all is well."""
    try:
        load(path, env=env, flags={})
    except BadConfig as err:
        return str(err)
    return ""


def drop_in(file: Path, name: str, text: str) -> Path:
    folder = file.parent / "conf.d"
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text)
    return folder / name


# --- order -----------------------------------------------------------------------------------------------------------


def test_an_empty_file_gives_the_defaults(file: Path) -> None:
    for text in (
        "",
        "# nothing\n",
        "---\n",
        "null\n",
        "{}\n",
        "network:\nhttp:\n",
        "\ufeff",
        "\ufeff{network: {port: 80}}",
    ):
        file.write_text(text, encoding="utf-8")
        assert load(file, env={}, flags={}) == Config()


def test_the_default_file_may_be_missing_and_a_named_one_may_not(tmp_path: Path) -> None:
    missing = tmp_path / "hived.yaml"
    with patch.object(config, "DEFAULT_PATH", missing):
        assert load(None, env={}, flags={}) == Config()
        assert load(None, env={"HIVED_CONFIG": ""}, flags={}) == Config()
    assert refused(missing) == "FILE: cannot be read: No such file or directory"
    with pytest.raises(BadConfig, match="No such file"):
        load(None, env={"HIVED_CONFIG": str(missing)}, flags={})


def test_the_environment_names_the_file_and_the_argument_wins(file: Path, tmp_path: Path) -> None:
    file.write_text("network: {port: 81}")
    other = tmp_path / "other.yaml"
    other.write_text("network: {port: 82}")
    env = {"HIVED_CONFIG": str(other)}
    assert load(None, env=env, flags={}).network.port == 82
    assert load(file, env=env, flags={}).network.port == 81


def test_drop_ins_come_after_the_file_by_name_and_replace_lists(file: Path) -> None:
    file.write_text("network: {port: 81, exclude: [10.0.0.1, 10.0.0.2]}\nlog: {level: debug}\n")
    drop_in(file, "20-late.yaml", "network: {port: 83}")
    drop_in(file, "10-early.yaml", "network: {port: 82, exclude: [10.0.0.3]}")
    for name in (".hidden.yaml", "backup.yaml~", "note.txt", "old.yaml.dpkg-old"):
        drop_in(file, name, "this: would be refused")
    loaded = load(file, env={}, flags={})
    assert loaded.network.port == 83
    assert loaded.network.exclude == (IPv4Network("10.0.0.3/32"),)
    assert loaded.log.level == "debug"


def test_drop_ins_are_read_when_the_default_file_is_missing(tmp_path: Path) -> None:
    drop_in(tmp_path / "hived.yaml", "a.yaml", "network: {port: 81}")
    with patch.object(config, "DEFAULT_PATH", tmp_path / "hived.yaml"):
        assert load(None, env={}, flags={}).network.port == 81


def test_each_door_wins_over_the_one_before(file: Path) -> None:
    file.write_text("log: {level: debug}\nollama: {model: from-file}\n")
    assert load(file, env={}, flags={}).ollama.model == "from-file"
    env = {"OLLAMA_MODEL": "inherited"}
    assert load(file, env=env, flags={}).ollama.model == "inherited"
    env |= {"HIVED_OLLAMA__MODEL": "ours", "HIVED_LOG__LEVEL": "error"}
    loaded = load(file, env=env, flags={"log.level": "warning"})
    assert (loaded.ollama.model, loaded.log.level) == ("ours", "warning")
    assert dict(loaded.origin) == {"ollama.model": "environment HIVED_OLLAMA__MODEL", "log.level": "--log-level"}


def test_the_origin_names_file_and_line(file: Path) -> None:
    file.write_text("network:\n  # a comment\n  port: 81\n")
    assert dict(load(file, env={}, flags={}).origin) == {"network.port": f"{file}:3"}


# --- environment -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "text", "option", "value"),
    [
        ("HIVED_NETWORK__PORT", " 81 ", "network.port", 81),
        ("HIVED_NETWORK__SUBNETS", "10.0.0.0/24, auto", "network.subnets", (IPv4Network("10.0.0.0/24"), "auto")),
        ("HIVED_NETWORK__SUBNETS", "[10.0.0.0/24]", "network.subnets", (IPv4Network("10.0.0.0/24"),)),
        ("HIVED_NETWORK__UNLOCK_PASSWORDS", "a#b: c,*d", "network.unlock_passwords", ("a#b: c", "*d")),
        ("HIVED_NETWORK__UNLOCK_PASSWORDS", "", "network.unlock_passwords", ()),
        ("HIVED_NETWORK__UNLOCK_PASSWORDS", "['a,b', 007]", "network.unlock_passwords", ("a,b", "007")),
        ("HIVED_NODE__NAME", "rig: 5 # north", "node.name", "rig: 5 # north"),
        ("HIVED_NODE__NAME", "'123'", "node.name", "123"),
        ("HIVED_NODE__NAME", "", "node.name", None),
        ("HIVED_DISCOVERD__ZEROCONF", "off", "discoverd.zeroconf", False),
        ("HIVED_HTTP__TLS", "{cert: a, key: b}", "http.tls", TlsFiles(Path("a"), Path("b"))),
        ("NODE_ID", "node-7", "node.id", "node-7"),
        ("MASTER_URL", "http://10.0.0.1:8000/", "syncd.master", "http://10.0.0.1:8000"),
        ("MASTER_URL", " ", "syncd.master", "auto"),
        ("DATABASE_URL", "postgres://u:p@db/h", "database.url", "postgresql://u:p@db/h"),
        ("OLLAMA_HOST", "gpu-box", "ollama.host", "http://gpu-box:11434"),
        ("OLLAMA_MODEL", "mistral", "ollama.model", "mistral"),
        ("HIVED_SOMETHING", "of no concern", "network.port", 80),
        ("PORT", "99", "network.port", 80),
    ],
)
def test_the_environment_is_read(name: str, text: str, option: str, value: object, file: Path) -> None:
    assert load(file, env={name: text}, flags={}).value(option) == value


def test_a_bad_environment_is_named(file: Path) -> None:
    wanted = "expected an integer from 1 to 65535, got 'eighty'"
    assert refused(file, {"HIVED_NETWORK__PORT": "eighty"}) == f"environment HIVED_NETWORK__PORT: {wanted}"
    assert refused(file, {"HIVED_NETWORK__PROT": "1"}) == (
        "environment HIVED_NETWORK__PROT: unknown option, did you mean HIVED_NETWORK__PORT?"
    )
    assert refused(file, {"NODE_ID": "a b"}).startswith("environment NODE_ID: expected letters")
    assert refused(file, {"HIVED_NETWORK__SUBNETS": "[10.0.0.0/24"}).startswith("environment HIVED_NETWORK__SUBNETS: ")
    assert refused(file, {"HIVED_NETWORK__SUBNETS": "10.0.0.0/24,,"}).endswith("got nothing")
    assert refused(file, {"HIVED_A__B\nC": "1"}).startswith("environment HIVED_A__B C: unknown option")


def test_a_bad_flag_is_named(file: Path) -> None:
    assert refused(file, flags={"http.addr": "8080"}) == (
        "--addr: expected HOST:PORT such as 0.0.0.0:8080, got '8080': the port is missing"
    )


# --- messages --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("network:\n  port: eighty", "FILE:2: network.port: expected an integer from 1 to 65535, got 'eighty'"),
        (
            "network:\n  port: '80'",
            "FILE:2: network.port: expected an integer from 1 to 65535, got '80': take the quotes away",
        ),
        ("network:\n  port:", "FILE:2: network.port: expected an integer from 1 to 65535, got nothing"),
        ("netwrok:\n  port: 1", "FILE:1: netwrok: unknown section, did you mean network?"),
        ("network:\n\n  prot: 1", "FILE:3: network.prot: unknown option, did you mean network.port?"),
        ("network:\n  raw_days: 1", "FILE:2: network.raw_days: unknown option, did you mean retention.raw_days?"),
        ("log:\n  colour: 1", "FILE:2: log.colour: unknown option, the options are level"),
        ("network: []", "FILE:1: network: expected options, got a list"),
        ("network", "FILE:1: expected sections such as network:, got 'network'"),
        ("- a", "FILE:1: expected sections such as network:, got a list"),
        ("log: {}\nlog: {}", "FILE:2: log: written twice, first in line 1"),
        ("log:\n  level: info\n  level: info", "FILE:3: log.level: written twice, first in line 2"),
        ("log: {level: info\n", "FILE:2: not valid YAML: expected ',' or '}', but got '<stream end>'"),
        ("a: b: c", "FILE:1: not valid YAML: mapping values are not allowed here"),
        ("\n\tlog: {}", "FILE:2: not valid YAML: found character '\\t' that cannot start any token"),
        (
            "log: {}\n---\nlog: {}",
            "FILE:2: not valid YAML: expected a single document in the stream but found another document",
        ),
        ("? [a]\n: b", "FILE:1: a key must be one word"),
        ("log: !!python/object:os.system {}", "FILE:1: tags (!name) are not supported"),
        ("log: !x info", "FILE:1: tags (!name) are not supported"),
        ("'lo\\ng': 1\n\"a\\nb\": 1", "FILE:1: lo\\ng: unknown section, did you mean log?"),
        ('"netw\\nork": 1', "FILE:1: netw ork: unknown section, did you mean network?"),
        ("log: {level: a\x00}", "FILE:1: the character U+0000 is not allowed"),
        (
            "log: &l {level: info}\nhttp: *l",
            "FILE:2: aliases (*name) are not supported, quote a text that starts with *",
        ),
    ],
)
def test_a_mistake_is_told_with_its_line(text: str, message: str, file: Path) -> None:
    file.write_text(text)
    assert refused(file) == message


def test_a_mistake_in_a_list_is_told_with_the_line_of_the_item(file: Path) -> None:
    file.write_text("network:\n  subnets:\n    - auto\n    - 10.0.0.0/8\n")
    assert refused(file).startswith("FILE:4: network.subnets: expected a list of IPv4 networks")
    assert refused(file).endswith("got '10.0.0.0/8': larger than a /16, name the parts that have miners")


@pytest.mark.parametrize(
    ("subnet", "reason"),
    [
        ("224.0.0.0/4", "multicast"),
        ("0.0.0.0/8", "'this host'"),
        ("255.255.255.255", "broadcast"),
        ("10.0.0.0/15", "larger than a /16"),
        ("2001:db8::/64", "IPv4 only"),
        ("192.168.1.77/24", "write 192.168.1.0/24"),
    ],
)
def test_a_network_that_must_not_be_scanned_is_refused_with_the_reason(subnet: str, reason: str, file: Path) -> None:
    file.write_text(f"network: {{subnets: ['{subnet}']}}")
    assert reason in refused(file)


def test_a_mistake_in_a_drop_in_names_the_drop_in(file: Path) -> None:
    bad = drop_in(file, "a.yaml", "log:\n  level: loud\n")
    assert refused(file).startswith(f"{bad}:2: log.level: expected one of debug")


# --- files that are none ---------------------------------------------------------------------------------------------


def test_what_is_not_utf8_is_refused_with_its_line(file: Path) -> None:
    file.write_bytes(b"# fine\nnode: {name: H\xf6hle}\n")
    assert refused(file) == "FILE:2: not UTF-8 (byte 0xf6)"
    file.write_text("node: {name: x}", encoding="utf-16")
    assert refused(file) == "FILE:1: not UTF-8 (byte 0xff)"


def test_a_file_that_is_too_large_is_refused_and_one_at_the_limit_is_not(file: Path) -> None:
    file.write_bytes(b"#" * 1024 * 1024)
    assert load(file, env={}, flags={}) == Config()
    file.write_bytes(b"#" * (1024 * 1024 + 1))
    assert refused(file) == "FILE: larger than 1024 KiB, which is no configuration"
    assert "larger than" in refused(Path("/dev/zero"))


def test_a_folder_and_a_fifo_are_no_configuration_and_dev_null_is_an_empty_one(file: Path, tmp_path: Path) -> None:
    assert refused(tmp_path) == "FILE: cannot be read: Is a directory"
    os.mkfifo(tmp_path / "fifo")
    assert load(tmp_path / "fifo", env={}, flags={}) == Config()  # and above all does not wait for a writer
    assert load(Path("/dev/null"), env={}, flags={}) == Config()
    drop_in(file, "x.yaml", "")
    (file.parent / "conf.d" / "y.yaml").mkdir()
    assert refused(file).endswith("conf.d/y.yaml: cannot be read: Is a directory")


def test_too_many_drop_ins_are_refused(file: Path) -> None:
    for number in range(config.MAX_DROP_INS + 1):
        drop_in(file, f"{number}.yaml", "")
    assert "101 files, at most 100" in refused(file)


def test_documents_that_would_grow_are_refused(file: Path) -> None:
    bomb = "a: &a [x, x]\n" + "".join(
        f"{b}: &{b} [*{a}, *{a}, *{a}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
    )
    file.write_text(bomb)
    assert refused(file).startswith("FILE:2: aliases")
    file.write_text("[" * 100_000)
    assert refused(file) == "FILE:1: too deeply nested for a configuration"
    file.write_text("network:\n  exclude: [" + "1," * 20_000 + "1]")
    assert refused(file) == "FILE:2: too long for a configuration"


WORDS = ["network", "port", "80", "off", "%", " ", "  ", "\n", "\t", "- ", "---", ": ", "#"]
SIGNS = ["[", "]", "{", "}", ",", "'", '"', "\\", "&a", "*a", "!t", "|", ">", "?", "<<"]


@given(content=st.one_of(st.text(), st.binary()))
def test_no_file_raises_anything_but_bad_config(content: str | bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.getbasetemp() / f"any-{os.getpid()}.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass"))
    assert len(complaint(path, {}).splitlines()) <= 1


@given(text=st.lists(st.sampled_from(WORDS + SIGNS), max_size=30).map("".join), name=st.sampled_from(sorted(BY_NAME)))
def test_no_value_raises_anything_but_bad_config(
    text: str, name: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / f"pieces-{os.getpid()}.yaml"
    for content, env in ((text, {}), ("", {BY_NAME[name].env: text})):
        path.write_text(content)
        assert len(complaint(path, env).splitlines()) <= 1


# --- secrets ---------------------------------------------------------------------------------------------------------

SECRETS = {
    "HIVED_NETWORK__UNLOCK_PASSWORDS": "hunter2,hunter3",
    "DATABASE_URL": "postgresql://hived:hunter4@db.example:5432/h?sslpassword=hunter5",
    "OLLAMA_HOST": "http://u:hunter6@box",
    "MASTER_URL": "https://u:hunter7@master.example",
}


def test_no_secret_is_in_what_is_shown(file: Path) -> None:
    loaded = load(file, env=SECRETS, flags={})
    assert loaded.network.unlock_passwords == ("hunter2", "hunter3")
    shown = show(loaded)
    assert "hunter" not in shown + repr(loaded) + repr(loaded.public())
    assert loaded.public()["network"]["unlock_passwords"] == ["***", "***"]
    assert loaded.public()["database"]["url"] == "postgresql://hived:***@db.example:5432/h?sslpassword=***"


def test_every_option_can_be_shown(file: Path) -> None:
    loaded = load(file, env={"HIVED_NODE__STATE_DIR": "/srv/hived"}, flags={})
    assert yaml.safe_load(show(loaded))["node"]["state_dir"] == "/srv/hived"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("HIVED_NETWORK__UNLOCK_PASSWORDS", "hunter\x01"),
        ("HIVED_NETWORK__UNLOCK_PASSWORDS", "[[hunter]]"),
        ("DATABASE_URL", "mysql://u:hunter@db/x"),
        ("DATABASE_URL", "postgresql://u:hunter/2@db"),
        ("OLLAMA_HOST", "ftp://u:hunter@box"),
        ("MASTER_URL", "u:hunter@box"),
    ],
)
def test_no_secret_is_in_a_refusal(name: str, text: str, file: Path) -> None:
    assert "hunter" not in refused(file, {name: text})


def test_what_check_prints_loads_as_what_it_is(file: Path, tmp_path: Path) -> None:
    file.write_text(
        "node: {name: 'yes: #1'}\nnetwork: {subnets: [auto, 10.0.0.0/24], unlock_passwords: []}\n"
        "http: {tls: {cert: /a b, key: /c}, addr: '[::1]:80'}\nintervals: {status_seconds: 0.5}\nsyncd: {master: off}\n"
    )
    loaded = load(file, env={}, flags={})
    again = tmp_path / "again.yaml"
    again.write_text(show(loaded))
    assert load(again, env={}, flags={}) == loaded
    assert yaml.safe_load(show(loaded)) == loaded.public()
    assert re.search(r"status_seconds: 0\.5 +# .*hived\.yaml:4\n", show(loaded))
    assert re.search(r"port: 80 +# default\n", show(loaded))


# --- conveniences ----------------------------------------------------------------------------------------------------


def test_changes_names_the_options_that_differ(file: Path) -> None:
    file.write_text("network: {port: 81}\nlog: {level: info}")
    assert Config().changes(load(file, env={}, flags={})) == ["network.port"]


def test_milliseconds_are_seconds_inside() -> None:
    loaded = Config()
    assert loaded.network.light_scan_timeout_s == 0.3
    assert loaded.network.miner_probe_timeout_s == 1.5
    assert loaded.polld.request_timeout_s == 5.0
    assert loaded.minerd.own_pace_s == 0.0


def test_the_database_file_is_told_from_the_url() -> None:
    assert options.Database().sqlite_path == Path("/var/lib/hived/hived.db")
    assert options.Database("sqlite:///var/h.db").sqlite_path == Path("var/h.db")
    assert options.Database("postgresql://db/h").sqlite_path is None


def test_the_hosts_name_stands_in_for_a_missing_one() -> None:
    assert options.Node("rig").effective_name == "rig"
    with patch("socket.gethostname", return_value="box"):
        assert options.Node().effective_name == "box"
