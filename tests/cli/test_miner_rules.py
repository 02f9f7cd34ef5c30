"""`hivectl miners set` and `models set`: what is laid down for miners that hived steers."""

from __future__ import annotations

import csv
import io

import pytest

from hived.store import audit
from tests.cli.site import Site, mac

AT = "192.168.7.1"


def test_a_group_and_tags_are_given_taken_away_shown_listed_and_found(site: Site) -> None:
    ran = site.run("miners", "set", AT, mac(2), "--group", "row 3", "--tag", "hot", "--tag", "old")
    assert ran.lines[0] == f"{AT} ({mac(1)}, rack1-1): in group row 3, tagged hot, old"
    ran = site.run("miners", "set", AT, "--tag", "new", "--untag", "old", "--untag", "never had")
    assert ran.out == f"{AT} ({mac(1)}, rack1-1): tagged hot, new\n"
    listed = list(csv.DictReader(io.StringIO(site.run("miners", "list", "--csv").out)))
    laid = [(one["group"], one["tags"]) for one in listed[:3]]
    assert laid == [("row 3", "hot, new"), ("row 3", "hot, old"), ("", "")]
    for words, found in ((("--group", "row 3"), 2), (("--tag", "new"), 1), (("row 3", "old"), 1), (("--tag", "x"), 0)):
        assert len(site.run("miners", "list", *words, "--json").document) == found, words
    shown = site.run("miners", "show", AT)
    assert [line.split(None, 1)[1] for line in shown.lines if line.split(None, 1)[:1] in (["group"], ["tags"])] == [
        "row 3", "hot, new",
    ]  # fmt: skip
    ran = site.run("miners", "set", AT, "--ungroup", "--untag", "hot", "--untag", "new")
    assert ran.out.endswith("): in no group, without tags\n")
    assert (site.run("miners", "show", AT, "--json").document.items()) >= {"group": None, "tags": []}.items()


def test_a_lock_says_who_until_when_and_why_and_ends_by_itself(site: Site) -> None:
    ran = site.run("miners", "set", AT, "--lock", "on the bench", "--protect", "visitors", "--until", "2h")
    assert ": locked by " in ran.out
    assert ran.out.endswith(": visitors\n")
    shown = site.run("miners", "show", AT, "--json").document
    assert (shown["locked"]["why"], shown["protected"]["why"]) == ("on the bench", "visitors")
    assert any("on the bench" in line for line in site.run("miners", "show", AT).lines)
    site.clock.advance(7_201.0)
    shown = site.run("miners", "show", AT, "--json").document
    assert (shown["locked"], shown["protected"]) == (None, None)
    assert site.run("miners", "set", AT, "--lock", "again").out.endswith("until it is taken away: again\n")
    assert site.run("miners", "set", AT, "--unlock").out.endswith("): not locked\n")
    newest = site.write(audit.listing, limit=1)[0]
    assert (newest["action"], newest["via"], newest["before"]["locked"]["why"]) == ("miner.locked", "command", "again")


def test_the_lowest_preset_of_a_miner_and_of_a_model(site: Site) -> None:
    assert site.run("miners", "set", AT, "--min-preset", "turbo").out.endswith("): at least preset Turbo\n")
    ran = site.run("models", "set", "s19jpro", "--max-preset", "turbo", "--min-preset", "2300")
    assert ran.out.startswith("s19jpro: at most preset Turbo (")
    assert ", at least preset 2300 (" in ran.out
    (line,) = [line for line in site.run("miners", "show", AT).lines if line.split()[:1] == ["model"]]
    assert line.endswith("at most preset Turbo, at least preset Turbo"), "the stricter of both"
    assert site.run("miners", "set", AT, "--no-min-preset").out.endswith("): no lowest preset of its own\n")
    ran = site.run("models", "set", "s19jpro", "--max-preset", "disabled")
    assert (ran.code, "no preset would be left" in ran.err) == (1, True)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--until", "2h"), 2), (("--group", "a", "--ungroup"), 2), (("--lock", "a", "--unlock"), 2),
        (("--lock", "a", "--until", "tomorrow"), 2), (("--lock", ""), 1), (("--group", ""), 1), (("--tag", ""), 1),
        (("--lock", "a", "--until", "2001-01-01T00:00:00Z"), 1), (("--min-preset", "9"), 1),
    ],
)  # fmt: skip
def test_what_makes_no_sense_changes_nothing(site: Site, words: tuple[str, ...], code: int) -> None:
    before = site.run("miners", "show", AT, "--json").document
    ran = site.run("miners", "set", AT, *words)
    assert (ran.code, bool(ran.err)) == (code, True), ran.out
    assert site.run("miners", "show", AT, "--json").document == before
