"""What a master can answer that is no yes, told apart by what a node has to do about it."""

from __future__ import annotations

from hived.errors import Refused, Transient
from hived.records.streams import Limits


class NotWelcome(Refused):
    """401 or 403: it does not know this key, or ended it."""

    code = "master_refused"


class OtherKey(Refused):
    """Who answers has another public key than the one that was pinned. Nothing was sent to it."""

    code = "master_other_key"


class NoTls(Refused):
    """It answers without TLS, over which nothing is told: as a master of 0.1.0 does, or a proxy before one."""

    code = "master_no_tls"


class NotTrusted(Transient):
    """The system does not trust its certificate: that is renewed some day, or the clock is put right."""

    code = "master_not_trusted"


class TooLarge(Refused):
    """413: the batch is larger than it takes. `limits` is what it takes, when it says so."""

    def __init__(self, message: str, limits: Limits | None = None) -> None:
        super().__init__(message)
        self.limits = limits


class BadBatch(Refused):
    """400 or 422: something in the batch is wrong, and will be wrong the next time."""


class NotUnpacked(Refused):
    """415: it does not unpack what we packed."""


class KeyTaken(Refused):
    """409: another key has this name; a new one is made."""
