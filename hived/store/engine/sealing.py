"""Seal what an older hived stored in plain."""

from __future__ import annotations

from hived.store.engine import dialect
from hived.store.engine.database import Database, tuples
from hived.store.engine.secret_box import is_sealed
from hived.store.schema import Miner, Setting

_DONE = "secrets_are_sealed"


def about(mac: str, column: str) -> str:
    """Return what a miner's sealed value is bound to."""
    return f"miner:{mac}:{column}"


def seal_all(db: Database) -> int:
    """Seal the miners' keys and passwords that are not sealed yet; return how many there were.

    Nothing of them is left in the files of the database then. Transient when another program reads it just now and so
    holds on to the old pages: to be run again when that has ended.
    """
    with db.atomic():
        count = 0
        for field in (Miner.api_key, Miner.unlock_password):
            for num, mac, value in tuples(Miner.select(Miner.num, Miner.mac, field).where(field.is_null(False)), db):
                if not is_sealed(value):
                    sealed = db.box.seal(value, about(mac, field.name))
                    Miner.update({field: sealed}).where(Miner.num == num).execute(db)
                    count += 1
    if count or not tuples(Setting.select(Setting.value).where(Setting.name == _DONE), db):
        dialect.forget_old_pages(db, Miner._meta.table_name)  # noqa: SLF001 - peewee's documented metadata
        Setting.insert(name=_DONE, value="1").on_conflict_ignore().execute(db)
    return count
