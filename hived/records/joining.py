"""How a node and its master get to know each other: keys, their hashes, and the phrase that people compare.

A node makes its own key and sends only the hash when it asks to join, so no secret travels before it is trusted.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

from hived.records.untrusted import BadValue

_CONSONANTS, _VOWELS = "bdfghjklmnprstvz", "aiou"
PHRASE_WORDS = 4  # 64 bits: nobody finds a second key with the same phrase while the operator looks at it

NODE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}")
KEY_ID = re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True, slots=True)
class BearerSecret:
    """What a program proves itself with. `text` is what it sends; only `id` and `secret_hash` are kept."""

    PREFIX: ClassVar[str]

    id: str
    secret: str = field(repr=False)

    @property
    def text(self) -> str:
        return f"{self.PREFIX}_{self.id}_{self.secret}"

    @property
    def secret_hash(self) -> str:
        return hash_of(self.secret)

    @classmethod
    def new(cls) -> Self:
        """Return a random one."""
        return cls(secrets.token_hex(8), secrets.token_hex(32))

    @classmethod
    def read(cls, text: str) -> Self | None:
        """Return the one that a bearer text is, None when it is none."""
        parts = re.fullmatch(cls.PREFIX + "_([0-9a-f]{16})_([0-9a-f]{64})", text)
        return cls(parts[1], parts[2]) if parts else None


@dataclass(frozen=True, slots=True)
class NodeKey(BearerSecret):
    """A node's key."""

    PREFIX = "hive"


new_key, read_key = NodeKey.new, NodeKey.read


def as_node_id(value: Any) -> str:
    """Return the id of a node; BadValue for what is none."""
    if not isinstance(value, str) or not NODE_ID.fullmatch(value):
        raise BadValue("node_id")
    return value


def as_key_id(value: Any) -> str:
    """Return the id of a node's key; BadValue for what is none."""
    if not isinstance(value, str) or not KEY_ID.fullmatch(value):
        raise BadValue("key_id")
    return value


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate as others know it. Times are UTC epoch seconds."""

    fingerprint: str
    pin: str
    ends_at: float


def hash_of(secret: str) -> str:
    """Return SHA-256 in hex: enough for random secrets, slow hashes are for passwords."""
    return hashlib.sha256(secret.encode()).hexdigest()


def phrase(node_id: str, secret_hash: str, pin: str | None) -> str:
    """Return what a node logs and its master shows: equal only if both saw the same key and the same certificate.

    `pin` is the SHA-256 of the master's public key in hex, None without TLS. Four words of five letters (64 bits), in
    the manner of proquints (Wilkerson, arXiv:0901.4016).
    """
    digest = hashlib.sha256(f"hived join\0{node_id}\0{secret_hash}\0{pin or ''}".encode()).digest()
    return "-".join(_word(int.from_bytes(digest[2 * i : 2 * i + 2])) for i in range(PHRASE_WORDS))


def proof(secret_hash: str, nonce: str, node_id: str, master_id: str, pin: str | None) -> str:
    """Return what only a master that keeps the hash of a node's key can answer to a nonce of the node's, in hex.

    `pin` as for `phrase`: whoever passes the question on to the real master gets an answer that is good for the real
    master's certificate alone.
    """
    text = f"hived proof\0{nonce}\0{node_id}\0{master_id}\0{pin or ''}"
    return hmac.new(bytes.fromhex(secret_hash), text.encode(), hashlib.sha256).hexdigest()


def _word(bits: int) -> str:
    c, v = _CONSONANTS, _VOWELS
    return c[bits >> 12] + v[bits >> 10 & 3] + c[bits >> 6 & 15] + v[bits >> 4 & 3] + c[bits & 15]
