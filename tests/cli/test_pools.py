"""`hivectl pools`: where miners mine, and where they may."""

from __future__ import annotations

from hived.records.miner import PoolReading
from hived.store import audit
from tests.cli.site import Site


def test_pools_are_listed_allowed_judged_and_removed(site: Site) -> None:
    site.status(site.miner(20), pools=(PoolReading(0, "evil.example:3333", "thief.777", status="active"),))
    ran = site.run("pools", "list")
    assert ran.code == 0
    assert "no pool is allowed yet, so none is judged: hivectl pools allow URL" in ran.err
    assert ran.row("evil.example:3333").split()[:3] == ["not", "judged", "1"]
    others = {one["url"] for one in site.run("pools", "list", "--json").document["in_use"]} - {"evil.example:3333"}
    for number, url in enumerate(sorted(others), 1):
        ran = site.run("pools", "allow", url)
        assert ran.lines[0].endswith(f"is allowed (entry {number})")
        assert "1 miner uses what is not allowed; unless that changes, it is an alert in 10 min:" in ran.lines
        assert "  evil.example:3333 as thief: 1 miner" in ran.lines
        assert ran.lines[-1] == "next: hivectl pools allow URL, or put it right: hivectl do pools FILE --miner MINER"
    if not others:
        assert site.run("pools", "allow", "pool.example", "--worker", "farm").code == 0
    ran = site.run("status")
    assert ran.code == 1
    assert "192.168.7.20 (rack1-20): pool 1 is evil.example:3333 as thief.777, which is not allowed" in ran.out
    assert "hivectl pools allow URL" in ran.out
    assert site.run("pools", "list").row("evil.example:3333").split()[:2] == ["not", "allowed"]
    assert site.run("pools", "allow", "evil.example", "--worker", "thief").code == 0
    assert site.run("status").code == 0
    document = site.run("pools", "list", "--json").document
    assert {one["allowed"] for one in document["in_use"]} == {True}
    ran = site.run("pools", "remove", "evil.example")
    assert ran.out.startswith("evil.example as thief is no longer allowed; ")
    assert site.run("status").code == 1
    (told,) = site.write(audit.listing, limit=1)
    assert (told["action"], told["via"], told["before"]) == ("pool.remove", "command", {"worker": "thief"})


def test_what_is_not_there_or_twice_is_told(site: Site) -> None:
    assert site.run("pools", "remove", "x").err == "hivectl: there is no entry 'x': see `hivectl pools list`\n"
    for worker in ("a", "b"):
        assert site.run("pools", "allow", "pool.example", "--worker", worker).code == 0
    assert site.run("pools", "allow", "pool.example", "--worker", "a").code == 1
    assert site.run("pools", "remove", "pool.example").code == 2
    assert site.run("pools", "remove", "2").lines[0].endswith("; 1 entry left")
    assert site.run("pools", "remove", "1").out.endswith("; 0 entries left: nothing is judged any more\n")
    assert site.run("pools", "allow", "*").code == 1
