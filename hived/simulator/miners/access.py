"""Who may do what on a miner: password, lockout, tokens and API keys, as the firmware handles them."""

from __future__ import annotations

import secrets
import string
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

DEFAULT_PASSWORD = "admin"  # noqa: S105  # the firmware's own; there is no user name

TOKEN_LENGTH = 32
TOKEN_LIFE_S = 1800.0
"""The firmware's document names no life; clients assume 30 minutes."""

KEY_LENGTH = 32
_LETTERS = string.ascii_letters + string.digits


@dataclass(slots=True)
class Access:
    """Credentials of one miner. Keys outlive a reboot, tokens do not."""

    password: str
    max_tries: int = 5
    lockout_s: float = 60.0
    keys: dict[str, str] = field(default_factory=dict)
    """Key to description."""
    wrong_tries: int = 0
    """Wrong passwords ever given, those during a lockout included."""
    _tokens: dict[str, float] = field(default_factory=dict)
    _failed_in_a_row: int = 0
    _locked_until: float = 0.0

    def unlock(self, password: str, now: float) -> str | Literal["wrong", "locked"]:
        """Return a fresh token of 32 letters and digits, or why there is none.

        During a lockout the right password does not help either.
        """
        if self.unlock_timeout(now) is not None:
            if password != self.password:
                self.wrong_tries += 1
            return "locked"
        if password != self.password:
            self.wrong_tries += 1
            self._failed_in_a_row += 1
            if self._failed_in_a_row >= self.max_tries:
                self._locked_until = now + self.lockout_s
                self._failed_in_a_row = 0
            return "wrong"
        self._failed_in_a_row = 0
        self._tokens = {token: end for token, end in self._tokens.items() if end > now}
        token = "".join(secrets.choice(_LETTERS) for _ in range(TOKEN_LENGTH))
        self._tokens[token] = now + TOKEN_LIFE_S
        return token

    def unlock_timeout(self, now: float) -> int | None:
        """Return the seconds that the lockout still lasts, at least 1; None without one."""
        left = self._locked_until - now
        return max(int(left), 1) if left > 0 else None

    def token_of(self, headers: Mapping[str, str], now: float) -> str | None:
        """Return the live token of a request. The word Bearer may be missing."""
        value = headers.get("Authorization", "")
        token = value[7:].strip() if value[:7].lower() == "bearer " else value.strip()
        return token if self._tokens.get(token, 0.0) > now else None

    def admits(self, headers: Mapping[str, str], now: float) -> bool:
        """Return whether a request carries a live token or a known key."""
        return headers.get("x-api-key", "") in self.keys or self.token_of(headers, now) is not None

    def lock(self, token: str) -> None:
        self._tokens.pop(token, None)

    def forget_tokens(self) -> None:
        self._tokens.clear()

    def add_key(self, key: str, description: str) -> Literal["inserted", "updated", "nochanges"] | None:
        """Store a key and say what changed; None when it is not exactly 32 characters."""
        if len(key) != KEY_LENGTH:
            return None
        before = self.keys.get(key)
        self.keys[key] = description
        if before is None:
            return "inserted"
        return "nochanges" if before == description else "updated"
