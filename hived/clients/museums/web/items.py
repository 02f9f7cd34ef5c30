"""Things that a page describes in schema.org's words, however they were written down: types and properties."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from hived.clients.museums import licence, links, text
from hived.clients.museums.licence import Statement

ARTWORKS = frozenset((
    "visualartwork", "painting", "sculpture", "photograph", "drawing", "poster", "coverart", "map",
    "manuscript", "archivecomponent", "print", "humanmadeobject", "museumobject", "atlas", "sheetmusic",
))  # fmt: skip
ROLES = frozenset(("role", "organizationrole", "performancerole"))
MAX_ROLES = 3  # within each other
MAX_INNER = 8  # values of a thing within a thing: references to each other would multiply them
WORKS = frozenset(("creativework", "book", "product", "3dmodel"))
IMAGES = frozenset(("imageobject",))
RECORDS = frozenset((
    "webpage", "itempage", "website", "aboutpage", "collectionpage", "searchresultspage", "dataset", "datafeed",
    "article", "newsarticle", "blogposting", "report", "digitaldocument", "collection",
))  # fmt: skip
_LICENCE = ("license", "licence")
_RIGHTS = ("copyrightnotice", "rights", "accessrights", "usageinfo")
_RIGHTS_URI = ("creativecommons.org/", "rightsstatements.org/")
_ABOUT_RECORD = ("sdlicense",)


@dataclass(slots=True, eq=False)
class Item:
    """One thing. Names of types and properties are in lower case, without prefix or namespace."""

    types: tuple[str, ...] = ()
    id: str = ""
    properties: dict[str, list[str | Item]] = field(default_factory=dict)

    def add(self, name: str, value: str | Item) -> None:
        self.properties.setdefault(name, []).append(value)

    def values(self, *names: str) -> list[str | Item]:
        return [value for name in names for value in self.properties.get(name, ())]

    def items(self, *names: str) -> list[Item]:
        return [value for value in self.values(*names) if isinstance(value, Item)]

    def texts(self, *names: str, depth: int = 0) -> Iterator[str | None]:
        """Yield what properties say in words: of a thing its name, or what it is worth; of a role who has it."""
        for value in self.values(*names)[: MAX_INNER if depth else None]:
            if isinstance(value, str):
                yield text.without_tags(value)
            elif value.is_any(ROLES) and depth < MAX_ROLES:
                yield from value.texts(*names, depth=depth + 1)
            else:
                yield value.called()

    def called(self) -> str | None:
        """Return what a thing is called, a person perhaps by the parts of the name."""
        whole = self.values("name", "preflabel", "value", "legalname", "alternatename")
        parts = (text.first(*self.values(part)) for part in ("givenname", "additionalname", "familyname"))
        return text.first(*map(text.without_tags, whole)) or text.clean(" ".join(part for part in parts if part))

    def one(self, *names: str) -> str | None:
        return next(
            (told for told in self.texts(*names) if told and not told.startswith(("http://", "https://"))), None
        )

    def urls(self, *names: str) -> Iterator[str]:
        """Yield the URLs that properties name, by themselves, by the id or by the URL of a thing."""
        for value in self.values(*names):
            if isinstance(value, str):
                yield value
            else:
                if value.id:
                    yield value.id
                yield from (told for told in value.values("url", "contenturl") if isinstance(told, str))

    def is_any(self, kinds: frozenset[str]) -> bool:
        return any(kind in kinds for kind in self.types)


Value = str | Item


@dataclass(slots=True)
class Chosen:
    """What a page is about, among all the things that it describes."""

    main: Item | None = None
    twins: list[Item] = field(default_factory=list)
    """The main one told again: its facts are known, but what it says of rights counts."""
    others: list[Item] = field(default_factory=list)
    several: bool = False
    """There are several works and none is the page's own."""


