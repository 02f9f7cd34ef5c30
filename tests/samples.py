"""Records of real museums and pages as their adapters read them, for whatever is to be tried on true values."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from hived.clients.museums.artic import parse as artic
from hived.clients.museums.cleveland import parse as cleveland
from hived.clients.museums.met import parse as met
from hived.clients.museums.rijksmuseum import parse as rijksmuseum
from hived.clients.museums.web import parse as web
from hived.records.artifact import CollectedObject

FOLDER = Path(__file__).parent / "fixtures" / "collections"
OAI = "https://data.rijksmuseum.nl/oai"


def samples() -> list[CollectedObject]:
    """Return one object for each record that is one, whatever its licence."""
    return list(_all())


def _all() -> Iterator[CollectedObject]:
    quail = met.parse_object(_bytes("met_object_45734_full.json"), "45734", 0.0)
    if isinstance(quail, CollectedObject):
        yield quail
    for name in ("aic_artworks_list.json", "aic_artworks_page.json"):
        yield from artic.parse_page(_bytes(name), 0.0).objects
    for record in json.loads(_bytes("cma_artworks_page.json"))["data"]:
        body = json.dumps({"data": record}).encode()
        yield cleveland.parse_artwork(body, str(record["id"]), 0.0)
    for record in rijksmuseum.parse_answer(_bytes("rijks_oai_edm_record.xml"), OAI, 0.0).records:
        if record.object is not None:
            yield record.object
    for path in sorted(FOLDER.glob("page_*.html")):
        found = web.parse_page(path.read_text(errors="replace"), f"https://museum.example/{path.name}", 0.0).object
        if found is not None:
            yield found


def _bytes(name: str) -> bytes:
    return (FOLDER / name).read_bytes()
