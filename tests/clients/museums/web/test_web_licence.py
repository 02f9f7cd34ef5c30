"""The licence of a page: stated of the object or its picture, by an exact URI, where readers see it, or not at all."""

from __future__ import annotations

import pytest

from hived.clients.museums.web.parse import parse_page
from tests.clients.museums.web.pages import TRICKY, URL, Tricky


@pytest.mark.parametrize("one", TRICKY, ids=[one.what for one in TRICKY])
def test_a_tricky_page_is_decided_right(one: Tricky) -> None:
    found = parse_page(one.html, URL, 3.0).object
    assert (found.licence.uri if found.licence else None) == one.expected, found.rights_text
    if found.licence is None:
        assert found.rights_text
        assert found.image_url is None
    else:
        assert found.licence.read_at == 3.0
        assert found.rights_text is None


def test_there_are_enough_of_them() -> None:
    assert len({one.what for one in TRICKY}) == len(TRICKY)
    assert sum(one.expected is None for one in TRICKY) >= 30
    assert sum(one.expected is not None for one in TRICKY) >= 15
