"""The typed configuration and where each value of it came from.

File, drop-ins, the file of secrets, environment, flags, in this order.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import yaml

from hived.errors import BadConfig
from hived.runtime import options, written
from hived.runtime.disk import own_user
from hived.runtime.kinds import Endpoint, TlsFiles, Wrong
from hived.runtime.options import BY_NAME, OPTIONS, RETIRED, SECTIONS, TYPES, Option, env_of
from hived.runtime.written import Unusable, Written, one_line

DEFAULT_PATH = Path("/etc/hived/hived.yaml")
STATE_DIR = Path("/var/lib/hived")
SECRETS = "secrets.yaml"
"""Beside the main file: the same options, where nobody else may read them."""
MAX_DROP_INS = 100  # more files than anyone keeps in conf.d
_NO_OPTION = "is no option any more and is ignored"


@dataclass(frozen=True, slots=True)
class Config:
    """Every option, typed. `Config()` holds the defaults. Secrets are not part of the repr."""

    node: options.Node = field(default_factory=options.Node)
    database: options.Database = field(default_factory=options.Database)
    network: options.Network = field(default_factory=options.Network)
    intervals: options.Intervals = field(default_factory=options.Intervals)
    discoverd: options.Discoverd = field(default_factory=options.Discoverd)
    polld: options.Polld = field(default_factory=options.Polld)
    controld: options.Controld = field(default_factory=options.Controld)
    minerd: options.Minerd = field(default_factory=options.Minerd)
    ollama: options.Ollama = field(default_factory=options.Ollama)
    syncd: options.Syncd = field(default_factory=options.Syncd)
    http: options.Http = field(default_factory=options.Http)
    alerts: options.Alerts = field(default_factory=options.Alerts)
    metrics: options.Metrics = field(default_factory=options.Metrics)
    mqtt: options.Mqtt = field(default_factory=options.Mqtt)
    retention: options.Retention = field(default_factory=options.Retention)
    log: options.Log = field(default_factory=options.Log)
    origin: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)
    """Where each value that is not the default was written: "network.port" -> "/etc/hived/hived.yaml:12"."""
    ignored: tuple[str, ...] = field(default=(), compare=False)
    """A sentence for each option of an earlier version that is set."""

    @property
    def state_dir(self) -> Path:
        """Where this node keeps its id, its key file and its certificates."""
        if self.node.state_dir is not None:
            return self.node.state_dir
        file = self.database.sqlite_path
        return file.parent if file is not None else STATE_DIR

    @property
    def folders(self) -> tuple[Path, ...]:
        """Where this node writes."""
        file = self.database.sqlite_path
        return (self.state_dir,) if file is None else (self.state_dir, file.parent)

    def value(self, name: str) -> Any:
        """Return an option by its full name, such as "network.port"."""
        option = BY_NAME[name]
        return getattr(getattr(self, option.section), option.key)

    def public(self) -> dict[str, dict[str, Any]]:
        """Return every option as YAML would write it, without what is secret."""
        return {
            section: {option.key: _public(option, self.value(option.name)) for option in declared}
            for section, declared in SECTIONS.items()
        }

    def secrets(self) -> dict[Path, list[str]]:
        """Return the options that hold a secret, by the file in which each was written."""
        found: dict[Path, list[str]] = {}
        for option in OPTIONS:
            value, (file, line, _) = self.value(option.name), self.origin.get(option.name, "").rpartition(":")
            if line and option.hide and value != option.default and _public(option, value) != value:
                found.setdefault(Path(file), []).append(option.name)
        return found

    def changes(self, other: Config) -> list[str]:
        """Name the options that differ in the other one."""
        return [option.name for option in OPTIONS if self.value(option.name) != other.value(option.name)]


def load(path: Path | None, *, env: Mapping[str, str], flags: Mapping[str, str]) -> Config:
    """Read the configuration or raise BadConfig with one line that says where and what was expected.

    `path`: None takes $HIVED_CONFIG, else /etc/hived/hived.yaml, which alone may be missing. `env`: all of the
    environment. `flags`: option name -> text, such as {"http.addr": "127.0.0.1:8080"}.
    """
    values: dict[str, Any] = {}
    origin: dict[str, str] = {}
    ignored: list[str] = []
    if path is None and env.get("HIVED_CONFIG"):
        path = Path(env["HIVED_CONFIG"])
    for file in _files(path):
        for name, raw in _from_file(file):
            where = f"{file}:{raw.line}"
            if name in RETIRED:
                ignored.append(f"{where}: {name} {_NO_OPTION}: {RETIRED[name]}")
            else:
                values[name], origin[name] = _read(BY_NAME[name], raw, f"{where}: {name}", str(file)), where
    for name, raw, where in (*_inherited(env), *_from_env(env, ignored)):
        values[name], origin[name] = _read(BY_NAME[name], raw, where), where
    for name, text in flags.items():
        option = BY_NAME[name]
        where = option.flag or f"--{name}"
        values[name], origin[name] = _read(option, _loose(option, text, where), where), where
    return _build(values, origin, ignored)


def show(config: Config) -> str:
    """Return the effective configuration as YAML, without secrets, each value with its origin as a comment."""
    lines = []
    for section, values in config.public().items():
        lines.append(f"{section}:")
        for key, value in values.items():
            # Inside a list YAML writes every value on one line; the brackets go again.
            text = yaml.safe_dump([value], default_flow_style=True, width=10**6, allow_unicode=True).strip()[1:-1]
            lines.append(f"  {key}: {text}".ljust(48) + f"  # {config.origin.get(f'{section}.{key}', 'default')}")
    return "\n".join(lines) + "\n"


def _build(values: Mapping[str, Any], origin: Mapping[str, str], ignored: Sequence[str]) -> Config:
    sections = {
        name: section(**{o.key: values[o.name] for o in SECTIONS[name] if o.name in values})
        for name, section in TYPES.items()
    }
    return Config(**sections, origin=dict(origin), ignored=tuple(ignored))


def _files(path: Path | None) -> Iterator[Path]:
    main = path or DEFAULT_PATH
    if path is not None or main.exists():
        yield main
    yield from _drop_ins(main.parent / "conf.d")
    secrets = main.parent / SECRETS
    if secrets.exists():
        yield secrets


def _drop_ins(folder: Path) -> Iterator[Path]:
    try:
        names = sorted(entry.name for entry in folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as err:
        raise BadConfig(f"{folder}: cannot be read: {err.strerror}") from err
    drop_ins = [name for name in names if name.endswith(".yaml") and not name.startswith(".")]
    if len(drop_ins) > MAX_DROP_INS:
        raise BadConfig(f"{folder}: {len(drop_ins)} files, at most {MAX_DROP_INS} are read")
    yield from (folder / name for name in drop_ins)


def _from_file(file: Path) -> Iterator[tuple[str, Written]]:
    """Yield the name and the value of each option in a file, those that are retired too."""
    try:
        document = written.parse(written.read_text(file))
        if document is None or document.kind == "null":
            return
        if document.kind != "mapping":
            raise Unusable(f"expected sections such as network:, got {document.described()}", document.line)
        for section, content in written.entries(document):
            if section.text not in SECTIONS:
                raise Unusable(_unknown_section(section.text), section.line)
            if content.kind == "null":  # every option of it is commented out
                continue
            if content.kind != "mapping":
                raise Unusable(f"{section.text}: expected options, got {content.described()}", content.line)
            for key, value in written.entries(content, f"{section.text}."):
                name = f"{section.text}.{key.text}"
                if name not in BY_NAME and name not in RETIRED:
                    raise Unusable(_unknown_option(section.text, key.text), key.line)
                yield name, value
    except Unusable as err:
        raise BadConfig(f"{file}:{err.line}: {err}" if err.line else f"{file}: {err}") from err
    except OSError as err:
        whose = f": it must belong to {own_user()}" if file.name == SECRETS else ""
        raise BadConfig(f"{file}: cannot be read: {err.strerror}{whose}") from err


def _inherited(env: Mapping[str, str]) -> Iterator[tuple[str, Written, str]]:
    for option in OPTIONS:
        # Container set-ups pass variables through that nobody has set: empty means absent.
        if option.inherited_env and (text := env.get(option.inherited_env, "").strip()):
            yield option.name, written.scalar(text), f"environment {option.inherited_env}"


def _from_env(env: Mapping[str, str], ignored: list[str]) -> Iterator[tuple[str, Written, str]]:
    by_env = {option.env: option for option in OPTIONS}
    retired = {env_of(name): name for name in RETIRED}
    for name in sorted(env):
        if not name.startswith("HIVED_") or "__" not in name:
            continue
        where = f"environment {name}"
        if name in retired:
            ignored.append(f"{where} {_NO_OPTION}: {RETIRED[retired[name]]}")
            continue
        if name not in by_env:
            raise BadConfig(f"{one_line(where)}: unknown option{_meant(name, by_env)}")
        yield by_env[name].name, _loose(by_env[name], env[name], where), where


def _loose(option: Option, text: str, where: str) -> Written:
    """Read a value without a file around it: YAML in [ ], { } or quotes, a list with commas, else the bare word."""
    text = text.strip()
    if text[:1] in ("[", "{", '"', "'"):
        try:
            return written.parse(text) or Written("null")
        except Unusable as err:
            raise BadConfig(f"{where}: expected {option.kind.expected}: {err}") from err
    if option.kind.many:
        return Written("list", items=tuple(written.scalar(item.strip()) for item in text.split(",")) if text else ())
    return written.scalar(text)


def _read(option: Option, raw: Written, where: str, file: str | None = None) -> Any:
    try:
        return option.kind.read(raw)
    except Wrong as wrong:
        if file is not None and wrong.at.line is not None:  # in a long list the line of the item helps more
            where = f"{file}:{wrong.at.line}: {option.name}"
        why = f": {wrong.why}" if wrong.why else ""
        raise BadConfig(f"{where}: expected {option.kind.expected}, got {_described(option, wrong.at)}{why}") from wrong


def _described(option: Option, raw: Written) -> str:
    hidden = option.hide == "whole" or (option.hide == "password" and "@" in raw.text)
    if hidden and raw.kind not in ("null", "list", "mapping"):
        return "a value that is not shown because it may hold a password"
    return raw.described()


def _unknown_section(name: str) -> str:
    meant = _meant(name, SECTIONS)
    return f"{one_line(name)}: unknown section{meant or ', the sections are ' + ', '.join(SECTIONS)}"


def _unknown_option(section: str, key: str) -> str:
    keys = [option.key for option in SECTIONS[section]]
    elsewhere = [option.name for option in OPTIONS if option.key == key]
    meant = _meant(key, keys, prefix=f"{section}.")
    if not meant and elsewhere:
        meant = f", did you mean {elsewhere[0]}?"
    return f"{section}.{one_line(key)}: unknown option{meant or ', the options are ' + ', '.join(keys)}"


def _meant(name: str, known: Mapping[str, Any] | list[str], prefix: str = "") -> str:
    import difflib  # for a mistake alone

    close = difflib.get_close_matches(name[:80].lower() if name[:1].islower() else name[:80], list(known), n=1)
    return f", did you mean {prefix}{close[0]}?" if close else ""


def _public(option: Option, value: Any) -> Any:
    match value:
        case tuple() if option.kind.keyed:
            return {name: "***" for name, _ in value}
        case str() if option.hide == "whole":
            return "***"
        case tuple() if option.hide == "whole":
            return ["***"] * len(value)
        case Endpoint():
            return str(value)
        case tuple():
            return [_public(option, item) for item in value]
        case TlsFiles():
            return {"cert": str(value.cert), "key": str(value.key)}
        case float() if value.is_integer():
            return int(value)
        case IPv4Network() | Path():
            return str(value)
        case str() if option.hide == "password":
            hidden = re.sub(r"(://[^:/@]*:).*@", r"\1***@", value)
            return re.sub(r"(?i)([?&][^=&]*(?:pass|pwd|key|token|secret)[^=&]*=)[^&#]*", r"\1***", hidden)
    return value
