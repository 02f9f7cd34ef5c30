"""What is secret is sealed before it is stored: AES-GCM with a key that is no part of the database.

Whoever gets hold of the database, a backup of it or a disk that was swapped cannot use the miners' keys and passwords
without the key file. Each value is bound to what it is about, so that it cannot be moved to another row.
"""

from __future__ import annotations

import base64
import binascii
import logging
import secrets
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from hived.errors import HivedError
from hived.store.engine.durable import keep_once

# cryptography is imported where a secret is sealed or opened: it takes 3 MiB, and two daemons of a node have none.
if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

log = logging.getLogger(__name__)

NAME = "secret.key"
KEY_BYTES, NONCE_BYTES = 32, 12
PREFIX = "sealed:1:"
"""How a sealed value begins; 1 is the way it was sealed. What begins otherwise was stored by an older hived."""


class SecretBox:
    """Seals and opens short texts. The key file is made when the first value is sealed."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / NAME
        self._lock = threading.Lock()
        self._cipher: AESGCM | None = None
        self.lost: set[str] = set()
        """What could not be opened, by what it is about."""

    def seal(self, text: str, about: str) -> str:
        """Return the text sealed, for the place that `about` names ("miner:<mac>:api_key")."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        body = self._key(make=True).encrypt(nonce, text.encode(), about.encode())
        return PREFIX + base64.urlsafe_b64encode(nonce + body).decode("ascii")

    def open(self, value: str, about: str) -> str:
        """Return the text of a sealed value. HivedError, which names the key file, when this key does not open it."""
        if not is_sealed(value):
            return value
        from cryptography.exceptions import InvalidTag

        try:
            raw = base64.urlsafe_b64decode(value[len(PREFIX) :])
            return self._key().decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], about.encode()).decode()
        except (InvalidTag, binascii.Error, ValueError) as err:
            raise HivedError(f"a secret cannot be opened with {self.path}: it was sealed with another key") from err

    def open_or_none(self, value: str | None, about: str) -> str | None:
        """Return the text, None when there is none or it cannot be opened: one lost key must not hide a fleet."""
        if value is None:
            return None
        try:
            text = self.open(value, about)
        except HivedError as err:
            log.log(logging.DEBUG if self.lost else logging.WARNING, "%s: %s", about, err)
            self.lost.add(about)
            return None
        if about in self.lost:
            self.lost.discard(about)
            if not self.lost:
                log.info("%s: every secret can be opened again", about)
        return text

    def check(self) -> None:
        """Raise HivedError when there is a key file that cannot be used."""
        try:
            _read(self.path)
        except FileNotFoundError:
            return
        except OSError as err:
            raise self._unusable(err) from err

    def _key(self, *, make: bool = False) -> AESGCM:
        with self._lock:
            if self._cipher is None:
                from cryptography.hazmat.primitives.ciphers.aead import AESGCM

                try:
                    if make and not self.path.exists():
                        keep_once(self.path, secrets.token_hex(KEY_BYTES) + "\n")  # before anything is sealed with it
                    self._cipher = AESGCM(_read(self.path))
                except OSError as err:
                    raise self._unusable(err) from err
            return self._cipher

    def _unusable(self, err: OSError) -> HivedError:
        return HivedError(f"cannot use the key file {self.path}: {err.strerror}")


def is_sealed(value: str) -> bool:
    """Tell whether a stored value is sealed."""
    return value.startswith(PREFIX)


def _read(path: Path) -> bytes:
    text = path.read_bytes()
    try:
        key = bytes.fromhex(text.decode("ascii").strip())
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise HivedError(f"the key file {path} is damaged: it must hold {2 * KEY_BYTES} hexadecimal digits")
    return key
