"""Which address a miner's secrets may go to: where it was opened, or where the operator agreed.

A MAC is easily claimed, so a device that turns up elsewhere with one is tried with the key at most. What it refuses
there, or a second device with the same MAC, is a doubt: nothing secret goes to that address until somebody agrees.
"""

from __future__ import annotations

from collections.abc import Iterable

from hived.records.daemon import DISCOVERD
from hived.records.miner_view import KnownMiner
from hived.store import commands
from hived.store.engine.database import Database, tuples
from hived.store.miners import miners
from hived.store.miners.rows import change, change_and_show
from hived.store.schema import Health, Miner


def refused(db: Database, num: int, ip: str, at: float) -> None:
    """Note that the key is not taken at `ip`: it is lost where the miner was opened, and in doubt anywhere else."""
    agreed = Miner.select(Miner.agreed_ip).where(Miner.num == num).bind(db).scalar()
    if agreed == ip:
        miners.drop_access(db, num, at)
    else:
        doubt(db, num, ip, at, "not_agreed", f"does not take our key at {ip}, where nobody agreed to it yet")


def doubt(db: Database, num: int, ip: str, at: float, code: str, reason: str) -> None:
    """Let nothing secret go to what answers with this miner's MAC at `ip`, and say so."""
    miners.failed(db, num, at, code, reason)
    change(db, num, at, doubted_ip=ip)


def doubt_twin(db: Database, num: int, ip: str, at: float) -> None:
    """Note that a second device answers with this miner's MAC at `ip`."""
    change_and_show(db, num, at, doubted_ip=ip)


def twins_left(db: Database, ips: Iterable[str], at: float) -> None:
    """End the doubts about addresses where no second device answers any more."""
    elsewhere = Miner.ip.is_null() | (Miner.ip != Miner.doubted_ip)
    for (num,) in tuples(Miner.select(Miner.num).where(Miner.doubted_ip.in_(list(ips)), ~Miner.remote, elsewhere), db):
        change_and_show(db, num, at, doubted_ip=None)


def agree(db: Database, known: KnownMiner, ip: str, at: float) -> None:
    """Take what answers at `ip` for this miner, and let it have what is the miner's; it is looked at at once.

    Where it is now, if that is somewhere else, is in doubt from then on.
    """
    elsewhere = known.ip if known.ip != ip else None
    doubted = None if known.doubted_ip == ip else known.doubted_ip
    change_and_show(db, known.num, at, agreed_ip=ip, doubted_ip=elsewhere or doubted, unlock_not_before=0.0)
    Health.update(settings_due_at=0.0).where(Health.num == known.num).execute(db)
    commands.ask(db, DISCOVERD, "scan", {"targets": [ip], "outside": True}, at)
