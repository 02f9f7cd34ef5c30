"""The miners' firmwares: a folder for each family, and the table that says which ones there are."""

from __future__ import annotations

from collections.abc import Callable

from hived.clients.firmwares.family import Firmware, Link
from hived.clients.firmwares.vnish.family import Vnish

__all__ = ["FAMILIES", "Firmware", "Link", "families"]

FAMILIES: tuple[Callable[[Link], Firmware], ...] = (Vnish,)
"""In the order in which an address is tried: the cheapest to recognise first."""


def families(link: Link) -> dict[str, Firmware]:
    """Return every family by its name, in the order of the table, talking over `link`."""
    return {family.name: family for family in (make(link) for make in FAMILIES)}
