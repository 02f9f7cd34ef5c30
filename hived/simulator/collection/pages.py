"""The simulated museum's pages for people: one for each object, in a few styles of saying what its licence is."""

from __future__ import annotations

import json
from html import escape

from aiohttp import web

from hived.simulator.collection import labelled
from hived.simulator.collection.answers import Json, conditional, html_reply, object_tag, packed
from hived.simulator.collection.objects import Catalogue, Rights, Work, mix

STYLES = ("jsonld", "link", "anchor", "meta", "opengraph")
"""Where a page states its object's licence; "opengraph" pages state it nowhere but in the footer of the site."""

CC0 = "https://creativecommons.org/publicdomain/zero/1.0/"
PDM = "https://creativecommons.org/publicdomain/mark/1.0/"

URIS: dict[Rights, str | None] = {
    "cc0": CC0,
    "pdm": PDM,
    "by-sa": "https://creativecommons.org/licenses/by-sa/4.0/",
    "copyright": None,
    "unknown": None,
}

_FILLER = (
    "The museum keeps it in a drawer of its own, away from the light.",
    "It was cleaned and photographed when the galleries were rebuilt.",
    "Comparable pieces are known from several excavations and collections.",
    "The surface shows wear where hands have held it over the years.",
    "A label on the underside gives the number of an older inventory.",
)


def style_of(work: Work) -> str:
    return STYLES[mix(work.id, 11) % len(STYLES)]


def stated_licence(work: Work) -> str | None:
    """Return the licence URI that a careful reader may take from the page of a work; None: refuse it."""
    return URIS[work.rights] if work.open and style_of(work) != "opengraph" else None


def answer(catalogue: Catalogue, request: web.BaseRequest, name: str) -> web.Response:
    """Answer the page of one object: 404 for no such object, 410 for one whose record was taken away."""
    known = name.isascii() and name.isdigit() and len(name) < 12 and int(name) in catalogue
    if not known or catalogue.is_loan(int(name)):
        return html_reply(_page("Not found", "", "<h1>Not found</h1>"), status=404)
    object_id = int(name)
    if catalogue.is_gone(object_id):
        return html_reply(_page("Gone", "", "<h1>No longer in the collection</h1>"), status=410)
    return conditional(
        request,
        object_tag(catalogue, object_id, "page"),
        catalogue.changed_at(object_id),
        lambda: packed(request, html_reply(page(catalogue, catalogue.work(object_id)))),
    )


def page(catalogue: Catalogue, work: Work) -> str:
    """Return the page of a work."""
    style, uri = style_of(work), URIS[work.rights]
    url, picture = f"{catalogue.url}/pages/{work.id}", f"{catalogue.url}/images/web-large/{work.id}.png"
    head = [
        f'<link rel="canonical" href="{url}">',
        f'<meta name="description" content="{escape(sentence(work))}">',
        f'<meta property="og:title" content="{escape(work.title)}">',
        '<meta property="og:type" content="article">',
        f'<meta property="og:url" content="{url}">',
        f'<meta property="og:image" content="{picture}">',
        f'<meta property="og:description" content="{escape(sentence(work))}">',
        *labelled.head(work),
    ]
    rights = _rights_line(work)
    if style == "jsonld":
        document = json.dumps(linked_data(catalogue, work), ensure_ascii=False, indent=1).replace("</", "<\\/")
        head.append(f'<script type="application/ld+json">\n{document}\n</script>')
    elif uri and style == "link":
        head.append(f'<link rel="license" href="{uri}">')
    elif uri and style == "meta":
        head.append(f'<meta name="dcterms.rights" content="{uri}">')
    elif uri and style == "anchor":
        rights = f'Rights: <a rel="license" href="{uri}deed.en">{work.rights.upper()}</a>'
    return _page(f"{work.title} | Museum of Simulated Art", "\n".join(head), _body(work, picture, rights))


def _rights_line(work: Work) -> str:
    if work.rights == "copyright":
        return f"Rights: © {work.end} {escape(work.maker.name if work.maker else 'the artist')}"
    return "Rights: CC BY-SA 4.0" if work.rights == "by-sa" else ""


def sentence(work: Work) -> str:
    who = work.maker.name if work.maker else work.culture.name
    return f"{work.title}, {who}, {work.date_text}. {work.medium}."


def _body(work: Work, picture: str, rights: str) -> str:
    prose = " ".join(_FILLER[(work.id + number) % len(_FILLER)] for number in range(3))
    return (
        f'<article><h1>{escape(work.title)}</h1>\n<img src="{picture}" alt="{escape(work.kind.name)}" width="240">\n'
        f"{labelled.body(work)}\n<p>{escape(sentence(work))} {prose}</p>\n<p>{rights}</p></article>"
    )


def _page(title: str, head: str, body: str) -> str:
    """Return a whole page. The footer's licence is that of the site's own texts, never of an object."""
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{escape(title)}</title>\n{head}\n'
        '</head>\n<body>\n<nav><a href="/pages/">Collection</a> <a href="/private/">Staff</a></nav>\n'
        f"<main>\n{body}\n</main>\n"
        f'<footer>The texts of this site are <a rel="license" href="{CC0}">CC0</a>.</footer>\n</body>\n</html>\n'
    )


def linked_data(catalogue: Catalogue, work: Work) -> Json:
    """Return a work as schema.org VisualArtwork."""
    document: Json = {
        "@context": "https://schema.org",
        "@type": "VisualArtwork",
        "@id": f"{catalogue.url}/pages/{work.id}",
        "name": work.title,
        "url": f"{catalogue.url}/pages/{work.id}",
        "identifier": {"@type": "PropertyValue", "propertyID": "Accession number", "value": work.accession},
        "image": f"{catalogue.url}/images/web-large/{work.id}.png",
        "artform": work.kind.name,
        "artMedium": work.medium,
        "dateCreated": work.date_text,
        "locationCreated": {
            "@type": "Place",
            "name": work.place,
            "containedInPlace": {"@type": "Country", "name": work.culture.country},
        },
        "height": {"@type": "QuantitativeValue", "value": work.height_cm, "unitCode": "CMT"},
        "width": {"@type": "Distance", "name": f"{work.width_cm:g} cm"},
        "creditText": work.credit,
        "keywords": list(work.tags),
    }
    if work.maker:
        person = {"@type": ["Person", "Thing"], "name": work.maker.name, "birthDate": str(work.maker.born)}
        document["creator"] = {"@type": "Role", "roleName": "designer", "creator": [person]}
    if URIS[work.rights]:
        document["license"] = URIS[work.rights]
    elif work.rights == "copyright":
        document["copyrightNotice"] = f"© {work.end}"
    return document


def index(catalogue: Catalogue, request: web.BaseRequest) -> web.Response:
    """Answer the first page of the collection, with links to its first fifty objects."""
    ids = [object_id for object_id, _ in zip(catalogue.ids(), range(50), strict=False)]
    links = "\n".join(
        f'<li><a href="/pages/{number}">{escape(catalogue.work(number).title)}</a></li>' for number in ids
    )
    return packed(
        request, html_reply(_page("Museum of Simulated Art", "", f"<h1>Collection</h1>\n<ul>\n{links}\n</ul>"))
    )
