"""Every option: its default, values that it takes and as what, values that it refuses."""

from __future__ import annotations

import contextlib
from ipaddress import IPv4Network, ip_network
from pathlib import Path
from typing import Any, get_args

import pytest

from hived.errors import BadConfig
from hived.runtime import written
from hived.runtime.config import Config, load
from hived.runtime.kinds import Endpoint, TlsFiles, Wrong
from hived.runtime.named_urls import NamedUrl
from hived.runtime.options import BY_NAME, OPTIONS, Option

NET = IPv4Network
DAYS: tuple[dict[str, Any], list[str]] = (
    {"1": 1.0, "0.5": 0.5, "3650": 3650.0},
    ["0", "-1", "3651", "week", "null", "[7]"],
)
SECONDS: tuple[dict[str, Any], list[str]] = (
    {"0.1": 0.1, "5": 5.0, "1e2": 100.0, "86400": 86400.0},
    ["0", "-5", "86401", "soon", "'5'", "null", ".nan", ".inf", "1:30", "[5]", "{}", "true"],
)
SWITCH: tuple[dict[str, Any], list[str]] = (
    {"true": True, "no": False, "on": True},
    ["1", "'true'", "maybe", "null", "[]"],
)
NOT_INTEGERS = ["eighty", "1.5", "'80'", "null", "[80]", "{a: 1}", "true", "0x50", "1_000", "010", "1:30", "9" * 5000]


def integers(low: int, high: int) -> tuple[dict[str, Any], list[str]]:
    return {str(low): low, str(high): high}, [str(low - 1), str(high + 1), *NOT_INTEGERS]


