"""The description of the API as a page: shown without the internet, under the policy of all pages, and tried out."""

from __future__ import annotations

import pytest

from hived.api import routes
from tests.dashboard.conftest import OpenPage
from tests.dashboard.farm import Farm

pytestmark = pytest.mark.browser


async def test_the_page_shows_every_route_and_tries_one_with_the_session(farm: Farm, open_page: OpenPage) -> None:
    await farm.furnish()
    await farm.add(0)
    async with open_page() as page:
        count = "document.querySelectorAll('.opblock').length"
        await page.go(f"{farm.url}/api/docs", until=f"{count} > 0")
        assert await page.evaluate(count) == len(routes.TABLE)
        assert "OAS 3.1" in await page.text(".info")
        block = "#operations-miners-models_listing"
        await page.click(f"{block} .opblock-summary-control")
        await page.wait_for(f"document.querySelector('{block} .try-out button')")
        await page.click(f"{block} .try-out button")
        await page.wait_for(f"document.querySelector('{block} .execute')")
        await page.click(f"{block} .execute")
        answer = f"document.querySelector('{block} .live-responses-table tbody .response-col_status')?.innerText.trim()"
        assert await page.wait_for(answer) == "200"
        assert page.foreign_requests(farm.url) == []
        assert page.problems == []
