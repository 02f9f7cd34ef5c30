"""What can go wrong, told apart by what the caller has to do about it."""

from __future__ import annotations

from collections.abc import Callable


class HivedError(Exception):
    """Base of every error that hived raises on purpose."""


class Transient(HivedError):
    """The world is broken just now (time-out, refused, 500, garbage): wait and try again."""


class Refused(HivedError):
    """The other side understood and said no: trying the same again will not help."""


class WrongPassword(Refused):
    """The miner refused this password. `retry_after_s` is the lockout it told us, None when it told none."""

    def __init__(self, message: str, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class LockedOut(Transient):
    """The miner takes no password at all for now, after too many wrong ones."""

    def __init__(self, message: str, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class BadCredentials(Refused):
    """The key or token that we sent is missing, expired or revoked: make a new one."""


class NotSupported(Refused):
    """This firmware version does not have the call (404)."""


class NotThisFirmware(Refused):
    """Something answers, but it is not the firmware that this client speaks to. `kind` names what it looks like."""

    def __init__(self, message: str, kind: str = "unknown") -> None:
        super().__init__(message)
        self.kind = kind


class Unreadable(Transient):
    """It is a miner by all signs, but its answer could not be read (cut, invalid, too large, wrong shape)."""


class Throttled(Transient):
    """The host wants to be left alone for `retry_after_s` seconds; None when it did not say for how long."""

    def __init__(self, message: str, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class Blocked(Refused):
    """An address, port, name or scheme that must not be reached from here (private networks above all)."""


class NotAllowed(Refused):
    """The site's robots.txt forbids this page."""


class BadConfig(HivedError):
    """The configuration cannot be used; the text names file, line, key and what was expected."""


class SchemaMismatch(HivedError):
    """The database has another schema version than this program."""


class Damaged(HivedError):
    """The file of the database holds what SQLite cannot read.

    `mend` replaces it, once nobody here has it open any more, and says what it did; None: that is not ours to do.
    """

    def __init__(self, message: str, mend: Callable[[], str] | None = None) -> None:
        super().__init__(message)
        self.mend = mend


class Replaced(HivedError):
    """The database is another one than before: whoever used it begins anew."""


class BadRequest(HivedError):
    """A person or program asked for something that makes no sense; the text says what was expected."""


class Forbidden(HivedError):
    """Whoever asks may not have this; the text says who may."""


class NotFound(HivedError):
    """The thing asked for does not exist."""


class Conflict(HivedError):
    """The thing exists already."""
