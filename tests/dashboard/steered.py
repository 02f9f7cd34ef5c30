"""A farm whose miners can be steered, and what hive-controld would write of an order."""

from __future__ import annotations

import time
from typing import Any

from hived.records.orders import Order, State, Target
from hived.records.steering import Seen
from hived.store import Database
from hived.store.engine.counters import next_rev
from hived.store.miners import orders
from hived.store.schema import Health, Miner
from tests.dashboard.browser import Page
from tests.dashboard.farm import TH, mac

FEATURES = "chips cooling locate password pause pools preset reboot restart settings"


def make_steerable(db: Database, features: str = FEATURES, number: int | None = None) -> None:
    """Let hived steer all miners, or one, with what their firmware can do."""
    change = Miner.update(managed=True, features=features)
    (change if number is None else change.where(Miner.mac == mac(number))).execute(db)
    Health.update(rev=next_rev(db)).execute(db)


def newest(db: Database) -> tuple[Order, list[Target]]:
    """Return the order that was given last."""
    return orders.one(db, orders.listing(db, limit=1)[0].id)


def begin(db: Database, number: int) -> Target:
    """Ask a miner what the newest order wants of it."""
    target = next(one for one in newest(db)[1] if one.mac == mac(number))
    now = time.time()
    pools = ({"slot": 0, "url": "stratum+tcp://before.example:3333", "user": "farm.before"},)
    before = Seen(now, state="mining", hashrate_hs=96 * TH, power_w=3000.0, preset="3080", pools=pools)
    assert orders.begin(db, target, before, now, args=target.args)
    orders.answered(db, target, "accepted", now)
    return target


def end(db: Database, number: int, state: State = "confirmed", **more: Any) -> None:
    """Ask a miner and say what became of it."""
    after = Seen(time.time(), state="stopped", hashrate_hs=0.0, power_w=14.0)
    assert orders.end(db, begin(db, number), state, time.time(), after=after, **more)


def box(number: int) -> str:
    """Return the selector of a row's box."""
    return f'tr[data-mac="{mac(number)}"] .c-select'


def line(number: int) -> str:
    """Return the selector of a miner's line on the page of an order."""
    return f'.targets tr[data-mac="{mac(number)}"]'


async def selected(page: Page, count: int) -> None:
    """Wait until the bar says that so many are selected."""
    await page.wait_for(f"document.querySelector('.picked b').innerText === '{count:,}'")
