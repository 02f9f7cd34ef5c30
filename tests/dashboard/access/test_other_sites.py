"""Pages of other sites in the browser of somebody who is logged in: they change, read and frame nothing."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from hived.store import Database
from hived.store.engine.database import dicts
from hived.store.schema import ApiToken, Audit, User
from tests.dashboard.conftest import OpenPage
from tests.dashboard.farm import Farm, mac

pytestmark = pytest.mark.browser

ORIGINS = ("127.0.0.1", "localhost", "127.32.9.1")
"""The same host on another port, which gets the cookie; another name of it; another host."""
USER = {"name": "eve", "role": "admin", "password": "long enough for one"}

ATTACKS = """(async (base, target, user, mac) => {
  const told = {}, body = JSON.stringify(user);
  const attempt = async (name, path, options) => {
    try {
      const reply = await fetch(base + path, {credentials: "include", ...options});
      told[name] = reply.type === "opaque" ? "opaque" : await reply.text();
    } catch (error) { told[name] = "refused"; }
  };
  const json = {"Content-Type": "application/json"};
  await attempt("text", "/api/v1/users", {method: "POST", mode: "no-cors", body});
  await attempt("form type", "/api/v1/users", {method: "POST", mode: "no-cors", body: new URLSearchParams(user)});
  await attempt("empty", "/api/v1/scan", {method: "POST", mode: "no-cors"});
  await attempt("cors", "/api/v1/users", {method: "POST", headers: json, body});
  await attempt("patch", `/api/miners/${mac}`, {method: "PATCH", headers: json, body: '{"managed": true}'});
  await attempt("delete", `/api/miners/${mac}`, {method: "DELETE"});
  await attempt("read", "/api/miners", {});
  await attempt("read session", "/api/v1/session", {});
  await attempt("read without cors", "/api/v1/rows", {mode: "no-cors"});
  navigator.sendBeacon(base + "/api/v1/users", new Blob([body], {type: "text/plain"}));
  const loaded = element => new Promise(done => {
    element.onload = () => done("loaded"); element.onerror = () => done("refused"); document.body.append(element);
    setTimeout(() => done("never"), 3000);
  });
  told.script = await loaded(Object.assign(document.createElement("script"), {src: base + "/api/miners"}));
  const frame = Object.assign(document.createElement("iframe"), {src: base + "/", name: "inside"});
  await loaded(frame);
  try { told.frame = frame.contentDocument ? frame.contentDocument.body.innerText : "closed"; }
  catch (error) { told.frame = "closed"; }
  const form = Object.assign(document.createElement("form"), {
    action: base + "/api/v1/users", method: "post", enctype: "text/plain", target: "inside",
  });
  form.append(Object.assign(document.createElement("input"), {name: body.slice(0, -1) + ',"a":"', value: '"}'}));
  document.body.append(form);
  const sent = new Promise(done => { frame.onload = done; setTimeout(done, 3000); });
  form.submit();
  await sent;
  return told;
})"""


@pytest.fixture
async def elsewhere() -> AsyncIterator[int]:
    """The port of a site that is not ours, at every address."""

    async def page(_: web.Request) -> web.Response:
        return web.Response(text="<!doctype html><title>not ours</title><body>hello</body>", content_type="text/html")

    app = web.Application()
    app.router.add_get("/", page)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "0.0.0.0", 0)
    await site.start()
    yield runner.addresses[0][1]
    await runner.cleanup()


def state(db: Database) -> dict[str, object]:
    """Return what an order would have left behind."""
    return {table.__name__: dicts(table.select(), db) for table in (User, ApiToken, Audit)}


@pytest.mark.parametrize("origin", ORIGINS)
async def test_a_page_of_another_site_does_nothing_in_the_browser_of_an_admin(
    farm: Farm, open_page: OpenPage, elsewhere: int, origin: str
) -> None:
    await farm.add(0)
    before = await farm.store.read(state)
    async with open_page() as page:
        await page.go(farm.url)
        assert await page.evaluate("fetch('/api/miners').then(reply => reply.status)") == 200, "it is logged in"
        await page.go(f"http://{origin}:{elsewhere}/", until="document.title === 'not ours'")
        given = ", ".join(json.dumps(one) for one in (farm.url, origin, USER, mac(0)))
        told = await page.evaluate(f"{ATTACKS}({given})")
    assert len(told) == 11
    read = {name: text for name, text in told.items() if text not in ("opaque", "refused", "never", "closed")}
    assert read in ({}, {"frame": ""}), read
    assert await farm.store.read(state) == before
