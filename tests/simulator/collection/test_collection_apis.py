"""The smaller APIs of the simulated museum: Art Institute, Cleveland, Rijksmuseum (OAI-PMH) and Commons."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from importlib import resources
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree

import aiohttp
import pytest

from hived.simulator.collection.museum import Collection
from tests.clock import FakeClock

HOST = "127.31.1.2"
CAPTURES = resources.files("hived.simulator.collection") / "captures"
AGENT = {"User-Agent": "tester/1 (+mailto:tester@example.org)"}
OAI = "{http://www.openarchives.org/OAI/2.0/}"
EDM = "{http://www.europeana.eu/schemas/edm/}"
RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
CATEGORY = "Category:Museum of Simulated Art"


@pytest.fixture
async def museum(clock: FakeClock) -> AsyncIterator[Collection]:
    async with Collection(230, host=HOST, clock=clock) as running:
        yield running


async def ask(http: aiohttp.ClientSession, url: str, *, status: int = 200) -> Any:
    async with http.get(url, headers=AGENT) as reply:
        body = await reply.read()
        assert reply.status == status, (url, reply.status, body[:300])
    return json.loads(body)


def recorded(museum: Collection) -> list[int]:
    return [one for one in museum.ids if museum.catalogue.has_record(one)]


def same_types(real: Any, ours: Any) -> bool:
    """Return whether a value is of the real one's type, or null."""
    numbers = (int, float)
    return (
        ours is None
        or real is None
        or type(ours) is type(real)
        or isinstance(real, numbers) == isinstance(ours, numbers)
    )


async def test_artic_pages_through_every_record_in_the_real_field_set(
    http: aiohttp.ClientSession, museum: Collection
) -> None:
    real = json.loads((CAPTURES / "artic_artworks.json").read_bytes())
    found: list[int] = []
    url: str | None = f"{museum.artic_url}/artworks?limit=100"
    while url:
        page = await ask(http, url)
        assert list(page) == list(real)
        for record in page["data"]:
            assert list(record) == list(real["data"][0])
            for name, value in record.items():
                assert same_types(real["data"][0][name], value), (name, value)
            assert record["is_public_domain"] is museum.objects(record["id"]).open
            assert record["description"] is None, "that field alone would be CC BY"
        found += [record["id"] for record in page["data"]]
        url = page["pagination"].get("next_url")
    assert found == recorded(museum)
    assert page["pagination"] == {
        "total": len(found),
        "limit": 100,
        "offset": 200,
        "total_pages": 3,
        "current_page": 3,
        "prev_url": f"{museum.artic_url}/artworks?page=2&limit=100",
    }


async def test_artic_leaves_out_fields_that_were_not_asked_for(http: aiohttp.ClientSession, museum: Collection) -> None:
    page = await ask(http, f"{museum.artic_url}/artworks?limit=2&fields=id,title")
    assert [list(record) for record in page["data"]] == [["id", "title"]] * 2
    assert "fields=id%2Ctitle" in page["pagination"]["next_url"]
    one = recorded(museum)[0]
    single = await ask(http, f"{museum.artic_url}/artworks/{one}?fields=id,is_public_domain")
    assert single["data"] == {"id": one, "is_public_domain": museum.objects(one).open}


async def test_artic_shows_the_picture_at_its_iiif_address(http: aiohttp.ClientSession, museum: Collection) -> None:
    page = await ask(http, f"{museum.artic_url}/artworks?limit=10")
    image = next(record["image_id"] for record in page["data"] if record["image_id"])
    async with http.get(f"{page['config']['iiif_url']}/{image}/full/843,/0/default.jpg") as reply:
        assert (reply.status, reply.content_type) == (200, "image/png")


