"""What an operator changes about miners, by API or by command: rows that daemons obey, each with its audit row."""

from __future__ import annotations

from typing import Any

from hived.errors import NotFound
from hived.records.access import By
from hived.records.site import ModelView
from hived.store import Database, audit, miners, models, site


def set_miner(db: Database, mac: str, by: By, *, managed: bool | None = None, password: str | None = None) -> None:
    """Say whether hived steers a miner, and/or give its password. NotFound when there is none with this MAC."""
    known = miners.by_mac(db, mac)
    if known is None:
        raise NotFound(f"there is no miner {mac}")
    if managed is not None:
        miners.set_managed(db, mac, managed, by["at"])
        if managed != known.managed:
            audit.note(
                db, **by, action="miner.managed", target=mac, before={"managed": known.managed},
                after={"managed": managed},
            )  # fmt: skip
    if password is not None:
        miners.set_password(db, mac, password, by["at"])
        audit.note(db, **by, action="miner.password", target=mac)


def set_max_preset(db: Database, alias: str, name: str | None, by: By) -> ModelView | None:
    """Set the highest preset that hived may choose for a model; None when there is no such model."""
    before = models.views(db, alias)
    after = models.set_max_preset(db, alias, name)
    if after is not None and after.max_preset != before[0].max_preset:
        audit.note(
            db, **by, action="model.max_preset", target=alias, before={"max_preset": before[0].max_preset},
            after={"max_preset": after.max_preset},
        )  # fmt: skip
    return after


def ask_scan(db: Database, args: dict[str, Any], by: By) -> int:
    """Ask hive-discoverd to look now; return the number of the wish."""
    wish = site.ask(db, "hive-discoverd", "scan", args, by["at"])
    audit.note(db, **by, action="scan", target=str(wish), after=args)
    return wish
