"""What an option may be: one reader per kind of value, from the written form to the typed one."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Generic, Literal, NamedTuple, TypeVar
from urllib.parse import urlsplit

from hived.runtime.written import Unusable, Written, entries

T = TypeVar("T")

MAX_TEXT = 255  # the longest host name; every text of ours is shorter
MAX_ITEMS = 256  # more subnets than any site has
SMALLEST_PREFIX = 16  # 65,536 addresses: at 1,700 a second one sweep takes 40 s

_DECIMAL = re.compile(r"[+-]?(0|[1-9][0-9]{0,17})")
_NUMBER = re.compile(r"[+-]?([0-9]{1,18}(\.[0-9]{0,18})?|\.[0-9]{1,18})([eE][+-]?[0-9]{1,2})?")
_HOST = re.compile(r"(?=.{1,253}$)[A-Za-z0-9_]([A-Za-z0-9_-]{0,62})(\.[A-Za-z0-9_][A-Za-z0-9_-]{0,62})*\.?")
_MAIL = re.compile(r"[^\s@<>]{1,64}@[^\s@<>]{1,189}")
_PINNED = re.compile(r"sha256:[0-9A-Fa-f]{64}")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


class Endpoint(NamedTuple):
    """Where to listen."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """A certificate (chain) and its key, both PEM."""

    cert: Path
    key: Path


class Wrong(Exception):
    """A value that cannot be what the option asks for. `at` is the part to blame, `why` the rule when it needs one."""

    def __init__(self, at: Written, why: str = "") -> None:
        super().__init__(why)
        self.at = at
        self.why = why


@dataclass(frozen=True, slots=True)
class Kind(Generic[T]):
    """`expected` completes the sentence "expected ...". `read` raises Wrong. `many`: a list; `keyed`: named values."""

    expected: str
    read: Callable[[Written], T]
    many: bool = False
    keyed: bool = False


def kind(expected: str) -> Callable[[Callable[[Written], T]], Kind[T]]:
    """Make a kind of the function that reads it."""
    return lambda read: Kind(expected, read)


def integer(low: int, high: int) -> Kind[int]:
    @kind(f"an integer from {low} to {high}")
    def read(raw: Written) -> int:
        if raw.kind != "integer":
            raise Wrong(raw, "take the quotes away" if raw.quoted and _DECIMAL.fullmatch(raw.text) else "")
        if not _DECIMAL.fullmatch(raw.text):
            raise Wrong(raw, "write it in plain decimal digits")
        if not low <= int(raw.text) <= high:
            raise Wrong(raw)
        return int(raw.text)

    return read


def number(low: float, high: float) -> Kind[float]:
    @kind(f"a number from {low:g} to {high:g}")
    def read(raw: Written) -> float:
        plain = _NUMBER.fullmatch(raw.text) is not None
        if raw.quoted or not plain:
            raise Wrong(raw, "take the quotes away" if raw.quoted and plain else "")
        if not low <= float(raw.text) <= high:
            raise Wrong(raw)
        return float(raw.text)

    return read


@kind("true or false")
def switch(raw: Written) -> bool:
    if raw.kind != "switch":
        raise Wrong(raw, "take the quotes away" if raw.quoted and raw.text in ("true", "false") else "")
    return raw.text.lower() in ("true", "yes", "on")


def word(*words: str) -> Kind[str]:
    @kind(f"one of {', '.join(words)}")
    def read(raw: Written) -> str:
        # `off` is a boolean for YAML; here it is the word that it looks like.
        if raw.kind in ("list", "mapping") or raw.text.lower() not in words:
            raise Wrong(raw)
        return raw.text.lower()

    return read


def _plain(raw: Written, most: int = MAX_TEXT) -> str:
    """Take the characters as written: 0123 and yes are texts as well as any other."""
    if raw.kind in ("null", "list", "mapping"):
        raise Wrong(raw)
    if not raw.text.strip():
        raise Wrong(raw, "it is empty")
    if len(raw.text.encode(errors="replace")) > most:
        raise Wrong(raw, f"longer than {most} bytes")
    if _UNPRINTABLE.search(raw.text):
        raise Wrong(raw, "it has characters that cannot be printed")
    return raw.text


def text(what: str, *, most: int = MAX_TEXT, pattern: str | None = None) -> Kind[str]:
    @kind(what)
    def read(raw: Written) -> str:
        value = _plain(raw, most)
        if pattern is not None and not re.fullmatch(pattern, value):
            raise Wrong(raw)
        return value

    return read


def optional(inner: Kind[T]) -> Kind[T | None]:
    return Kind(f"{inner.expected}, or null", lambda raw: None if raw.kind == "null" else inner.read(raw))


def listing(item: Kind[T], *, most: int = MAX_ITEMS) -> Kind[tuple[T, ...]]:
    def read(raw: Written) -> tuple[T, ...]:
        if raw.kind != "list":
            raise Wrong(raw, "" if raw.kind in ("null", "mapping") else "write it in [ ]")
        if len(raw.items) > most:
            raise Wrong(raw, f"more than {most} entries")
        return tuple(item.read(entry) for entry in raw.items)

    return Kind(f"a list of {item.expected}", read, many=True)


@kind("IPv4 addresses or networks such as 192.168.1.7 or 192.168.1.0/28")
def network(raw: Written) -> IPv4Network:
    value = _plain(raw)
    try:
        net = ip_network(value, strict=False)
    except ValueError:
        raise Wrong(raw) from None
    if isinstance(net, IPv6Network):
        raise Wrong(raw, "the sweep is IPv4 only, miners do not speak IPv6")
    if str(net.network_address) != value.partition("/")[0]:
        raise Wrong(raw, f"it has host bits set, write {net} when you mean the whole network")
    return net


@kind("IP addresses or networks such as 192.168.1.7 or 192.168.1.0/24")
def any_network(raw: Written) -> IPv4Network | IPv6Network:
    """Of those who ask something of us: IPv6 as well."""
    value = _plain(raw)
    try:
        return ip_network(value)
    except ValueError:
        raise Wrong(raw, "it has host bits set" if _is_network(value) else "") from None


def _is_network(value: str) -> bool:
    try:
        ip_network(value, strict=False)
    except ValueError:
        return False
    return True


_NEVER_HOSTS = (
    (IPv4Network("0.0.0.0/8"), "0.0.0.0/8 means 'this host' and is no place for miners"),
    (IPv4Network("224.0.0.0/4"), "multicast addresses are groups, no hosts"),
    (IPv4Network("240.0.0.0/4"), "240.0.0.0/4 is reserved, 255.255.255.255 is broadcast"),
)


@kind("IPv4 networks such as 192.168.1.0/24, or auto")
def scanned_network(raw: Written) -> IPv4Network | Literal["auto"]:
    """Unicast IPv4, not larger than a /16, or the word auto. Loopback is where simulated miners live."""
    if raw.text == "auto" and raw.kind == "text":
        return "auto"
    net = network.read(raw)
    for never, why in _NEVER_HOSTS:
        if net.subnet_of(never):
            raise Wrong(raw, why)
    # Only now: 224.0.0.0/4 is too large as well, but making it smaller would not help.
    if net.prefixlen < SMALLEST_PREFIX:
        raise Wrong(raw, f"larger than a /{SMALLEST_PREFIX}, name the parts that have miners")
    return net


@kind("IP addresses of this host's interfaces, such as 127.0.0.1")
def interface(raw: Written) -> str:
    try:
        return str(ip_address(_plain(raw)))
    except ValueError:
        raise Wrong(raw) from None


def _split_port(value: str) -> tuple[str, int | None]:
    """Split host:port, [v6]:port, host or v6; raise ValueError on a port that is none."""
    if value.startswith("["):
        host, closed, rest = value[1:].partition("]")
        if not closed or (rest and not rest.startswith(":")) or ":" not in host:
            raise ValueError("brackets")
        port = rest[1:] if rest else None
    elif value.count(":") == 1:
        host, _, port = value.partition(":")
    else:
        host, port = value, None
    if port is not None and not (_DECIMAL.fullmatch(port) and 1 <= int(port) <= 65535):
        raise ValueError("port")
    return host, None if port is None else int(port)


def _is_host(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        # All digits and dots is a mistyped address, never a name.
        return _HOST.fullmatch(host) is not None and not re.fullmatch(r"[0-9.]+", host)
    return True


@kind("HOST:PORT such as 0.0.0.0:8080")
def endpoint(raw: Written) -> Endpoint:
    try:
        host, port = _split_port(_plain(raw))
    except ValueError:
        raise Wrong(raw, "the port goes from 1 to 65535, an IPv6 address into [ ]") from None
    if port is None:
        raise Wrong(raw, "the port is missing")
    if host and not _is_host(host):
        raise Wrong(raw)
    return Endpoint(host or "0.0.0.0", port)  # noqa: S104  ":8080" means every interface everywhere else, too


@kind("DNS names such as hive.example.com")
def dns_name(raw: Written) -> str:
    value = _plain(raw).lower().rstrip(".")
    if not _HOST.fullmatch(value) or value.startswith("_"):
        raise Wrong(raw, "name the host alone, without a port" if ":" in value else "")
    if re.fullmatch(r"[0-9.]+", value):
        raise Wrong(raw, "every address of this host is taken as it is")
    return value


@kind("hosts, host:port or networks")
def own_host(raw: Written) -> str:
    value = _plain(raw)
    try:
        return str(ip_network(value))
    except (ValueError, AddressValueError):
        pass
    try:
        host, _ = _split_port(value)
    except ValueError:
        raise Wrong(raw, "the port goes from 1 to 65535, an IPv6 address into [ ]") from None
    if not _is_host(host):
        raise Wrong(raw)
    return value.lower()


def _web_url(raw: Written) -> str:
    value = _plain(raw)
    try:
        parts = urlsplit(value)
        good = parts.scheme in ("http", "https") and parts.hostname is not None and _is_host(parts.hostname)
        good = good and parts.port != 0 and not re.search(r"\s", value)
    except ValueError:
        good = False
    if not good:
        raise Wrong(raw)
    return value.rstrip("/")


def web_url_or(*words: str) -> Kind[str]:
    @kind(f"{', '.join(words)} or a URL such as http://192.168.1.2:8080")
    def read(raw: Written) -> str:
        if raw.kind not in ("list", "mapping") and raw.text.lower() in words:
            return raw.text.lower()
        url = _web_url(raw)
        place, _, key = url.partition("#")
        if key and not (_PINNED.fullmatch(key) and place.lower().startswith("https://")):
            raise Wrong(raw, "after # comes sha256: and 64 hex digits, of a URL that begins with https")
        return url

    return read


@kind("a URL such as https://hc-ping.com/UUID")
def web_url(raw: Written) -> str:
    return _web_url(raw)


@kind("a URL such as http://127.0.0.1:11434")
def ollama_host(raw: Written) -> str:
    """A URL; as Ollama's own OLLAMA_HOST also host or host:port, which get http and port 11434."""
    value = _plain(raw)
    if "://" not in value:
        try:
            host, port = _split_port(value)
        except ValueError:
            raise Wrong(raw) from None
        value = f"http://{Endpoint(host or '127.0.0.1', port or 11434)}"
    return _web_url(Written("text", value, line=raw.line))


