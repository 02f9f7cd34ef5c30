"""What the API calls a member of a body, hivectl calls an option: its errors name what was typed."""

from __future__ import annotations

import re

_OPTIONS = {
    "until": "--until", "name": "--plan", "packet.size": "--packet", "packet.interval_seconds": "--packet",
    "expires_seconds": "--expires", "args.name": "NAME", "args.watts": "WATTS", "args.percent": "PERCENT",
    "args.seconds": "--seconds", "args.target_c": "--target", "args.mode": "MODE", "args.version": "VERSION",
    "percent": "PERCENT",
}  # fmt: skip
_NO_OPTION = re.compile(r"^(?:order\.verb|when): ")
_WHEN = re.compile(r"\b(?:when|where)\.(\w+)\b")


def in_options(text: str) -> str:
    """Return an error of an order or plan with the names that hivectl has for what it names."""
    field, colon, rest = _NO_OPTION.sub("", text).partition(": ")
    return _WHEN.sub(r"--\1", f"{_OPTIONS.get(field, field.removeprefix('args.'))}{colon}{rest}")