def choose(items: Sequence[Item], page_urls: frozenset[str]) -> Chosen:
    """Return the work that the page is about: the only one, or the one that the page's address belongs to."""
    found = list(items)
    for item in items:
        if item.is_any(RECORDS):
            found += item.items("mainentity", "about")
    for kinds in (ARTWORKS, WORKS, IMAGES):
        works = [item for item in found if item.is_any(kinds)]
        if len(works) > 1:
            works = [item for item in works if page_urls & set(_addresses(item))] or works
        names = {(item.one("name", "title"), *item.urls("url")) for item in works}
        if len(works) == 1 or (works and len(names) == 1):
            return Chosen(works[0], works[1:], [item for item in found if item not in works])
        if works:
            return Chosen(None, others=found, several=True)
    return Chosen(None, others=found)


def rights(chosen: Chosen, how: str) -> Iterator[Statement]:
    """Yield what the things say of rights; `how` names the syntax ("json-ld", "microdata")."""
    pictures: list[Item] = []
    for main in (chosen.main, *chosen.twins):
        if main is None:
            continue
        scope: licence.Scope = "image" if main.is_any(IMAGES) else "work"
        yield from _own_rights(main, how, scope)
        own = main.items("image", "associatedmedia", "photo")
        pictures += own
        for picture in own:
            yield from _own_rights(picture, f"{how} image", "image")
        for name in _ABOUT_RECORD:
            yield from _said(main.values(name), f"{how} {name}", "record")
    for item in chosen.others:
        if item.is_any(IMAGES) and item not in pictures:
            # A picture that nothing ties to the work clears nothing, but may be the one that is not free.
            yield from (one for one in _own_rights(item, f"{how} image", "image") if not licence.normalise(one.value))
        elif item.is_any(RECORDS):
            yield from (Statement(one.value, one.field, "record") for one in _own_rights(item, how, "record"))


def _own_rights(item: Item, how: str, scope: licence.Scope) -> Iterator[Statement]:
    yield from _said(item.values(*_LICENCE), f"{how} license", scope)
    for name in _RIGHTS:
        for statement in _said(item.values(name), f"{how} {name}", scope):
            # "How to use this" is mostly a page of the house; only a rights URI there is a statement.
            if name != "usageinfo" or any(known in statement.value for known in _RIGHTS_URI):
                yield statement


def _said(told: Sequence[Value], field_: str, scope: licence.Scope) -> Iterator[Statement]:
    for value in told:
        if isinstance(value, str):
            yield from licence.said(value, field_, scope)
            continue
        for statement in _of_node(value):
            yield from licence.said(statement, field_, scope)


def _of_node(node: Item) -> list[str]:
    """Return what a licence that is a thing says: every URI that it names, else its names; its local id is no URI."""
    ids = [node.id] if node.id and not node.id.startswith(("_:", "#")) else []
    same = _strings(node.values("sameas"))
    uris = [*ids, *_strings(node.values("url", *_LICENCE)), *(uri for uri in same if any(map(uri.count, _RIGHTS_URI)))]
    return uris or [*same, *_strings(node.values("name"))]


def _strings(found: Sequence[Value]) -> list[str]:
    """Return the texts among values, and the ids of things that have one."""
    return [value if isinstance(value, str) else value.id for value in found if isinstance(value, str) or value.id]


def pictures(item: Item, page: str) -> Iterator[str]:
    """Yield the addresses of a work's pictures."""
    own = item.values("contenturl", "url") if item.is_any(IMAGES) else []
    for value in [*own, *item.values("image", "photo", "associatedmedia", "contenturl", "thumbnailurl", "thumbnail")]:
        told = [value] if isinstance(value, str) else [*value.values("contenturl", "url", "thumbnailurl"), value.id]
        for one in told:
            if isinstance(one, str) and (url := links.image_url(one, page)) is not None:
                yield url


def _addresses(item: Item) -> Iterator[str]:
    yield from (told for told in (item.id, *item.urls("url", "mainentityofpage")) if told)
