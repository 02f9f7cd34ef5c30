"""What the other side answered, as it may be shown: short, printable and without a part of what was secret."""

from __future__ import annotations

import re
import ssl
from urllib.parse import unquote, urlsplit

from hived.records.outgoing import MAX_SAID

_PARTS = re.compile(r"[/?&=:@;#,\s]+")
_NAMES = re.compile(r"[?&;][^=&;]*=")
_SECRET = 6
"""What is shorter is a word of the language more often than a secret."""


def shown(text: str | bytes, secrets: frozenset[str] = frozenset()) -> str:
    """Return the first characters of an answer, on one line."""
    words = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    for secret in sorted(secrets, key=len, reverse=True):
        words = words.replace(secret, "***")
    plain = "".join(char if char.isprintable() else " " for char in words[: MAX_SAID * 4])
    return " ".join(plain.split())[:MAX_SAID]


def secrets_of(url: str) -> frozenset[str]:
    """Return the parts of a URL that must not be shown, should they come back: all but its kind and its host."""
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        host = ""
    rest = _NAMES.sub("&", url.partition("://")[2])
    parts = {*_PARTS.split(rest), *_PARTS.split(unquote(rest))}
    return frozenset(part for part in parts if len(part) >= _SECRET and part.lower() != host)


def why(err: BaseException | None) -> str:
    """Return why nothing was sent: in our words, as those of a library may hold the URL."""
    seen: set[int] = set()
    chain: list[BaseException] = []
    while err is not None and id(err) not in seen and len(chain) < 20:
        seen.add(id(err))
        chain.append(err)
        inner = getattr(err, "reason", None) or (err.args[0] if err.args else None)
        err = inner if isinstance(inner, BaseException) else (err.__cause__ or err.__context__)
    for one in chain:
        if isinstance(one, ssl.SSLCertVerificationError):
            return f"its certificate is not trusted: {one.verify_message}"[:MAX_SAID]
        if isinstance(one, ssl.SSLError):
            return f"TLS fails: {one.reason or 'no reason given'}"[:MAX_SAID]
    if any(isinstance(one, TimeoutError) or "Timeout" in type(one).__name__ for one in chain):
        return "no answer in time"
    told = next((one.strerror for one in reversed(chain) if isinstance(one, OSError) and one.strerror), None)
    return told or "the connection fails"
