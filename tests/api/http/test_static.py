"""Large files of the dashboard stay on the disk until somebody asks for one."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from hived.api.http import static
from hived.api.http.static import DASHBOARD, KEPT_BYTES, Shelved
from tests.api.farm import Api

LARGE = "vendor/swagger-ui-5.35.0/swagger-ui-bundle.js"


def test_no_large_file_is_held_in_memory() -> None:
    files = static.load(DASHBOARD)
    assert isinstance(files[LARGE], Shelved)
    assert all(len(page.body) <= KEPT_BYTES for page in files.values())


async def test_a_large_file_is_sent_as_it_lies_on_the_disk(nobody: Api) -> None:
    async with nobody.http.get(f"/static/{LARGE}") as reply:  # packed on the way
        assert (reply.status, reply.content_type) == (200, "text/javascript")
        assert hashlib.sha256(await reply.read()).digest() == hashlib.sha256((DASHBOARD / LARGE).read_bytes()).digest()
        tag = reply.headers["ETag"]
    async with nobody.http.get(f"/static/{LARGE}", headers={"If-None-Match": tag}) as reply:
        assert reply.status == 304


@pytest.mark.sqlite_only("files")
async def test_a_large_file_that_is_gone_is_404(nobody: Api, tmp_path: Path) -> None:
    (tmp_path / "a.js").write_bytes(b" " * (KEPT_BYTES + 1))
    nobody.app[static.FILES].update(static.load(tmp_path))
    async with nobody.http.get("/static/a.js") as reply:
        assert (reply.status, len(await reply.read())) == (200, KEPT_BYTES + 1)
    (tmp_path / "a.js").unlink()
    status, answer = await nobody.ask("GET", "/static/a.js")
    assert (status, answer) == (404, {"error": "there is no such file any more"})
