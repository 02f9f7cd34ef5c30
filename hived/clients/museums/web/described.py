"""The facts of a thing that a page describes in schema.org's words, or in those that museums use beside them."""

from __future__ import annotations

from collections.abc import Iterator

from hived.clients.museums import accession, dates, makers, text
from hived.clients.museums.web import labels
from hived.clients.museums.web.facts import MAX_MAKERS, MAX_TAGS, Facts, completed
from hived.clients.museums.web.items import MAX_INNER, MAX_ROLES, ROLES, Item, Value

MAX_PLACES = 3  # within each other

_MAKERS = ("creator", "artist", "author", "maker", "contributor", "photographer", "painter", "sculptor", "manufacturer")
_DATES = ("datecreated", "productiondate", "dateproduced", "created", "temporal", "temporalcoverage", "date")
_MADE = (
    "locationcreated",
    "productionplace",
    "placeofproduction",
    "placeoforigin",
    "placecreated",
    "placemade",
    "origin",
)
_FOUND = ("findspot", "findlocation", "placefound")
_SPATIAL = ("spatialcoverage", "spatial", "coverage", "geolocation", "place")
_TOWN, _COUNTRY = ("addresslocality", "locality", "city"), ("addresscountry", "country")
_REGION = ("addressregion", "region", "state")
_WITHIN = ("containedinplace", "containedin", "partof", "ispartof", "broader")
_NUMBERS = ("accessionnumber", "inventorynumber", "objectnumber", "museumnumber", "registrationnumber")
_KINDS = frozenset(("painting", "sculpture", "photograph", "drawing", "poster", "map", "manuscript", "print", "atlas"))
_UNITS = {"cmt": "cm", "mmt": "mm", "mtr": "m", "inh": "in", "fot": "ft", "kgm": "kg", "grm": "g"}  # of UN/CEFACT


def facts(item: Item) -> Facts:
    """Return the facts of a work."""
    date_text = next((told for told in map(_when, item.values(*_DATES)) if told), None)
    year_from, year_to = dates.span(date_text)
    keywords = [
        part for told in item.texts("keywords", "about", "subject", "genre") if told for part in told.split(",")
    ]
    sizes = (f"{name} {size}" for name in ("height", "width", "depth", "diameter") if (size := _size(item, name)))
    own = Facts(
        title=item.one("name", "headline", "title"),
        makers=text.clean_all(_makers(item), MAX_MAKERS),
        date_text=date_text,
        year_from=year_from,
        year_to=year_to,
        medium=text.joined(_words(item, "artmedium", "material", "medium", "technique", "artworksurface"), ", "),
        dimensions=text.joined(map(_measure, item.values("size", "dimensions", "extent"))) or text.joined(sizes),
        place=_place(item),
        culture=text.joined(_words(item, "culture", "culturalcontext", "artstyle")),
        classification=text.joined(
            _words(item, "artform", "additionaltype", "classification", "category", "type"), ", "
        ),
        department=item.one("department"),
        credit=item.one("credittext", "creditline"),
        accession_number=accession.stated(item.texts(*_NUMBERS)) or _number(item),
        tags=text.clean_all([*keywords, *map(_where, item.values("contentlocation"))], MAX_TAGS, 80),
    )
    return completed(own, labels.facts(_labelled(item)))


def kind(item: Item | None) -> Facts:
    """Return what a thing is by its type alone, for want of anything better."""
    return Facts(
        classification=next((kind.capitalize() for kind in item.types if kind in _KINDS), None) if item else None
    )


def _words(item: Item, *names: str) -> Iterator[str]:
    return (told for told in item.texts(*names) if told and "://" not in told)


def _makers(item: Item, role: str | None = None, depth: int = 0) -> Iterator[str | None]:
    """Yield who made a work: a role is a thing between it and the person, which says what that person did."""
    for value in item.values(*_MAKERS, *(("agent", "person") if depth else ()))[: MAX_INNER if depth else None]:
        if isinstance(value, str):
            yield makers.maker(text.without_tags(value), role)
            continue
        own = value.one("rolename", "role") or role
        if (value.is_any(ROLES) or value.called() is None) and depth < MAX_ROLES:
            yield from _makers(value, own, depth + 1)
        else:
            yield makers.maker(value.called(), own)


def _when(value: Value) -> str | None:
    """Return a date in words; that of a stretch of time by its ends."""
    if isinstance(value, str):
        return text.without_tags(value)
    ends = (value.one(*names) for names in (("startdate", "begin", "start"), ("enddate", "end")))
    return value.called() or text.clean("/".join(end for end in ends if end))


def _place(item: Item) -> str | None:
    """Return where a work comes from; what it shows is no such place."""
    for names in (_MADE, _FOUND, _SPATIAL):
        if told := text.joined(map(_where, item.values(*names))):
            return told
    return text.nested(_words(item, *_TOWN, *_REGION, *_COUNTRY, "countryoforigin"))


def _where(value: Value, depth: int = 0) -> str | None:
    """Return a place in words, the smallest first: its name, its address, and what it lies within."""
    if isinstance(value, str):
        return None if "://" in value else text.without_tags(value)
    inner = value.values("address", *_WITHIN)[:MAX_INNER] if depth < MAX_PLACES else []
    own = [value.called(), *_words(value, *_TOWN, *_REGION), *(_where(one, depth + 1) for one in inner)]
    return text.nested([*own, *_words(value, *_COUNTRY)])


def _size(item: Item, name: str) -> str | None:
    return next((told for told in map(_measure, item.values(name)) if told), None)


def _measure(value: Value) -> str | None:
    """Return a size in words: the name alone, as schema.org's Distance has it, or an amount with its unit."""
    if isinstance(value, str):
        return text.without_tags(value)
    amount = text.first(*value.values("value"), limit=30)
    code = text.first(*value.values("unitcode"), limit=30)
    unit = text.first(*value.values("unittext"), limit=30) or (_UNITS.get(code.lower()) if code else None)
    name = text.first(*value.values("name"), limit=60)
    return text.clean(" ".join(part for part in (name, amount, unit if amount else None) if part))


def _number(item: Item) -> str | None:
    """Return the number that identifies a work in its museum: one that is called so, else one that looks like it."""
    told = item.values("identifier")
    named = [one for one in told if isinstance(one, Item) and (one.one("propertyid", "name") or "") != ""]
    kept = [
        one for one in named if labels.field_of(one.one("propertyid") or "") or labels.field_of(one.one("name") or "")
    ]
    return accession.stated(map(_worth, kept)) or accession.likely(_worth(one) for one in told if one not in named)


def _worth(value: Value) -> str | None:
    return value if isinstance(value, str) else text.first(*value.values("value", "identifier"), value.id)


def _labelled(item: Item) -> list[tuple[str, list[str]]]:
    """Return the properties that a work has beside those of its type."""
    own = item.items("additionalproperty")
    return [(name, [told]) for one in own if (name := one.one("name", "propertyid")) and (told := _measure_of(one))]


def _measure_of(value: Item) -> str | None:
    told = next(iter(_words(value, "value")), None)
    return text.clean(f"{told} {unit}") if told and (unit := value.one("unittext")) else told