# name -> default, text -> value, refused texts
CASES: dict[str, tuple[Any, dict[str, Any], list[str]]] = {
    "node.name": (
        None,
        {"null": None, "rig 5": "rig 5", "'no'": "no", "0123": "0123", "Höhle": "Höhle"},
        ["[a]", "''", "' '", "x" * 64, "ö" * 32, '"a\\nb"', '"\\e[2J"'],
    ),
    "node.site": (None, {"null": None, "north hall": "north hall"}, ["[a]", "''", "x" * 101]),
    "node.id": (None, {"null": None, "node-1": "node-1", "4f:A.b_c": "4f:A.b_c"}, ["a b", "-a", "x" * 65, "''", "[a]"]),
    "node.state_dir": (None, {"null": None, "/srv/hived": Path("/srv/hived")}, ["srv", "./x", "''", "[/a]", "{}"]),
    "database.url": (
        "sqlite:////var/lib/hived/hived.db",
        {
            "sqlite:////srv/h.db": "sqlite:////srv/h.db",
            "sqlite:///var/h.db": "sqlite:///var/h.db",
            "postgresql://u:p@db.example/hived": "postgresql://u:p@db.example/hived",
            "postgres://db:5433/hived": "postgresql://db:5433/hived",
        },
        [
            "sqlite://h.db", "sqlite:///", "sqlite:////", "'sqlite:///:memory:'", "sqlite:///x/", "sqlite:///x?mode=ro",
            "mysql://db/hived", "postgresql://db", "postgresql:///hived", "postgresql://db:0/x", "postgresql://db:x/x",
            "/var/lib/h.db", "''", "null", "[a]", "5", "postgresql+psycopg2://db/hived",
        ],
    ),
    "network.subnets": (
        (),
        {
            "[]": (),
            "[auto]": ("auto",),
            "[10.0.0.0/16, 192.168.1.7, auto]": (NET("10.0.0.0/16"), NET("192.168.1.7/32"), "auto"),
            "[127.20.0.0/24]": (NET("127.20.0.0/24"),),
        },
        [
            "auto", "10.0.0.0/24", "null", "5", "{}", "[5]", "[null]", "[[10.0.0.0/24]]", "[10.0.0.0/15]",
            "[10.0.0.1/24]", "[224.0.0.0/24]", "[239.255.255.250]", "[0.0.0.0/16]", "[0.0.0.0/0]", "[255.255.255.255]",
            "[240.0.0.0/24]", "['fe80::/120']", "['::1']", "[10.0.0.256]", "[10.0.0.0/33]", "[everything]", "['']",
            f"[{', '.join(['10.0.0.1'] * 257)}]",
        ],
    ),
    "network.exclude": (
        (),
        {"[]": (), "[10.0.0.0/8, 192.168.1.1]": (NET("10.0.0.0/8"), NET("192.168.1.1/32"))},
        ["auto", "[auto]", "10.0.0.1", "null", "[10.0.0.1/8]", "['::1']", "[printer]"],
    ),
    "network.port": (80, *integers(1, 65535)),
    "network.light_scan_timeout_ms": (300, *integers(10, 60_000)),
    "network.miner_probe_timeout_ms": (1500, *integers(50, 120_000)),
    "network.unlock_passwords": (
        ("admin",),
        {"[]": (), "[admin, 0123, yes, '*x: #']": ("admin", "0123", "yes", "*x: #")},
        ["admin", "null", "['']", "[null]", "[[a]]", "[{a: b}]", '["a\\0"]', f"[{', '.join('abcdefghijklmnopq')}]"],
    ),
    "intervals.discovery_seconds": (30.0, *SECONDS),
    "intervals.status_seconds": (15.0, *SECONDS),
    "intervals.telemetry_seconds": (60.0, *SECONDS),
    "discoverd.scan_concurrency": (512, *integers(1, 16_384)),
    "discoverd.probe_concurrency": (64, *integers(1, 1024)),
    "discoverd.offline_after_scans": (2, *integers(1, 1000)),
    "discoverd.zeroconf": (True, *SWITCH),
    "discoverd.zeroconf_interfaces": (
        (),
        {"[]": (), "[127.0.0.1, '::1']": ("127.0.0.1", "::1")},
        ["127.0.0.1", "[eth0]", "null", "[10.0.0.0/24]"],
    ),
    "polld.concurrency": (64, *integers(1, 1024)),
    "polld.request_timeout_ms": (5000, *integers(100, 120_000)),
    "polld.poll_unmanaged": (True, *SWITCH),
    "controld.enabled": (True, *SWITCH),
    "controld.packet_size": (10, *integers(1, 1000)),
    "controld.packet_interval_seconds": (5.0, {"0": 0.0, "0.5": 0.5, "3600": 3600.0}, ["-1", "3601", "a", "null"]),
    "controld.power_on_interval_seconds": (10.0, {"0": 0.0, "30": 30.0, "3600": 3600.0}, ["-1", "3601", "a", "null"]),
    "controld.confirm_seconds": (None, {"null": None, "1": 1.0, "3600": 3600.0}, ["0", "3601", "a", "[]"]),
    "controld.settle_seconds": (300.0, {"0": 0.0, "86400": 86400.0}, ["-1", "86401", "a", "null"]),
    "controld.stop_after_refusals": (3, *integers(1, 5000)),
    "controld.reboots_per_hour": (2, *integers(0, 60)),
    "minerd.autostart": (False, *SWITCH),
    "minerd.cooldown_seconds": (10.0, {"0": 0.0, "0.5": 0.5, "86400": 86400.0}, ["-1", "86401", "a", "null"]),
    "minerd.contact": (
        None,
        {"null": None, "a@example.org": "a@example.org", "https://example.org/bot": "https://example.org/bot"},
        ["somebody", "a@b@c", "a b@example.org", "ftp://x", '"a@example.org\\r\\nX: y"', "[a@example.org]", "''"],
    ),
    "minerd.allow_hosts": (
        (),
        {
            "[]": (),
            "[Mirror.example, 'localhost:8000', 10.0.0.0/8, '[::1]:80', 'fd00::/8']": (
                "mirror.example", "localhost:8000", "10.0.0.0/8", "[::1]:80", "fd00::/8",
            ),
        },
        ["localhost", "['http://x']", "['x:0']", "['x:99999']", "[a b]", "[1.2.3]", "null", "['[::1']"],
    ),
    "minerd.own_pace_ms": (0, *integers(0, 3_600_000)),
    "ollama.host": (
        "http://127.0.0.1:11434",
        {
            "https://box.example/ollama/": "https://box.example/ollama",
            "box": "http://box:11434",
            "10.0.0.5:99": "http://10.0.0.5:99",
            "'[::1]'": "http://[::1]:11434",
        },
        ["ftp://box", "http://", "http://a b", "http://box:0", "box:x", "null", "''", "[box]"],
    ),
    "ollama.model": ("llama3.2:1b", {"org/model:7b-q4_0": "org/model:7b-q4_0"}, ["a b", "''", "null", "[a]", "-x"]),
    "ollama.timeout_seconds": (300.0, {"1": 1.0, "86400": 86400.0}, ["0.5", "86401", "long", "null"]),
    "syncd.master": (
        "auto",
        {
            "off": "off", "AUTO": "auto", "http://10.0.0.1:8080/": "http://10.0.0.1:8080",
            f"https://box:8080#sha256:{'aB' * 32}": f"https://box:8080#sha256:{'aB' * 32}",
        },
        [
            "on", "10.0.0.1", "ws://x", "http://:80", "null", "[off]", "''", "https://x#top", "https://x#sha256:ab",
            f"http://x#sha256:{'ab' * 32}", f"https://x#sha256:{'ag' * 32}", f"https://x#sha1:{'ab' * 32}",
        ],
    ),
    "http.addr": (
        Endpoint("0.0.0.0", 8080),
        {
            "127.0.0.1:80": Endpoint("127.0.0.1", 80),
            "'[::1]:8080'": Endpoint("::1", 8080),
            "':9000'": Endpoint("0.0.0.0", 9000),
            "localhost:1": Endpoint("localhost", 1),
        },
        ["8080", "localhost", "a:0", "a:65536", "a:b", "1.2.3:80", "::1:80", "'[::1]'", "a b:80", "null", "[a:80]"],
    ),
    "http.tls": (
        "off",
        {
            "off": "off",
            "'off'": "off",
            "self-signed": "self-signed",
            "{cert: /a.pem, key: b.pem}": TlsFiles(Path("/a.pem"), Path("b.pem")),
        },
        ["on", "no", "null", "{}", "{cert: /a}", "{cert: /a, key: /b, ca: /c}", "{cert: [a], key: b}", "[off]",
         "{cert: a, cert: b, key: c}"],
    ),
    "http.names": (
        (),
        {
            "[]": (), "[hive.example.com]": ("hive.example.com",),
            "[Hive.Example.COM., rig-1]": ("hive.example.com", "rig-1"),
            "[xn--bcher-kva.example]": ("xn--bcher-kva.example",),
        },
        ["hive.example.com", "null", "[hive.example.com:8080]", "['*.example.com']", "[192.168.1.5]", "['http://a.b']",
         "['[::1]']", "['']", "[a b]", "[bücher.example]"],
    ),
    "http.plain_ingest": (True, *SWITCH),
    "http.metrics_from": (
        (),
        {
            "[]": (), "[192.168.1.7]": (ip_network("192.168.1.7"),),
            "['fd00::/8', 10.0.0.0/8]": (ip_network("fd00::/8"), ip_network("10.0.0.0/8")),
            "[0.0.0.0/0]": (ip_network("0.0.0.0/0"),),
        },
        ["192.168.1.7", "null", "[grafana]", "['']", "[192.168.1.7/24]", "[1.2.3]", "[{}]"],
    ),
    "alerts.channels": (
        (),
        {
            "{}": (),
            "{phone: 'ntfys://ntfy.sh/topic', m_2: 'mailto://a:b@c.example?to=d'}": (
                NamedUrl("phone", "ntfys://ntfy.sh/topic"), NamedUrl("m_2", "mailto://a:b@c.example?to=d"),
            ),
        },
        [
            "[]", "null", "x", "{A: 'ntfy://x'}", "{a b: 'ntfy://x'}", "{a: x}", "{a: null}", "{a: ['ntfy://x']}",
            "{a: 'ntfy://a b'}", "{a: 'ntfy://x', a: 'ntfy://y'}", "{[a]: 'ntfy://x'}", "{a: ''}",
            "{" + "a" * 33 + ": 'ntfy://x'}", "{a: 'ntfy://" + "x" * 1000 + "'}",
        ],
    ),
    "alerts.allow_hosts": ((), {"[]": (), "['mail.lan:25']": ("mail.lan:25",)}, ["mail.lan", "['x:0']", "null"]),
    "alerts.heartbeat": (
        None,
        {"null": None, "https://hc.example/a-b": "https://hc.example/a-b", "http://[::1]:80/": "http://[::1]:80"},
        ["ftp://x", "x", "''", "[a]", "https://", "https://x:0/", "{}"],
    ),
    "metrics.push": (
        None,
        {
            "null": None, "https://a:b@metrics.example/api/v1/push": "https://a:b@metrics.example/api/v1/push",
            "http://127.0.0.1:9090/api/v1/write": "http://127.0.0.1:9090/api/v1/write",
        },
        ["ftp://x", "x", "''", "[a]", "https://", "https://x:0/", "{}"],
    ),
    "mqtt.url": (
        None,
        {
            "null": None, "mqtts://broker.example": "mqtts://broker.example", "mqtt://127.0.0.1:99/": "mqtt://127.0.0.1:99",
            "'mqtts://[::1]:8883'": "mqtts://[::1]:8883",
        },
        [
            "broker", "http://broker", "ws://broker", "mqtt://", "mqtt://u:p@broker", "mqtt://broker:0", "mqtt://broker:x",
            "mqtts://broker/topic", "mqtt://broker?a=b", "mqtt://a b", "''", "[mqtt://broker]",
        ],
    ),
    "mqtt.username": (None, {"null": None, "box": "box"}, ["''", "[a]", "{}", '"a\\nb"']),
    "mqtt.password": (None, {"null": None, "'0123'": "0123", "a b": "a b"}, ["''", "[a]", "{}", '"a\\nb"']),
    "mqtt.ca": (None, {"null": None, "/etc/ca.pem": Path("/etc/ca.pem")}, ["ca.pem", "''", "[/a]", "{}"]),
    "mqtt.discovery_prefix": ("homeassistant", {"ha": "ha", "a/b": "a/b"}, ["a/", "/a", "a//b", "a/#", "''", "null"]),
    "mqtt.topic": ("hived", {"rigs": "rigs", "a/b": "a/b"}, ["a/", "/a", "a//b", "+", "#", "ä", "$SYS", "''", "null"]),
    "mqtt.steer": (False, *SWITCH),
    "mqtt.steer_reboot": (False, *SWITCH),
    "retention.raw_days": (7.0, *DAYS),
    "retention.rollup_5m_days": (90.0, *DAYS),
    "retention.rollup_1h_days": (730.0, *DAYS),
    "retention.telemetry_raw_hours": (48.0, {"0.1": 0.1, "87600": 87600.0}, ["0", "87601", "x", "null"]),
    "retention.telemetry_30m_days": (30.0, *DAYS),
    "retention.max_database_mb": (4096, *integers(16, 16_777_216)),
    "log.level": ("info", {"debug": "debug", "WARNING": "warning"}, ["loud", "null", "5", "[info]", "''"]),
}  # fmt: skip


