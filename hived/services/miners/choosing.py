"""Which miners are meant: those that are named, or all that fit. Of a name that none has the known ones are told."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from hived.errors import NotFound
from hived.records.miner import STATES
from hived.records.miner_view import MinerView
from hived.store import Database
from hived.store.miners import models, views

FEW = 50
"""So many miners are looked up one by one; for more the fleet is read."""
MOST_SHOWN = 12
"""Known names in one error."""

Values = Callable[[MinerView], Sequence[str | None]]

_WHERE: Mapping[str, Values] = {
    "model": lambda view: (view.model_alias,),
    "node": lambda view: (view.node_id, view.node_name),
    "group": lambda view: (view.rules.group,),
    "tag": lambda view: view.rules.tags,
    "state": lambda view: (view.state,),
    "preset": lambda view: (view.status.preset if view.status else None,),
    "firmware": lambda view: (view.firmware,),
}
_KNOWN: Mapping[str, Values] = {**_WHERE, "node": lambda view: (view.node_name or view.node_id,)}
"""What is listed of those that there are."""


def chosen(db: Database, macs: Sequence[str] | None, where: Mapping[str, str]) -> list[MinerView]:
    """Return the miners with these MACs, in their order; with None those that fit all of `where`.

    NotFound for a MAC, or a group, model, node or other name that no miner has: none of them would be a silent nothing.
    """
    if macs is None:
        everyone = views.miners(db)
        for name, value in where.items():
            _must_be_known(db, name, value, everyone)
        return [view for view in everyone if _fits(view, where)]
    some = [view for mac in macs for view in views.miners(db, mac=mac)] if len(macs) <= FEW else views.miners(db)
    by_mac = {view.mac: view for view in some}
    missing = [one for one in macs if one not in by_mac]
    if missing:
        raise NotFound(f"there is no miner {missing[0]}")
    return [by_mac[one] for one in macs]


def _fits(view: MinerView, where: Mapping[str, str]) -> bool:
    return all(value in _WHERE[name](view) for name, value in where.items())


def _must_be_known(db: Database, name: str, value: str, everyone: Sequence[MinerView]) -> None:
    """A state or preset may be that of no miner just now, and of some when a plan is due."""
    if not everyone or any(value in _WHERE[name](view) for view in everyone):
        return
    known = {one for view in everyone for one in _KNOWN[name](view) if one}
    if name == "state":
        known |= STATES
    elif name == "preset":
        known |= {str(step["name"]) for model in models.views(db) for step in model.presets}
    if value not in known:
        raise NotFound(f"no miner has the {name} {value!r}: {_listed(name, known)}")


def _listed(name: str, known: Iterable[str]) -> str:
    names = sorted(known)
    if not names:
        return f"none has any {name}"
    more = len(names) - MOST_SHOWN
    return f"there are {', '.join(map(repr, names[:MOST_SHOWN]))}" + (f" and {more} more" if more > 0 else "")
