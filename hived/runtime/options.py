"""The one table of options: name, kind, default, help, secrecy, and the other doors it can come through."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from hived.runtime import kinds
from hived.runtime.kinds import Endpoint, Kind


@dataclass(frozen=True, slots=True)
class Option:
    """One option. `hide`: "whole" is never shown, "password" is a URL shown without its password."""

    name: str
    kind: Kind
    default: Any
    help: str
    hide: Literal["", "whole", "password"] = ""
    inherited_env: str | None = None
    """A variable of existing set-ups that means the same."""
    flag: str | None = None

    @property
    def section(self) -> str:
        return self.name.partition(".")[0]

    @property
    def key(self) -> str:
        return self.name.partition(".")[2]

    @property
    def env(self) -> str:
        return f"HIVED_{self.section.upper()}__{self.key.upper()}"


_DAYS = kinds.number(0.1, 3650)  # ten years: more is a typing error
_NODE_ID = r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}"

OPTIONS: tuple[Option, ...] = (
    Option(
        "node.name",
        kinds.optional(kinds.text("a name of at most 63 bytes", most=63)),
        None,
        "How people and other nodes call this one. null: the host's name.",
    ),
    Option(
        "node.site",
        kinds.optional(kinds.text("a name of at most 100 bytes", most=100)),
        None,
        "The place where it stands; nodes of one site are shown together.",
    ),
    Option(
        "node.id",
        kinds.optional(kinds.text("letters, digits and . _ : - (at most 64)", pattern=_NODE_ID)),
        None,
        "The identity towards the master. null: made at the first start and kept beside the database.",
        inherited_env="NODE_ID",
    ),
    Option(
        "node.state_dir",
        kinds.optional(kinds.folder()),
        None,
        "Folder of this node's id, key file and certificates. null: that of the SQLite file, else /var/lib/hived.",
    ),
    Option(
        "database.url",
        kinds.database_url(),
        "sqlite:////var/lib/hived/hived.db",
        "Where everything is kept: one SQLite file, or PostgreSQL on the master.",
        hide="password",
        inherited_env="DATABASE_URL",
    ),
    Option(
        "network.subnets",
        kinds.scanned_networks(),
        (),
        "Networks to search for miners. [] searches nothing; auto: those of this host's own interfaces.",
    ),
    Option("network.exclude", kinds.excluded_networks(), (), "Addresses or networks that are never touched."),
    Option("network.port", kinds.integer(1, 65535), 80, "TCP port of the miners' HTTP API."),
    Option(
        "network.light_scan_timeout_ms",
        kinds.integer(10, 60_000),
        300,
        "Milliseconds to wait for the first TCP connect to an address.",
    ),
    Option(
        "network.miner_probe_timeout_ms",
        kinds.integer(50, 120_000),
        1500,
        "Milliseconds to wait for the answer of an address that accepted.",
    ),
    Option(
        "network.unlock_passwords",
        kinds.listing("passwords", kinds.text("a password"), most=16),
        ("admin",),
        "Tried in this order on a miner without a stored password.",
        hide="whole",
    ),
    Option("intervals.discovery_seconds", kinds.number(0.1, 86_400), 30.0, "Seconds from one search to the next."),
    Option("intervals.status_seconds", kinds.number(0.1, 86_400), 15.0, "Seconds between two status readings."),
    Option(
        "intervals.telemetry_seconds", kinds.number(0.1, 86_400), 60.0, "Seconds between two readings of the chips."
    ),
    Option("discoverd.scan_concurrency", kinds.integer(1, 16_384), 512, "Addresses tried at the same time."),
    Option("discoverd.probe_concurrency", kinds.integer(1, 1024), 64, "Responders looked at at the same time."),
    Option(
        "discoverd.offline_after_scans",
        kinds.integer(1, 1000),
        2,
        "Searches in a row that miss a miner before it counts as offline.",
    ),
    Option("discoverd.zeroconf", kinds.switch(), True, "Announce this node and look for others by mDNS."),
    Option(
        "discoverd.zeroconf_interfaces",
        kinds.interface_addresses(),
        (),
        "Addresses of the interfaces that mDNS uses. []: all.",
    ),
    Option("polld.concurrency", kinds.integer(1, 1024), 64, "Miners asked at the same time."),
    Option("polld.request_timeout_ms", kinds.integer(100, 120_000), 5000, "Milliseconds that one request may take."),
    Option("polld.poll_unmanaged", kinds.switch(), True, "Read every miner with a key, not only the managed ones."),
    Option("minerd.autostart", kinds.switch(), False, "Collect as soon as the daemon runs."),
    Option("minerd.cooldown_seconds", kinds.number(0, 86_400), 10.0, "Seconds of rest after all sources."),
    Option(
        "minerd.contact",
        kinds.optional(kinds.contact()),
        None,
        "Who runs this collector, told to every host in the User-Agent. null: only allow_hosts are asked.",
    ),
    Option(
        "minerd.allow_hosts",
        kinds.own_hosts(),
        (),
        "The operator's own hosts: they may have private addresses and are asked at own_pace_ms.",
    ),
    Option("minerd.own_pace_ms", kinds.integer(0, 3_600_000), 0, "Milliseconds between requests to own hosts."),
    Option(
        "ollama.host",
        kinds.ollama_host(),
        "http://127.0.0.1:11434",
        "The model server.",
        hide="password",
        inherited_env="OLLAMA_HOST",
    ),
    Option(
        "ollama.model",
        kinds.text("the name of a model such as llama3.2:1b", pattern=r"[A-Za-z0-9][A-Za-z0-9._:/-]*"),
        "llama3.2:1b",
        "The model that describes objects.",
        inherited_env="OLLAMA_MODEL",
    ),
    Option("ollama.timeout_seconds", kinds.number(1, 86_400), 300.0, "Seconds that one description may take."),
    Option(
        "syncd.master",
        kinds.web_url_or("auto", "off"),
        "auto",
        "The master that gets what this node learns. auto: found by zeroconf.",
        hide="password",
        inherited_env="MASTER_URL",
    ),
    Option(
        "http.addr",
        kinds.endpoint(),
        Endpoint("0.0.0.0", 8080),  # noqa: S104  a dashboard on the LAN is the purpose; hive-apid guards it with logins
        "Where hive-apid listens.",
        flag="--addr",
    ),
    Option("http.tls", kinds.tls(), "off", "off, self-signed, or the files of a certificate."),
    Option(
        "http.loopback_login",
        kinds.switch(),
        False,
        "Log browsers on this machine in as admin without a password: for trials, never on a shared machine.",
    ),
    Option("retention.raw_days", _DAYS, 7.0, "Days that status readings are kept as they came."),
    Option("retention.rollup_5m_days", _DAYS, 90.0, "Days that 5-minute summaries are kept."),
    Option("retention.rollup_1h_days", _DAYS, 730.0, "Days that hourly summaries are kept."),
    Option(
        "retention.telemetry_raw_hours",
        kinds.number(0.1, 87_600),
        48.0,
        "Hours that chip readings are kept as they came.",
    ),
    Option("retention.telemetry_30m_days", _DAYS, 30.0, "Days that 30-minute chip readings are kept."),
    Option(
        "retention.max_database_mb",
        kinds.integer(16, 16_777_216),
        4096,
        "MiB that the database may take; beyond, the oldest history goes first.",
    ),
    Option(
        "log.level",
        kinds.word("debug", "info", "warning", "error", "critical"),
        "info",
        "The least important message that is logged.",
        flag="--log-level",
    ),
)

BY_NAME: dict[str, Option] = {option.name: option for option in OPTIONS}
SECTIONS: dict[str, tuple[Option, ...]] = {
    section: tuple(option for option in OPTIONS if option.section == section)
    for section in dict.fromkeys(option.section for option in OPTIONS)
}
DEFAULTS: dict[str, Any] = {option.name: option.default for option in OPTIONS}