@pytest.mark.parametrize(
    ("tail", "status"),
    [
        ("/artworks/1", 404),
        ("/artworks/x", 404),
        ("/artworks?limit=101", 403),
        ("/artworks?page=x", 400),
        ("/artworks?page=0", 400),
        ("/agents", 404),
    ],
)
async def test_artic_says_what_is_wrong(
    http: aiohttp.ClientSession, museum: Collection, tail: str, status: int
) -> None:
    told = await ask(http, museum.artic_url + tail, status=status)
    assert told["status"] == status
    assert told["detail"]


async def test_cleveland_lists_open_records_in_the_real_field_set(
    http: aiohttp.ClientSession, museum: Collection
) -> None:
    real = json.loads((CAPTURES / "cleveland_artworks.json").read_bytes())["data"][0]
    found: list[int] = []
    total = None
    while total is None or len(found) < total:
        page = await ask(http, f"{museum.cleveland_url}/artworks/?cc0=1&has_image=1&limit=50&skip={len(found)}")
        total = page["info"]["total"]
        for record in page["data"]:
            assert list(record) == list(real)
            for name, value in record.items():
                assert same_types(real[name], value), (name, value)
            assert record["share_license_status"] == "CC0"
            assert record["images"]["web"]["width"] == "240", "numbers of pictures are texts"
        found += [record["id"] for record in page["data"]]
    assert found == [one for one in recorded(museum) if museum.objects(one).open]
    assert (await ask(http, f"{museum.cleveland_url}/artworks/?skip=5000"))["data"] == []


async def test_cleveland_hides_the_licence_behind_a_field_list(http: aiohttp.ClientSession, museum: Collection) -> None:
    page = await ask(http, f"{museum.cleveland_url}/artworks/?cc0=1&limit=1&fields=id,share_license_status")
    one = page["data"][0]["id"]
    assert page["data"] == [{"id": one, "share_license_status": None}]
    single = await ask(http, f"{museum.cleveland_url}/artworks/{one}")
    assert (single["data"]["id"], single["data"]["share_license_status"]) == (one, "CC0")
    closed = next(number for number in recorded(museum) if not museum.objects(number).open)
    single = await ask(http, f"{museum.cleveland_url}/artworks/{closed}")
    assert single["data"]["share_license_status"] == "Copyrighted"


@pytest.mark.parametrize("tail", ["/artworks/1", "/artworks/1916.586.a", "/creators/"])
async def test_cleveland_knows_no_strangers(http: aiohttp.ClientSession, museum: Collection, tail: str) -> None:
    assert "detail" in await ask(http, museum.cleveland_url + tail, status=404)


async def oai(http: aiohttp.ClientSession, museum: Collection, **query: str) -> ElementTree.Element:
    async with http.get(museum.rijks_url, params={name.rstrip("_"): value for name, value in query.items()}) as reply:
        assert (reply.status, reply.content_type) == (200, "text/xml")
        return ElementTree.fromstring(await reply.read())


async def harvest(http: aiohttp.ClientSession, museum: Collection, **query: str) -> list[ElementTree.Element]:
    """Return every record of a ListRecords, following the tokens."""
    root = await oai(http, museum, verb="ListRecords", metadataPrefix="edm", **query)
    records = root.findall(f".//{OAI}record")
    while token := root.findtext(f".//{OAI}resumptionToken"):
        root = await oai(http, museum, verb="ListRecords", resumptionToken=token)
        records += root.findall(f".//{OAI}record")
    return records


def numbers(records: list[ElementTree.Element]) -> list[int]:
    texts = [record.findtext(f"{OAI}header/{OAI}identifier") or "" for record in records]
    return [int(text.rpartition("/")[2]) for text in texts]


async def test_rijks_gives_every_record_with_its_right(http: aiohttp.ClientSession, museum: Collection) -> None:
    gone = recorded(museum)[0]
    museum.withdraw(gone)
    records = await harvest(http, museum)
    assert numbers(records) == museum.ids
    for number, record in zip(museum.ids, records, strict=True):
        header = record.find(f"{OAI}header")
        assert header is not None
        deleted = header.get("status") == "deleted"
        assert deleted is not museum.catalogue.has_record(number)
        assert deleted is (record.find(f"{OAI}metadata") is None)
        rights = record.find(f".//{EDM}rights")
        uri = None if rights is None else rights.get(f"{RDF}resource", "")
        is_open = uri is not None and re.search("/publicdomain/(zero|mark)/1.0/$", uri) is not None
        assert is_open is (museum.objects(number).open and not deleted)


