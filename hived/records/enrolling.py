"""What an operator says to let a node join a master: a code, a phrase, or the master's URL with its key.

A node joins nobody without it: what zeroconf shows, or a bare URL names, is an offer.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import urlsplit

from hived.records.net import over_tls
from hived.records.untrusted import BadValue

BY_CODE, BY_PHRASE, BY_KEY, BEFORE = "code", "phrase", "key", "before"
"""How the operator of a node said that it may belong to its master. before: 0.1.0 had joined it, and did not ask."""

KEY_DIGITS = 20
"""Hex digits of a master's key in a code: 80 bits, for which nobody finds another key."""
AUTO, OFF = "auto", "off"

# Without letters that are taken for each other, and without vowels, so that no word comes out of it.
_LETTERS = "BCDFGHJKMNPQRSTVWXYZ23456789"
_OPENS = 8  # 28^8 are 38 bits; a quarter of an hour and 60 tries a minute leave no chance
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_ALIKE = str.maketrans("ILO", "110")
_KEY = 16  # letters of five bits
_GROUP = 4
_PHRASE = re.compile(r"[a-z]{5}(-[a-z]{5}){3}")
_PIN = re.compile(r"sha256:([0-9a-f]{64})", re.IGNORECASE)


class MasterUrl(NamedTuple):
    """Where a master is. `key`: SHA-256, in hex, of the public key or the certificate that must answer there."""

    url: str
    key: str | None = None


class Offer(NamedTuple):
    """A master that this node could join; the name is not known of one that only the configuration names."""

    name: str | None
    url: str


@dataclass(frozen=True, slots=True)
class EnrollCode:
    """A code of `hivectl enroll-code`. `opens` is what the master takes once, in its first eight letters.

    The others are the first 80 bits of the SHA-256 of the master's public key, None in a code of 0.1.0: a node
    looks at them before it says anything.
    """

    opens: str = field(repr=False)
    key: str | None = None

    @classmethod
    def new(cls, key: str | None) -> EnrollCode:
        """Return a random one for the master with this key (its SHA-256 in hex)."""
        return cls("".join(secrets.choice(_LETTERS) for _ in range(_OPENS)), key and key[:KEY_DIGITS])

    @classmethod
    def read(cls, typed: str) -> EnrollCode:
        """Return the code that somebody typed. BadValue when letters are missing."""
        letters = _letters(typed)
        if len(letters) == _OPENS:
            return cls(letters)
        digits = [_CROCKFORD.find(letter) for letter in letters[_OPENS:].translate(_ALIKE)]
        if len(digits) != _KEY or -1 in digits:
            raise BadValue("code")
        number = 0
        for digit in digits:
            number = number << 5 | digit
        return cls(letters[:_OPENS], f"{number:0{KEY_DIGITS}x}")

    @property
    def text(self) -> str:
        """As people read it off one screen and type it into another."""
        letters = self.opens
        if self.key is not None:
            number = int(self.key, 16)
            letters += "".join(_CROCKFORD[number >> 5 * (_KEY - 1 - place) & 31] for place in range(_KEY))
        return "-".join(letters[at : at + _GROUP] for at in range(0, len(letters), _GROUP))


def opens(typed: str) -> str:
    """Return what of a code that a node sent is the master's affair: 0.1.0 sends all that was typed."""
    return _letters(typed)[:_OPENS]


def as_phrase(typed: str) -> str:
    """Return a phrase as it is kept: people type it with blanks, too."""
    return "-".join(typed.lower().replace("-", " ").split())


def is_phrase(typed: str) -> bool:
    """Tell whether somebody typed a phrase, and no code."""
    return _PHRASE.fullmatch(as_phrase(typed)) is not None


def master_url(written: str) -> MasterUrl:
    """Return what a URL, or a word in its place, says: without a login, and with the key apart.

    A master takes keys alone, and URLs are logged and shown. BadValue when what follows # is no key, or has no TLS.
    """
    place, _, fragment = written.partition("#")
    scheme, found, rest = place.partition("://")
    host, slash, path = rest.partition("/")
    url = f"{scheme}{found}{host.rpartition('@')[2]}{slash}{path}".rstrip("/")
    if not fragment:
        return MasterUrl(url)
    pin = _PIN.fullmatch(fragment)
    if pin is None or scheme.lower() != "https":
        raise BadValue("key")
    return MasterUrl(url, pin[1].lower())


def same_place(one: str | None, other: str | None) -> bool:
    """Tell whether two URLs lead to one place: the same port answers with TLS and without."""
    return one is not None and other is not None and _place(one) == _place(other)


def _place(url: str) -> str:
    return urlsplit(over_tls(url)).netloc.lower()


def _letters(typed: str) -> str:
    return re.sub(r"[\s-]", "", typed[:200]).upper()
