"""How a node stands to its master, in words."""

from __future__ import annotations

from collections.abc import Sequence

from hived.records.enrolling import Offer
from hived.records.times import span
from hived.records.uplink import ASKING, JOINED, LEFT, NONE, PIN_MISMATCH, REFUSED, Uplink


def offer_words(offered: Sequence[Offer]) -> str:
    """Return what is offered: "site-master (https://...) offers itself as master"."""
    names = ", ".join(f"{one.name} ({one.url})" if one.name else f"{one.url} (syncd.master)" for one in offered)
    return f"{names} {'offers itself as master' if len(offered) == 1 else 'offer themselves as masters'}"


def in_words(link: Uplink, *, behind: int, now: float, failing: bool, offered: Sequence[Offer] = ()) -> str:
    """Return one line: "joined site-master, 0 behind", "asking ..., compare ...", what is wrong and what waits."""
    master = link.master_name or link.url or "the master"
    waits = f"{behind:,}{'+' if behind >= 100_000 else ''} rows wait"
    match link.state:
        case state if state == NONE:
            why = link.last_error or (offer_words(offered) if offered else None)
            return f"no master yet{f': {why}' if why else ''}"
        case state if state == LEFT:
            return "left its master; `hivectl join URL` joins one"
        case state if state == ASKING:
            return f"asking {master}, compare {link.phrase}"
        case state if state == REFUSED:
            return f"{master} refuses this node's key; {waits}"
        case state if state == PIN_MISMATCH:
            return f"{master} answers with another key, nothing is sent; {waits}"
        case state if state == JOINED and failing:
            since = f" for {span(now - link.ok_at)}" if link.ok_at is not None else ""
            return f"{master} unreachable{since}, {waits}"
    return f"joined {master}, {behind:,} behind"
