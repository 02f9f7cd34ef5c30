"""From what a person types (MAC, address, host name) to one miner."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence

from hived.errors import BadRequest, NotFound
from hived.records.miner_view import KnownMiner, MinerView
from hived.records.net import as_mac
from hived.store import Database
from hived.store.miners import miners

MAX_SHOWN = 5  # near matches in one line


def find(db: Database, text: str) -> KnownMiner:
    """Return the miner meant, on this node or another. NotFound names near matches, BadRequest those that share a name.

    Sites share private networks, too: an address that two miners have is no name.
    """
    return _find(miners.known(db, everywhere=True), text)


def find_all(db: Database, texts: Sequence[str]) -> list[KnownMiner]:
    """Return the miners meant, each once, in the order of the texts; raises as `find` does."""
    known = miners.known(db, everywhere=True)
    return list({found.mac: found for found in (_find(known, text) for text in texts)}.values())


def _find(known: list[KnownMiner], text: str) -> KnownMiner:
    wanted = text.strip().lower()
    mac = as_mac(wanted)
    for one in known:
        if one.mac == mac:
            return one
    there = [one for one in known if one.ip == wanted] or [one for one in known if one.last_ip == wanted and not one.ip]
    if len(there) == 1:
        return there[0]
    if there:
        macs = ", ".join(one.mac for one in there[:MAX_SHOWN])
        raise BadRequest(f"{len(there)} miners have the address {text}, on different nodes: say which by MAC: {macs}")
    named = [one for one in known if one.hostname and one.hostname.lower() == wanted]
    if len(named) == 1:
        return named[0]
    if named:
        raise BadRequest(f"{len(named)} miners are called {text!r}: say which by address or MAC: {_list(named)}")
    if not known:
        raise NotFound(f"there is no miner {text!r}: none was found yet, see `hivectl status`")
    near = _near(known, wanted)
    raise NotFound(f"there is no miner {text!r}" + (f", did you mean {_list(near)}?" if near else ""))


def place(one: KnownMiner | MinerView) -> str:
    """Return where a miner is, or was when it was last seen."""
    return one.ip or (f"offline, was at {one.last_ip}" if one.last_ip else "offline")


def _near(known: Iterable[KnownMiner], wanted: str) -> list[KnownMiner]:
    names = {name.lower(): one for one in known for name in (one.hostname, one.ip, one.last_ip, one.mac) if name}
    part = [one for name, one in names.items() if wanted and wanted in name]
    near = part or [names[name] for name in difflib.get_close_matches(wanted[:80], list(names), n=3, cutoff=0.75)]
    return list({one.mac: one for one in near}.values())


def _list(found: Sequence[KnownMiner]) -> str:
    shown = ", ".join(f"{place(one)} ({one.mac})" for one in found[:MAX_SHOWN])
    return shown + (f" and {len(found) - MAX_SHOWN} more" if len(found) > MAX_SHOWN else "")
