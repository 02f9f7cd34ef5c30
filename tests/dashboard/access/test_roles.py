"""What a role may not do is not offered, in a real browser."""

from __future__ import annotations

import time

import pytest

from hived.store import Database
from tests import collected
from tests.dashboard.access.test_login_page import WORDS, log_in, unexpected
from tests.dashboard.conftest import OpenPage
from tests.dashboard.farm import Farm, mac
from tests.dashboard.nodes.test_nodes_page import ask, join, own

pytestmark = pytest.mark.browser

STEERING = (
    ".scan, .controls, .addsource, .remove, .plain-table .actions button, .pageactions button, .head button, dialog,"
    " .switch input:not(.pictures input):not(:disabled), .maxpreset select:not(:disabled), form:not(.filters),"
    " .join-requests button, .node button, .c-select, .actionbar, [data-verb], .rules button, .rules select"
)


async def test_a_viewer_sees_no_button_that_would_be_refused(farm: Farm, open_page: OpenPage) -> None:
    def furnish(db: Database) -> None:
        own(db)
        join(db)
        ask(db, "other-1", "other")
        collected.minerd(db, time.time())
        collected.add_source(db, time.time())

    await farm.furnish()
    await farm.add(0)
    await farm.write(furnish)
    await farm.require_login(vera="viewer")
    async with open_page() as page:
        await log_in(page, farm, "vera", until="document.querySelector('.miners .pick')")
        assert await page.evaluate("document.querySelector('nav a[href=\"/access\"]')") is None
        ready = {
            "/": "document.querySelector('.miners .pick')",
            f"/miners/{mac(0)}": "document.querySelector('.facts')",
            "/orders": "document.querySelector('main .note')",
            "/models": "document.querySelector('.ladder')",
            "/collecting": "document.querySelector('tr[data-source]') && document.querySelector('.doing')",
            "/site": "document.querySelector('.daemons li')",
            "/nodes": "document.querySelector('.node') && document.querySelector('[data-request]')",
        }
        for path, until in ready.items():
            await page.go(farm.url + path, until=until)
            assert await page.evaluate(f"[...document.querySelectorAll({STEERING!r})].map(e => e.outerHTML)") == [], (
                path
            )
        await page.go(f"{farm.url}/miners/{mac(0)}", until="document.querySelector('.switch')")
        assert "Only an operator may do this; you are a viewer" in await page.evaluate(
            "document.querySelector('.switch').title"
        )
        await page.go(f"{farm.url}/access")
        await page.wait_for(f"{WORDS}.includes('Only an admin may do this; you are a viewer')")
        assert unexpected(page) == []
