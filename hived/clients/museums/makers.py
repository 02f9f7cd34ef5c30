"""Who made an object: a name with how sure it is and what else than the artist its bearer was."""

from __future__ import annotations

import re

from hived.clients.museums import text

MAX_ROLE = 40

_LIFE_DATES = re.compile(r"\s*\([^()]{0,200}\d[^()]{0,200}\)\s*$")
_UNTOLD = frozenset((
    "artist", "artist/maker", "artists", "author", "creator", "creators", "kunstenaar", "künstler", "künstlerin",
    "maker", "makers", "primary", "vervaardiger", "artiste", "auteur", "créateur", "hersteller", "artist or maker",
))  # fmt: skip
_NO_MAKER = re.compile(
    r"(?:sitter|subject|depicted|portrayed|(?:former |previous )?owner|donor|lender|patron|collector|dealer"
    r"|honou?ree|dedicatee|addressee|recipient|provenance|geportretteerde|afgebeeld|dargestellt|modèle|vorbesitzer|copyright)\b.*",
    re.IGNORECASE,
)
_DOUBT = (
    r"(?:attributed to|possibly(?: by)?|probably(?: by)?|(?:copy |copied )?after|(?:in the )?(?:style|manner) of"
    r"|(?:workshop|studio|circle|school|followers?|imitator|pupil|assistant|designs?) of|ascribed to"
    r"|formerly attributed to)"
)
_DOUBTED = re.compile(rf"\b(?P<doubt>{_DOUBT})(?: (?:the|an?))?\s*$", re.IGNORECASE)


def maker(name: object, role: object = None, doubt: object = None) -> str | None:
    """Return a maker's name without life dates, with a doubt before and a role behind it; None: it is no maker's."""
    who, what = text.clean(name), text.clean(role, MAX_ROLE)
    who = who and (_LIFE_DATES.sub("", who) or who)
    if who is None or "://" in who or who.startswith(("/", "#", "mailto:")) or (what and _NO_MAKER.fullmatch(what)):
        return None
    before = text.clean(doubt, MAX_ROLE)
    if before and not who.lower().startswith(before.lower()):
        who = f"{before} {who}"
    is_told = what is None or what.lower() in _UNTOLD or "://" in what or f"({what.lower()})" in who.lower()
    return who if is_told else f"{who} ({what})"


def doubt_in(display: str | None, name: str) -> str | None:
    """Return what a line such as "Workshop of Rembrandt" says of how sure the name in it is; None: nothing."""
    before, found, _ = (display or "").partition(name)
    told = _DOUBTED.search(before[-60:]) if found else None
    return None if told is None else text.clean(before[-60:][told.start() :])
