"""Every option, declared once: its type, what it may be, its default. What it is for stands in etc/hived.yaml.

Its line there, with the reason above it, is what the man page tells; tests/test_config_sample.py wants one.
"""

from __future__ import annotations

import socket
from dataclasses import Field, dataclass, field, fields
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Any, Literal, TypeVar

from hived.runtime import kinds
from hived.runtime.kinds import Endpoint, Kind, TlsFiles, integer, listing, number, optional, switch, text
from hived.runtime.named_urls import NamedUrl, named_urls

T = TypeVar("T")

_DAYS = number(0.1, 3650)  # ten years: more is a typing error
_SECONDS = number(0.1, 86_400)


def option(
    kind: Kind[T],
    default: T,
    *,
    hide: Literal["", "whole", "password"] = "",
    inherited_env: str | None = None,
    flag: str | None = None,
) -> T:
    """Declare an option.

    `hide`: "whole" is never shown, "password" is a URL shown without its password. `inherited_env`: a variable of
    existing set-ups that means the same. `flag`: that of a daemon.
    """
    more = {"kind": kind, "hide": hide, "inherited_env": inherited_env, "flag": flag}
    declared: Any = field(default=default, repr=not hide, metadata=more)
    return declared  # type: ignore[no-any-return]  # dataclass makes an attribute with this default of it


