"""How many tokens there may be: a list that nobody reads through any more protects nobody."""

from __future__ import annotations

import pytest

from hived.store.access import tokens
from tests.api.farm import Api
from tests.mutated import LONG, count


@pytest.mark.timeout(600 if LONG else 120)
async def test_one_token_more_than_are_kept_is_refused_until_one_is_revoked(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    most = count(12, tokens.MAX_TOKENS)
    monkeypatch.setattr(tokens, "MAX_TOKENS", most)
    wish = {"name": "t", "role": "viewer"}
    made = [await api.ask("POST", "/api/v1/tokens", wish | {"name": f"t{n}"}) for n in range(most + 10)]
    codes = [code for code, _ in made]
    assert codes == [201] * (most - 1) + [409] * 11, "the tests have one already"
    assert (await api.ask("DELETE", f"/api/v1/tokens/{made[0][1]['id']}"))[0] == 204
    assert (await api.ask("POST", "/api/v1/tokens", wish))[0] == 201
