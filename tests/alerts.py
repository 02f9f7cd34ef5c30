"""Troubles in rows, as the engine of alerts would have written them: two that are open, one that is over."""

from __future__ import annotations

from dataclasses import replace

from hived.records.alerts import DEFAULTS, Alert, Channel, Member, Notice, Told
from hived.store import Database
from hived.store.alerts import alerts, channels, notices, rules

GROUP = "group:row A"
HASHRATE_HS = 100e12


def add(db: Database, rule: str, since: float, *, group: str = "", **fields: object) -> Alert:
    """Open an alert of a rule that came with hived."""
    watched = DEFAULTS[rule]
    begun = Alert(0, rule, watched.sign, group, watched.severity, since, since + watched.for_s, lost_at=since)
    return replace(begun, id=alerts.add(db, replace(begun, **fields)), **fields)  # type: ignore[arg-type]


def member(rule: str, number: int, since: float, *, what: str, **fields: object) -> Member:
    """A miner that is wrong by a rule; `mac_of(number)` of the farm."""
    detail = {
        "name": f"127.20.0.{number}", "mac": f"02:0e:7e:00:00:{number:02x}", "what": what, "lost_hs": HASHRATE_HS,
    }  # fmt: skip
    return replace(Member(0, rule, detail["mac"], since, detail=detail), **fields)  # type: ignore[arg-type]


def tell(db: Database, alert: Alert, told: Told, title: str, at: float) -> None:
    """Write what people were told of an alert."""
    body = f"What: {title}\nMore: hivectl alerts show {alert.id}"
    key = f"test-{alert.id}-{told}"
    notices.add(db, Notice(0, key, alert.id, alert.rule, told, alert.severity, title, body, None, at))


def furnish(db: Database, at: float) -> tuple[int, int, int]:
    """Twelve miners of row A went offline 18 minutes ago, one is too hot, and fans were lost yesterday.

    Return the numbers of the three alerts. The channel `ops` could not be reached, `mail` could.
    """
    rules.install(db)
    over = add(
        db, "fans-lost", at - 90_000, count=1, most=1, lost_hss=3600 * HASHRATE_HS, lost_at=at - 86_400,
        ended_at=at - 86_400,
        told_at=at - 89_000, notices=2,
    )  # fmt: skip
    hot = add(db, "too-hot", at - 700, count=1, most=1, told_at=at - 400, notices=1)
    dark = add(
        db, "group-offline", at - 1080, group=GROUP, count=12, most=12, lost_hs=12 * HASHRATE_HS,
        lost_at=at - 1080, told_at=at - 1000, notices=1,
    )  # fmt: skip
    gone = [member("group-offline", n, at - 1080, what="offline", alert=dark.id) for n in range(1, 13)]
    low = [
        member("miner-low", n, at - 900, what="0 % of what it should give", under=dark.id) for n in range(1, 4)
    ]  # fmt: skip
    lost = member("fans-lost", 20, at - 90_000, what="fan 2 is lost", alert=over.id)
    alerts.add_members(
        db,
        [
            *gone, *low, member("too-hot", 21, at - 700, what="98 °C hottest chip", alert=hot.id),
            replace(lost, well_at=at - 86_500, back_at=at - 86_400),
        ],
    )  # fmt: skip
    for name in ("mail", "ops"):
        channels.put(db, Channel(name, f"ntfys://ntfy.example.com/secret-{name}", created_at=at - 1e6, by="eva"))
    tell(db, dark, "opened", "12 miners offline, all at once: group row A", at - 1000)
    tell(db, hot, "opened", "127.20.0.21: 98 °C hottest chip", at - 400)
    notices.spread(db, channels.listing(db), at - 390)
    for one in notices.claim(db, at - 380, lease_s=60):
        if one.channel == "mail":
            notices.delivered(db, one.notice.id, "mail", at - 379, "200: ok")
        else:
            notices.failed(db, one.notice.id, "ops", at + 600, "502: bad gateway")
    return dark.id, hot.id, over.id