async def test_rijks_gives_what_changed_since(
    http: aiohttp.ClientSession, museum: Collection, clock: FakeClock
) -> None:
    day = f"{datetime.fromtimestamp(clock(), UTC):%Y-%m-%d}"
    root = await oai(http, museum, verb="ListRecords", metadataPrefix="edm", from_=day)
    error = root.find(f"{OAI}error")
    assert error is not None
    assert error.get("code") == "noRecordsMatch"
    changed = museum.ids[10:70]
    for one in changed:
        museum.touch(one)
    assert numbers(await harvest(http, museum, from_=day)) == changed
    older = numbers(await harvest(http, museum, until="2020-12-31"))
    assert older
    assert all(museum.objects(one).changed_at < 1_609_459_200 for one in older)


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({}, "badVerb"),
        ({"verb": "Steal"}, "badVerb"),
        ({"verb": "ListRecords"}, "badArgument"),
        ({"verb": "ListRecords", "metadataPrefix": "marc"}, "cannotDisseminateFormat"),
        ({"verb": "ListRecords", "metadataPrefix": "edm", "from_": "soon"}, "badArgument"),
        ({"verb": "ListRecords", "resumptionToken": "bWV0YWRhdGE="}, "badResumptionToken"),
        ({"verb": "ListRecords", "resumptionToken": "\u00fc"}, "badResumptionToken"),
        ({"verb": "ListRecords", "resumptionToken": "W1tbMV1dXQ=="}, "badResumptionToken"),
        ({"verb": "GetRecord", "metadataPrefix": "edm", "identifier": "x/1"}, "idDoesNotExist"),
    ],
)
async def test_rijks_answers_mistakes_with_the_protocols_codes(
    http: aiohttp.ClientSession, museum: Collection, query: dict[str, str], code: str
) -> None:
    error = (await oai(http, museum, **query)).find(f"{OAI}error")
    assert error is not None
    assert error.get("code") == code


async def test_rijks_gives_one_record_and_shows_its_picture(http: aiohttp.ClientSession, museum: Collection) -> None:
    one = recorded(museum)[1]
    name = f"{museum.url}/rijks/id/{one}"
    record = await oai(http, museum, verb="GetRecord", metadataPrefix="edm", identifier=name)
    shown = record.find(f".//{EDM}isShownBy/{EDM}WebResource")
    assert shown is not None
    async with http.get(shown.get(f"{RDF}about", "")) as reply:
        assert (reply.status, reply.content_type) == (200, "image/png")
    async with http.get(name) as reply:
        assert (reply.status, reply.content_type) == (200, "text/html")


def commons(museum: Collection, **query: str) -> str:
    asked = {
        "action": "query",
        "format": "json",
        "formatversion": "2",
        "prop": "imageinfo",
        "iiprop": "url|size|mime|sha1|extmetadata",
        **query,
    }
    return museum.commons_url + "?" + "&".join(f"{name}={quote(value)}" for name, value in asked.items())


@pytest.mark.parametrize(
    "generator",
    [
        {"generator": "categorymembers", "gcmtitle": CATEGORY, "gcmlimit": "max"},
        {"generator": "allimages", "gailimit": "40"},
    ],
)
async def test_commons_gives_every_file_by_its_continue_block(
    http: aiohttp.ClientSession, museum: Collection, generator: dict[str, str]
) -> None:
    found: list[int] = []
    more: dict[str, Any] = {}
    while True:
        page = await ask(http, commons(museum, **generator, **{name: str(value) for name, value in more.items()}))
        found += [one["pageid"] for one in page["query"]["pages"]]
        more = page.get("continue", {})
        if not more:
            break
    assert found == recorded(museum)


