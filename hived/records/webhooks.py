"""Webhooks: events that a program of somebody else's is told of as they happen. Times are UTC epoch seconds.

Bodies are signed as the specification of Standard Webhooks says, for which there are libraries in most languages.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from dataclasses import dataclass, field

from hived.errors import BadRequest

SECRET_PREFIX = "whsec_"  # noqa: S105 - how every secret begins
_LEAST_BYTES, _MOST_BYTES = 24, 64
GIVE_UP_S = 86_400.0
"""While a receiver refuses, events older than this are passed over."""


@dataclass(frozen=True, slots=True)
class Webhook:
    """A receiver, and how far it has come. `url` and `secret` are secrets; None: they cannot be opened."""

    name: str
    url: str | None = field(repr=False)
    secret: str | None = field(repr=False)
    kinds: tuple[str, ...] = ()
    """Kinds of events that it gets; none named: all."""
    enabled: bool = True
    created_at: float = 0.0
    by: str = ""
    after: int = 0
    """The last event that it has got, or does not want."""
    failures: int = 0
    """In a row."""
    next_try: float | None = None
    """When it is tried again after a failure."""
    sent_at: float | None = None
    said: str | None = None
    """What it last answered, or why it did not."""
    passed_over: int = 0
    """Events that it never got: it refused for longer than a day."""


def new_secret() -> str:
    """Return a secret to sign with."""
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def key_of(secret: str) -> bytes:
    """Return the key that a secret stands for; BadRequest when it is none."""
    try:
        key = base64.b64decode(secret.removeprefix(SECRET_PREFIX).encode(), validate=True)
    except (ValueError, binascii.Error):
        key = b""
    if not (secret.startswith(SECRET_PREFIX) and _LEAST_BYTES <= len(key) <= _MOST_BYTES):
        raise BadRequest(f"a secret is {SECRET_PREFIX} and {_LEAST_BYTES} to {_MOST_BYTES} bytes in base64")
    return key


def signed(secret: str, number: str, at: float, body: str) -> dict[str, str]:
    """Return the headers that prove who sent a body and when; `number` is the same each time it is sent."""
    stamp = str(int(at))
    digest = hmac.new(key_of(secret), f"{number}.{stamp}.{body}".encode(), hashlib.sha256).digest()
    return {
        "webhook-id": number,
        "webhook-timestamp": stamp,
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }
