"""Answers that come from what stands in front of a site: its firewall wants to see a browser, or a pause."""

from __future__ import annotations

import re
from collections.abc import Mapping

MAX_PAGE = 200_000  # a challenge is a script and a few words
_HEADERS = {"cf-mitigated": "challenge", "x-amzn-waf-action": ""}  # the last one with any value
_TITLE = re.compile(r"<title[^>]{0,200}>\s*([^<]{1,200}?)\s*</title", re.IGNORECASE)
_SAYS = re.compile(
    r"just a moment\W*|one moment, please\W*|attention required! \| cloudflare|please wait\W*\| cloudflare"
    r"|(?:making sure|checking (?:that|if)) you(?:'|&#39;|’)?(?: a)?re (?:not a (?:ro)?bot|human)\W*"
    r"|checking your browser\b.*|verif(?:y|ying) (?:that )?you are (?:a )?human\W*|ddos-guard"
    r"|(?:human|security|bot|browser) (?:verification|check|checkpoint)|vercel security checkpoint"
    r"|are you (?:a )?(?:robot|human)\W*|robot challenge screen|client challenge|pardon our interruption\W*"
    r"|you have been blocked|un instant\W*|einen moment\W*|un momento\W*|een ogenblik geduld\W*",
    re.IGNORECASE,
)


def has_challenge(headers: Mapping[str, str]) -> bool:
    """Say whether headers (names in lower case) name the answer a challenge."""
    return any(name in headers and wanted in headers[name].lower() for name, wanted in _HEADERS.items())


def is_challenge(page: str) -> bool:
    """Say whether a page is a challenge by its title: it is about browsers and robots and nothing else."""
    found = _TITLE.search(page[:MAX_PAGE]) if len(page) <= MAX_PAGE else None
    return found is not None and _SAYS.fullmatch(found[1]) is not None
