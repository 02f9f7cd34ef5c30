"""Where miners are and were: addresses that nothing but hived's own questions may go to."""

from __future__ import annotations

from hived.store.engine.database import Database, tuples
from hived.store.schema import Miner


def known_addresses(db: Database) -> frozenset[str]:
    """Return every address that is known of a miner of any node."""
    found = tuples(Miner.select(Miner.ip, Miner.last_ip, Miner.agreed_ip, Miner.doubted_ip), db)
    return frozenset(ip for row in found for ip in row if ip is not None)