async def test_commons_ends_when_the_last_batch_is_full(http: aiohttp.ClientSession, museum: Collection) -> None:
    for _ in range(len(recorded(museum)) % 50):
        museum.withdraw(recorded(museum)[-1])
    assert len(recorded(museum)) == 200
    page = await ask(
        http, commons(museum, generator="allimages", gailimit="50", gaicontinue=f"x|{recorded(museum)[149]}")
    )
    assert [one["pageid"] for one in page["query"]["pages"]] == recorded(museum)[150:]
    assert "continue" not in page


async def test_commons_files_carry_their_licence(http: aiohttp.ClientSession, museum: Collection) -> None:
    page = await ask(http, commons(museum, generator="categorymembers", gcmtitle=CATEGORY, gcmlimit="50"))
    codes = set()
    for one in page["query"]["pages"]:
        (info,) = one["imageinfo"]
        rights = museum.objects(one["pageid"]).rights
        values = {name: entry["value"] for name, entry in info["extmetadata"].items()}
        codes.add((rights, values["License"]))
        assert ("publicdomain" in values.get("LicenseUrl", "")) is (rights in ("cc0", "pdm"))
        assert re.fullmatch("[0-9a-f]{40}", info["sha1"])
        assert info["url"].startswith(museum.url)
    assert codes == {
        ("cc0", "cc0"),
        ("pdm", "pd"),
        ("unknown", "pd"),
        ("by-sa", "cc-by-sa-4.0"),
        ("copyright", "fair use"),
    }
    silent = [one for one in page["query"]["pages"] if museum.objects(one["pageid"]).rights == "unknown"]
    assert all("LicenseUrl" not in one["imageinfo"][0]["extmetadata"] for one in silent)
    async with http.get(page["query"]["pages"][0]["imageinfo"][0]["descriptionurl"]) as reply:
        assert (reply.status, reply.content_type) == (200, "text/html")


async def test_commons_answers_by_name_and_in_the_older_format(http: aiohttp.ClientSession, museum: Collection) -> None:
    one = recorded(museum)[2]
    page = await ask(http, commons(museum, pageids=str(one)))
    title = page["query"]["pages"][0]["title"]
    assert title == f"File:{museum.objects(one).title} {one}.png"
    again = await ask(http, commons(museum, titles=title, formatversion="1"))
    assert list(again["query"]["pages"]) == [str(one)]
    page = await ask(http, commons(museum, pageids=str(one), iiextmetadatafilter="License|Artist"))
    assert set(page["query"]["pages"][0]["imageinfo"][0]["extmetadata"]) == {"License", "Artist"}


@pytest.mark.parametrize("agent", ["", "python-requests/2.32", "Python/3.11 aiohttp/3.14", "curl/8.0"])
async def test_commons_wants_an_agent_with_a_name(http: aiohttp.ClientSession, museum: Collection, agent: str) -> None:
    async with http.get(commons(museum, pageids="1008"), headers={"User-Agent": agent}) as reply:
        assert reply.status == 403


async def test_commons_errors_come_with_status_200(http: aiohttp.ClientSession, museum: Collection) -> None:
    assert (await ask(http, f"{museum.commons_url}?action=edit&format=json"))["error"]["code"] == "badvalue"
    assert (await ask(http, commons(museum, generator="random")))["error"]["code"] == "badvalue"
    told = await ask(http, commons(museum, generator="allimages", gaicontinue="x"))
    assert told["error"]["code"] == "badcontinue"
    museum.set_fault("maxlag", paths=["/commons/*"], times=1)
    async with http.get(commons(museum, pageids="1008"), headers=AGENT) as reply:
        assert (reply.status, reply.headers["Retry-After"]) == (200, "5")
        assert (await reply.json())["error"]["code"] == "maxlag"
