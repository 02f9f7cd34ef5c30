"""One spelling for each URL, so that nodes that never met agree on what an artifact is. The rules are versioned.

Version 1: http(s) only, no user name or password; scheme and host in lower case, host in ASCII (IDNA 2003) without a
dot at its end, IPv6 addresses in their short form, no default port, no fragment; dot segments resolved; percent escapes
in upper case, unreserved characters not escaped, a percent sign that begins no escape is escaped; empty path "/"; known
tracking and session parameters dropped from query and path, the others sorted by name and value, blanks kept; at most
2,048 bytes.
"""

from __future__ import annotations

import hashlib
import ipaddress
import re
from urllib.parse import quote, unquote, urlsplit

from hived.errors import BadRequest

CANON_VERSION = 1
MAX_URL_BYTES = 2048

_TRACKING = re.compile(
    r"(utm_.*|fbclid|gclid|dclid|gbraid|wbraid|msclkid|yclid|igshid|mc_[ce]id|_ga|_gl|ref_src"
    r"|jsessionid|phpsessid|aspsessionid.*|sid|sessionid|session_id|cfid|cftoken)",
    re.IGNORECASE,
)
_PATH_SESSION = re.compile(r";(jsessionid|phpsessid|cfid|cftoken)=[^;/]*", re.IGNORECASE)
_HOST = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*")
_BRACKETS = re.compile(r"\[[^\[\]]*\](:[0-9]*)?")
MAX_HOST = 253  # RFC 1035
_UNRESERVED = "-._~"
_PATH_SAFE = _UNRESERVED + "!$&'()*+,;=:@/"
_QUERY_SAFE = _UNRESERVED + "!$'()*+,;:@/?"
_PIECE = re.compile(r"%[0-9A-Fa-f]{2}|%|[^%]+")
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f\\\ud800-\udfff]")


def canonical(url: str) -> str:
    """Return the one spelling of `url`; BadRequest when it is none that an artifact can have."""
    if _FORBIDDEN.search(url):
        raise BadRequest("a URL holds no spaces, control characters or backslashes")
    try:
        parts = urlsplit(url)
        port = parts.port
        host = (parts.hostname or "").rstrip(".")
    except ValueError as err:
        raise BadRequest(f"not a URL: {err}") from None
    scheme = parts.scheme.lower()
    if scheme not in ("http", "https"):
        raise BadRequest("a URL begins with http:// or https://")
    if "@" in parts.netloc:
        raise BadRequest("a URL with a user name or password is not taken")
    if not host or ("[" in parts.netloc and not _BRACKETS.fullmatch(parts.netloc)):
        raise BadRequest("a URL names a host")
    netloc = _ascii(host)
    if port is not None and port != {"http": 80, "https": 443}[scheme]:
        netloc += f":{port}"
    query = _query(parts.query)
    whole = f"{scheme}://{netloc}{_path(parts.path)}" + (f"?{query}" if query else "")
    if len(whole.encode()) > MAX_URL_BYTES:
        raise BadRequest(f"a URL has at most {MAX_URL_BYTES:,} bytes")
    return whole


def url_key(url: str) -> str:
    """Return the key of an artifact: SHA-256, in hex, over rule version and canonical URL."""
    return key_of(canonical(url))


def key_of(spelling: str) -> str:
    """Return the key of what `canonical` returned."""
    return hashlib.sha256(f"{CANON_VERSION} {spelling}".encode()).hexdigest()


def _ascii(host: str) -> str:
    if ":" in host:
        try:
            address = ipaddress.IPv6Address(host)
        except ValueError:
            raise BadRequest("this is no IPv6 address") from None
        if address.scope_id is not None or address.ipv4_mapped is not None:
            raise BadRequest("this is no address that all machines reach alike")
        return f"[{address.compressed}]"
    try:
        # IDNA takes the full stops of other scripts for dots.
        plain = host.encode("idna").decode("ascii").lower().rstrip(".")
    except UnicodeError:
        raise BadRequest("the host name cannot be written in ASCII") from None
    if len(plain) > MAX_HOST or not _HOST.fullmatch(plain):
        raise BadRequest("a host name has letters, digits, hyphens and dots")
    return plain


def _path(path: str) -> str:
    kept: list[str] = []
    segments = path.split("/")
    for i, segment in enumerate(segments[1:] if path.startswith("/") else segments):
        last = i == len(segments) - 1 - path.startswith("/")
        plain = _escapes(_PATH_SESSION.sub("", segment), _PATH_SAFE)
        if plain in (".", ".."):
            if plain == ".." and kept:
                kept.pop()
            if last:
                kept.append("")
            continue
        kept.append(plain)
    return "/" + "/".join(kept)


def _query(query: str) -> str:
    pairs = []
    for part in query.split("&"):
        name, sep, value = part.partition("=")
        if not part or _TRACKING.fullmatch(unquote(name)):
            continue
        pairs.append((_escapes(name, _QUERY_SAFE), sep, _escapes(value, _QUERY_SAFE + "=")))
    return "&".join(name + sep + value for name, sep, value in sorted(pairs))


def _escapes(text: str, safe: str) -> str:
    """Escape what must be escaped, unescape what need not be; what is escaped for a reason stays escaped."""
    return "".join(_piece(found, safe) for found in _PIECE.findall(text))


def _piece(text: str, safe: str) -> str:
    if not text.startswith("%"):
        return quote(text, safe=safe)
    if text == "%":
        return "%25"
    char = chr(int(text[1:], 16))
    return char if char.isascii() and (char.isalnum() or char in _UNRESERVED) else text.upper()
