"""Where a miner was last seen is kept when it has no address any more."""

from __future__ import annotations

import ipaddress
import json
from typing import Any

import peewee as pw

_PLACE = {"miner_found": "ip", "miner_online": "ip", "miner_offline": "ip", "address_changed": "after"}


def up(migrator: Any, db: Any) -> None:
    migrator.migrate(migrator.add_column("miner", "last_ip", pw.TextField(null=True)))
    db.execute_sql("UPDATE miner SET last_ip = ip")
    lost = {num for (num,) in db.execute_sql("SELECT num FROM miner WHERE ip IS NULL").fetchall()}
    kinds = ", ".join(f"'{kind}'" for kind in _PLACE)
    told = db.execute_sql(f"SELECT num, kind, detail FROM event WHERE kind IN ({kinds}) ORDER BY id")  # noqa: S608
    places = {num: place for num, kind, detail in told if num in lost and (place := _place(kind, detail))}
    for num, place in places.items():
        db.execute_sql(f"UPDATE miner SET last_ip = {db.param} WHERE num = {db.param}", (place, num))  # noqa: S608


def _place(kind: str, detail: str) -> str | None:
    try:
        return str(ipaddress.IPv4Address(json.loads(detail).get(_PLACE[kind])))
    except ValueError:
        return None
