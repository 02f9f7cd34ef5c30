"""Seal what an older hived stored in plain."""

from __future__ import annotations

from hived.store import dialect
from hived.store.box import is_sealed
from hived.store.database import Database, tuples
from hived.store.schema import Miner


def about(mac: str, column: str) -> str:
    """Return what a miner's sealed value is bound to."""
    return f"miner:{mac}:{column}"


def seal_all(db: Database) -> int:
    """Seal the miners' keys and passwords that are not sealed yet; return how many there were.

    Nothing of them is left in the files of the database then.
    """
    with db.atomic():
        count = 0
        for field in (Miner.api_key, Miner.unlock_password):
            for num, mac, value in tuples(Miner.select(Miner.num, Miner.mac, field).where(field.is_null(False)), db):
                if not is_sealed(value):
                    sealed = db.box.seal(value, about(mac, field.name))
                    Miner.update({field: sealed}).where(Miner.num == num).execute(db)
                    count += 1
    if count:
        dialect.forget_old_pages(db, Miner._meta.table_name)  # noqa: SLF001 - peewee's documented metadata
    return count
