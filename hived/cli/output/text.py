"""Numbers, times and names as a person reads them in a terminal. "-" stands for unknown, never for zero."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime

from hived.records import times

UNKNOWN = "-"

# Names and errors come from the network: an escape sequence or a change of direction must not reach a terminal.
_HIDDEN = {
    **{code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0))},
    **{code: f"\\u{code:04x}" for code in (*range(0x200B, 0x2010), *range(0x2028, 0x202F), *range(0x2060, 0x2070))},
}  # fmt: skip


def clean(text: str) -> str:
    """Return a text without anything that would steer the terminal."""
    return text.translate(_HIDDEN)


def one_line(text: str) -> str:
    """Return a text as one clean line."""
    return clean(" ".join(text.split()))


def width(text: str) -> int:
    """Return how many columns of a terminal a clean text takes."""
    if text.isascii():
        return len(text)
    return sum(_columns(character) for character in text)


def cut(text: str, columns: int) -> str:
    """Return a text that takes at most so many columns, with "..." in place of what had to go."""
    if width(text) <= columns:
        return text
    dots = "..."[: max(columns, 0)]
    kept, room = "", columns - len(dots)
    for character in text:
        room -= _columns(character)
        if room < 0:
            break
        kept += character
    return kept.rstrip() + dots


def _columns(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def number(value: float | None, places: int = 0) -> str:
    """Return a number with thousands set apart."""
    return UNKNOWN if value is None else f"{value:,.{places}f}"


def terahash(value_hs: float | None) -> str:
    """Return H/s as a number of TH/s."""
    if value_hs is None:
        return UNKNOWN
    return number(value_hs / 1e12, 0 if value_hs >= 1e15 else 1)


def watts(value_w: float | None) -> str:
    """Return watts with their unit, kW from 10 kW on."""
    if value_w is None:
        return UNKNOWN
    return f"{value_w / 1000:,.1f} kW" if value_w >= 10_000 else f"{value_w:,.0f} W"


def percent(part: float | None, whole: float | None, places: int = 0) -> str:
    """Return part of whole in percent, without the sign; unknown when there is no whole."""
    return UNKNOWN if part is None or not whole else number(100 * part / whole, places)


def hashrate(value_hs: float | None, expected_hs: float | None) -> str:
    """Return a hashrate beside what it should be, in TH/s and percent."""
    if value_hs is None:
        return "not known now"
    if not expected_hs:
        return f"{terahash(value_hs)} TH/s"
    return f"{terahash(value_hs)} TH/s of {terahash(expected_hs)} TH/s expected ({percent(value_hs, expected_hs, 1)} %)"


def size(octets: int) -> str:
    """Return bytes with a unit that fits."""
    if octets < 1000:
        return f"{octets} bytes"
    if octets < 1_000_000:
        return f"{octets / 1000:.0f} kB"
    return f"{octets / 1e6:,.1f} MB" if octets < 1e9 else f"{octets / 1e9:,.1f} GB"


def span(seconds: float | None) -> str:
    """Return seconds as "12 s", "5 min", "3 h" or "4 d"."""
    return UNKNOWN if seconds is None else times.span(seconds)


def ago(at: float | None, now: float) -> str:
    """Return how long ago something was; "just now" also for what a clock that was set back puts ahead."""
    if at is None:
        return "never"
    return "just now" if now - at < 1 else f"{span(now - at)} ago"


def local_time(at: float) -> str:
    """Return a time as this host's clock on the wall shows it, to the second, and how far that is from UTC."""
    return datetime.fromtimestamp(at, UTC).astimezone().isoformat(" ", "seconds")


def wall(at: float) -> str:
    """Return a time as this host's clock on the wall shows it, to the minute: what is planned has no seconds."""
    return datetime.fromtimestamp(at, UTC).astimezone().strftime("%a %Y-%m-%d %H:%M")


def counted(count: int, one: str, many: str | None = None) -> str:
    """Return "1 miner" or "2 miners"."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def pool_host(url: str | None) -> str:
    """Return host and port of a pool's URL: what fits a table."""
    return UNKNOWN if not url else url.partition("://")[2].partition("/")[0] or url