@kind("a mail address or a URL")
def contact(raw: Written) -> str:
    value = _plain(raw)
    return value if _MAIL.fullmatch(value) else _web_url(raw)


@kind("sqlite:////absolute/path, sqlite:///relative/path or postgresql://user:password@host/database")
def database_url(raw: Written) -> str:
    """SQLite by path (four slashes: absolute) or PostgreSQL; postgres:// is the same thing."""
    value = _plain(raw, most=1024)
    scheme, separator, rest = value.partition("://")
    if not separator:
        raise Wrong(raw)
    if scheme == "sqlite":
        if not rest.startswith("/") or rest.strip("/") in ("", ":memory:") or rest.endswith("/") or "?" in rest:
            raise Wrong(raw, "after sqlite:/// comes the path of a file, which all daemons share")
        return value
    if scheme not in ("postgresql", "postgres"):
        raise Wrong(raw, f"the scheme is {scheme[:20]!r}")
    try:
        parts = urlsplit(value)
        good = bool(parts.hostname) and parts.port != 0 and len(parts.path) > 1
    except ValueError:
        good = False
    if not good:
        raise Wrong(raw, "a PostgreSQL URL is postgresql://user:password@host/database")
    return f"postgresql://{rest}"


@kind("mqtts://broker.example.com, or mqtt://127.0.0.1:1883")
def broker_url(raw: Written) -> str:
    value = _plain(raw)
    try:
        parts = urlsplit(value)
        good = parts.scheme in ("mqtt", "mqtts") and parts.hostname is not None and _is_host(parts.hostname)
        good = good and parts.port != 0 and not re.search(r"\s", value)
    except ValueError:
        raise Wrong(raw) from None
    if "@" in parts.netloc:
        raise Wrong(raw, "the user goes into mqtt.username and the password into mqtt.password")
    if not good or parts.path.strip("/") or parts.query or parts.fragment:
        raise Wrong(raw)
    return value.rstrip("/")


def _absolute(raw: Written) -> Path:
    path = Path(_plain(raw, most=1024))
    if not path.is_absolute():
        raise Wrong(raw)
    return path


folder = Kind("an absolute path of a folder", _absolute)
file = Kind("an absolute path of a file", _absolute)


@kind("off, self-signed or {cert: FILE, key: FILE}")
def tls(raw: Written) -> TlsFiles | str:
    if raw.kind == "list":
        raise Wrong(raw)
    if raw.kind != "mapping":
        if raw.text.lower() not in ("off", "self-signed"):
            raise Wrong(raw)
        return raw.text.lower()
    try:
        given = {key.text: Path(_plain(value, most=1024)) for key, value in entries(raw)}
    except Unusable as err:
        raise Wrong(raw, str(err)) from None
    if set(given) != {"cert", "key"}:
        raise Wrong(raw, "the mapping needs cert and key and nothing else")
    return TlsFiles(**given)
