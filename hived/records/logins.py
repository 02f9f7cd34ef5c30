"""Names, passwords and codes as people type them."""

from __future__ import annotations

import re
import secrets
import unicodedata

from hived.errors import BadRequest
from hived.records.access import LOCAL_USER
from hived.records.joining import hash_of

LEAST_PASSWORD, LONGEST_PASSWORD = 10, 256  # characters
_NAME = re.compile(r"[a-z0-9][a-z0-9._@-]{0,63}")

# Without letters and digits that are taken for one another.
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
_GROUPS, _GROUP = 4, 5  # 99 bits


def as_user(text: object) -> str:
    """Return the name of a user, lower case. BadRequest for what can be none."""
    if not isinstance(text, str) or not _NAME.fullmatch(text.strip().lower()):
        raise BadRequest("user: expected at most 64 letters, digits and . _ @ -, beginning with a letter or digit")
    name = text.strip().lower()
    if name == LOCAL_USER:
        raise BadRequest(f"user: {LOCAL_USER} is the name of browsers that a login link let in")
    return name


def as_password(text: object) -> str:
    """Return a new password as it is hashed. BadRequest when it is too short or cannot be typed again."""
    typed = normal(text)
    if not LEAST_PASSWORD <= len(typed) <= LONGEST_PASSWORD:
        raise BadRequest(f"password: expected {LEAST_PASSWORD} to {LONGEST_PASSWORD} characters")
    return typed


def normal(text: object) -> str:
    """Return a password in the one form of all that look the same: keyboards and systems differ in what they send.

    NFKC, as NIST SP 800-63B asks for: an accent typed as a key of its own, a full-width letter or a no-break space must
    not lock anybody out. BadRequest for what is no password at all.
    """
    if not isinstance(text, str) or len(text) > 4 * LONGEST_PASSWORD:
        raise BadRequest(f"password: expected a text of at most {LONGEST_PASSWORD} characters")
    typed = unicodedata.normalize("NFKC", text)
    if not typed.isprintable():
        raise BadRequest("password: expected characters that can be printed")
    return typed


def new_code(letters: str = _LETTERS, groups: int = _GROUPS, group: int = _GROUP) -> str:
    """Return a code that is read off one screen and typed into another."""
    return "-".join("".join(secrets.choice(letters) for _ in range(group)) for _ in range(groups))


def code_hash(typed: str) -> str:
    """Return what is kept of a code; case, dashes and spaces do not matter."""
    return hash_of(re.sub(r"[\s-]", "", typed[:200]).lower())