@dataclass(frozen=True, slots=True)
class Node:
    name: str | None = option(optional(text("a name of at most 63 bytes", most=63)), None)
    site: str | None = option(optional(text("a name of at most 100 bytes", most=100)), None)
    id: str | None = option(
        optional(text("letters, digits and . _ : - (at most 64)", pattern=r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}")), None,
        inherited_env="NODE_ID",
    )  # fmt: skip
    state_dir: Path | None = option(optional(kinds.folder), None)

    @property
    def effective_name(self) -> str:
        """The name, else the host's."""
        return self.name or socket.gethostname()


@dataclass(frozen=True, slots=True)
class Database:
    url: str = option(
        kinds.database_url, "sqlite:////var/lib/hived/hived.db", hide="password", inherited_env="DATABASE_URL"
    )

    @property
    def sqlite_path(self) -> Path | None:
        """The file of a SQLite URL (relative ones belong to the working directory), None for PostgreSQL."""
        path = self.url.removeprefix("sqlite:///")
        return None if path == self.url else Path(path)


@dataclass(frozen=True, slots=True)
class Network:
    subnets: tuple[IPv4Network | Literal["auto"], ...] = option(listing(kinds.scanned_network), ())
    exclude: tuple[IPv4Network, ...] = option(listing(kinds.network), ())
    port: int = option(integer(1, 65535), 80)
    light_scan_timeout_ms: int = option(integer(10, 60_000), 300)
    miner_probe_timeout_ms: int = option(integer(50, 120_000), 1500)
    unlock_passwords: tuple[str, ...] = option(listing(text("passwords"), most=16), ("admin",), hide="whole")

    @property
    def light_scan_timeout_s(self) -> float:
        return self.light_scan_timeout_ms / 1000

    @property
    def miner_probe_timeout_s(self) -> float:
        return self.miner_probe_timeout_ms / 1000


@dataclass(frozen=True, slots=True)
class Intervals:
    discovery_seconds: float = option(_SECONDS, 30.0)
    status_seconds: float = option(_SECONDS, 15.0)
    telemetry_seconds: float = option(_SECONDS, 60.0)


@dataclass(frozen=True, slots=True)
class Discoverd:
    scan_concurrency: int = option(integer(1, 16_384), 512)
    probe_concurrency: int = option(integer(1, 1024), 64)
    offline_after_scans: int = option(integer(1, 1000), 2)
    zeroconf: bool = option(switch, True)
    zeroconf_interfaces: tuple[str, ...] = option(listing(kinds.interface), ())


@dataclass(frozen=True, slots=True)
class Polld:
    concurrency: int = option(integer(1, 1024), 64)
    request_timeout_ms: int = option(integer(100, 120_000), 5000)
    poll_unmanaged: bool = option(switch, True)

    @property
    def request_timeout_s(self) -> float:
        return self.request_timeout_ms / 1000


@dataclass(frozen=True, slots=True)
class Controld:
    """`confirm_seconds`: None is the time that the miner's own family of firmware needs."""

    enabled: bool = option(switch, True)
    packet_size: int = option(integer(1, 1000), 10)
    packet_interval_seconds: float = option(number(0, 3600), 5.0)
    power_on_interval_seconds: float = option(number(0, 3600), 10.0)
    confirm_seconds: float | None = option(optional(number(1, 3600)), None)
    settle_seconds: float = option(number(0, 86_400), 300.0)
    stop_after_refusals: int = option(integer(1, 5000), 3)
    reboots_per_hour: int = option(integer(0, 60), 2)


@dataclass(frozen=True, slots=True)
class Minerd:
    autostart: bool = option(switch, False)
    cooldown_seconds: float = option(number(0, 86_400), 10.0)
    contact: str | None = option(optional(kinds.contact), None)
    allow_hosts: tuple[str, ...] = option(listing(kinds.own_host), ())
    own_pace_ms: int = option(integer(0, 3_600_000), 0)

    @property
    def own_pace_s(self) -> float:
        return self.own_pace_ms / 1000


@dataclass(frozen=True, slots=True)
class Ollama:
    host: str = option(kinds.ollama_host, "http://127.0.0.1:11434", hide="password", inherited_env="OLLAMA_HOST")
    model: str = option(
        text("the name of a model such as llama3.2:1b", pattern=r"[A-Za-z0-9][A-Za-z0-9._:/-]*"), "llama3.2:1b",
        inherited_env="OLLAMA_MODEL",
    )  # fmt: skip
    timeout_seconds: float = option(number(1, 86_400), 300.0)


@dataclass(frozen=True, slots=True)
class Syncd:
    """`master` is "auto", "off" or a URL without a slash at its end."""

    master: str = option(kinds.web_url_or("auto", "off"), "auto", hide="password", inherited_env="MASTER_URL")


@dataclass(frozen=True, slots=True)
class Http:
    """`tls` is "off", "self-signed" or the files to use."""

    # A dashboard on the LAN is the purpose; hive-apid guards it with logins.
    addr: Endpoint = option(kinds.endpoint, Endpoint("0.0.0.0", 8080), flag="--addr")  # noqa: S104
    tls: TlsFiles | str = option(kinds.tls, "off")
    names: tuple[str, ...] = option(listing(kinds.dns_name), ())
    plain_ingest: bool = option(switch, True)
    metrics_from: tuple[IPv4Network | IPv6Network, ...] = option(listing(kinds.any_network), ())


_TOPIC = r"[A-Za-z0-9_-]{1,64}(/[A-Za-z0-9_-]{1,64}){0,7}"


@dataclass(frozen=True, slots=True)
class Mqtt:
    """`url` None: no broker. `steer_reboot` adds to `steer`, and does nothing without it."""

    url: str | None = option(optional(kinds.broker_url), None)
    username: str | None = option(optional(text("the name of a user of the broker")), None)
    password: str | None = option(optional(text("a password")), None, hide="whole")
    ca: Path | None = option(optional(kinds.file), None)
    discovery_prefix: str = option(text("a topic such as homeassistant", pattern=_TOPIC), "homeassistant")
    topic: str = option(text("a topic such as hived", pattern=_TOPIC), "hived")
    steer: bool = option(switch, False)
    steer_reboot: bool = option(switch, False)


@dataclass(frozen=True, slots=True)
class Alerts:
    channels: tuple[NamedUrl, ...] = option(named_urls, (), hide="whole")
    allow_hosts: tuple[str, ...] = option(listing(kinds.own_host), ())
    heartbeat: str | None = option(optional(kinds.web_url), None, hide="whole")


@dataclass(frozen=True, slots=True)
class Metrics:
    push: str | None = option(optional(kinds.web_url), None, hide="password")


@dataclass(frozen=True, slots=True)
class Retention:
    raw_days: float = option(_DAYS, 7.0)
    rollup_5m_days: float = option(_DAYS, 90.0)
    rollup_1h_days: float = option(_DAYS, 730.0)
    telemetry_raw_hours: float = option(number(0.1, 87_600), 48.0)
    telemetry_30m_days: float = option(_DAYS, 30.0)
    max_database_mb: int = option(integer(16, 16_777_216), 4096)


@dataclass(frozen=True, slots=True)
class Log:
    level: str = option(kinds.word("debug", "info", "warning", "error", "critical"), "info", flag="--log-level")


@dataclass(frozen=True, slots=True)
class Option:
    """One option as the readers of a configuration see it."""

    section: str
    key: str
    default: Any
    kind: Kind[Any]
    hide: str
    inherited_env: str | None
    flag: str | None

    @property
    def name(self) -> str:
        return f"{self.section}.{self.key}"

    @property
    def env(self) -> str:
        return env_of(self.name)


def env_of(name: str) -> str:
    """Return the variable of the environment that sets an option."""
    return f"HIVED_{name.upper().replace('.', '__')}"


def _options(section: type[Any]) -> tuple[Option, ...]:
    declared: tuple[Field[Any], ...] = fields(section)
    return tuple(Option(section.__name__.lower(), each.name, each.default, **each.metadata) for each in declared)


TYPES: dict[str, type[Any]] = {
    section.__name__.lower(): section
    for section in (
        Node, Database, Network, Intervals, Discoverd, Polld, Controld, Minerd, Ollama, Syncd, Http, Alerts, Metrics,
        Mqtt, Retention, Log,
    )
}  # fmt: skip
SECTIONS = {name: _options(section) for name, section in TYPES.items()}
OPTIONS = tuple(option for options in SECTIONS.values() for option in options)
BY_NAME = {option.name: option for option in OPTIONS}

RETIRED = {
    "http.loopback_login": "`hivectl login-link` prints a link that logs a browser on this machine in",
}
"""Options of earlier versions, and what there is instead. They are ignored with a warning: no update stops a box."""
