"""The real hive-alertd tells people and programs: by mail and ntfy, a heartbeat while all is well, a webhook."""

from __future__ import annotations

import json
import time
from collections import Counter
from pathlib import Path

import pytest

from hived.records.access import By
from hived.records.alerts import Notice
from hived.records.events import Event
from hived.runtime.config import SECRETS
from hived.services.integrations import webhooks
from hived.store import Store, events
from hived.store.alerts import notices
from tests.clients.outgoing.receivers import mail_server, web
from tests.system.appliance import Appliance, until

pytestmark = [pytest.mark.system, pytest.mark.timeout(240)]

NOTICES = 6


def pss_mib(pid: int) -> float:
    """Return what a process has in memory for itself and of what it shares."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("Pss:")).split()[1]) / 1024


def notice(number: int) -> Notice:
    return Notice(0, f"key-{number}", None, "disk", "opened", "bad", f"Trouble {number}", "Bad.", None, time.time())


async def test_everybody_is_told_once_of_everything_and_nothing_of_it_stays_in_memory(appliance: Appliance) -> None:
    by = By(at=time.time(), who="eva", via="cli", address=None)
    async with mail_server() as mail, web() as ntfy, web() as heart, web() as erp, Store.open(appliance.url) as store:
        appliance.configure(alerts={"allow_hosts": [f"127.0.0.1:{erp.port}"]})
        channels = {
            "phone": f"ntfy://127.0.0.1:{ntfy.port}/geheimthema",
            "office": f"mailto://hive@site.example:{mail.port}?smtp=127.0.0.1&to=eva@x.example",
        }
        secret = {"alerts": {"channels": channels, "heartbeat": f"http://127.0.0.1:{heart.port}/geheimpuls"}}
        (appliance.folder / SECRETS).write_text(json.dumps(secret))
        await store.write(webhooks.add, "erp", f"http://127.0.0.1:{erp.port}/geheimweg", by)
        alertd = appliance.start("hive-alertd")
        # Its first turn may come before the first round of the rules: then the next one is a minute later.
        await until(lambda: len(heart.got) == 1, within_s=100.0)
        for number in range(NOTICES):
            await store.write(notices.add, notice(number))
        await store.write(events.add, [Event("node_lost", time.time(), {"name": str(n)}) for n in range(NOTICES)])
        await until(lambda: len(erp.got) == NOTICES)
        await until(lambda: len(ntfy.got) >= 3)
        alertd.kill()
        again = appliance.start("hive-alertd")
        over = "UPDATE alert_delivery SET next_try = 0 WHERE next_try IS NOT NULL"
        await store.write(lambda db: db.execute_sql(over))  # as if the lease of what was killed were over
        missing = "SELECT count(*) FROM alert_delivery WHERE sent_at IS NULL"
        await until(lambda: appliance.number(missing) == 0)
        before = pss_mib(again.process.pid)
        for number in range(NOTICES, 2 * NOTICES):
            await store.write(notices.add, notice(number))
        await until(lambda: appliance.number("SELECT count(*) FROM alert_delivery") == 4 * NOTICES)
        await until(lambda: appliance.number(missing) == 0)
        after = pss_mib(again.process.pid)
        await again.stop()
    by_ntfy = Counter(json.loads(request.partition(b"\r\n\r\n")[2])["title"] for request in ntfy.got)
    assert set(by_ntfy) == {f"Trouble {number}" for number in range(2 * NOTICES)}
    assert sum(by_ntfy.values()) <= 2 * NOTICES + 1, "what was under way when it was killed may come twice"
    assert 2 * NOTICES <= len(mail.got) <= 2 * NOTICES + 1
    assert len({json.loads(request.partition(b"\r\n\r\n")[2])["data"]["id"] for request in erp.got}) == NOTICES
    assert after < before + 2.0, f"{before:.1f} MiB before, {after:.1f} after {2 * NOTICES} more messages"
    print(f"hive-alertd takes {before:.1f} MiB before and {after:.1f} after {2 * NOTICES} more messages")
    logs = alertd.log + again.log + appliance.hivectl("status")
    assert "Traceback" not in logs
    assert "geheim" not in logs
    assert "channels: {office: '***', phone: '***'}" in alertd_check(appliance)


def alertd_check(appliance: Appliance) -> str:
    """Return the configuration as the daemon shows it."""
    checked = appliance.start("hive-alertd", "--check")
    said, _ = checked.process.communicate(timeout=30)
    assert b"geheim" not in said
    return said.decode()