def file_with(name: str, text: str, folder: Path) -> Path:
    section, _, key = name.partition(".")
    path = folder / "hived.yaml"
    path.write_text(f"{section}:\n  {key}: {text}\n", encoding="utf-8")
    return path


def test_every_option_has_its_cases_here() -> None:
    assert list(CASES) == [option.name for option in OPTIONS]


@pytest.mark.parametrize("name", CASES)
def test_the_default_is_what_the_contract_says(name: str) -> None:
    assert BY_NAME[name].default == CASES[name][0]
    assert Config().value(name) == CASES[name][0]
    assert type(BY_NAME[name].default) is type(CASES[name][0])


@pytest.mark.parametrize(("name", "text"), [(name, text) for name in CASES for text in CASES[name][1]])
def test_a_good_value_gets_its_type(name: str, text: str, tmp_path: Path) -> None:
    value = load(file_with(name, text, tmp_path), env={}, flags={}).value(name)
    assert value == CASES[name][1][text]
    assert type(value) is type(CASES[name][1][text])


@pytest.mark.parametrize(
    ("name", "text"), [(name, text) for name in CASES for text in CASES[name][2]], ids=lambda text: text[:30]
)
def test_a_bad_value_is_refused_on_one_line_with_its_place(name: str, text: str, tmp_path: Path) -> None:
    path = file_with(name, text, tmp_path)
    with pytest.raises(BadConfig) as caught:
        load(path, env={}, flags={})
    message = str(caught.value)
    assert message.startswith(f"{path}:2: {name}: expected {BY_NAME[name].kind.expected}, got ")
    assert len(message.splitlines()) == 1
    assert len(message) < 400 + len(str(path))


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
def test_a_reader_raises_nothing_but_wrong(option: Option) -> None:
    for kind in get_args(written.Kind):
        for text in ("", "x", "1", "[", "://", "a:b:c", "\ud800", "9" * 400):
            with contextlib.suppress(Wrong):
                option.kind.read(written.Written(kind, text))
