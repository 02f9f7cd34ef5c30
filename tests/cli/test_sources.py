"""`hivectl sources`: where the auto-miner collects, and whether it does."""

from __future__ import annotations

import pytest

from hived.documents import collecting as documents
from hived.records.artifact import ObjectRef
from hived.store.collecting import collector, frontier, sources
from tests import collected
from tests.cli.site import HOUR, MINUTE, Site

NOBODY = "hive-minerd is not running"


@pytest.fixture
def node(empty: Site) -> Site:
    """A node on which hive-minerd runs."""
    empty.write(collected.minerd, empty.now)
    return empty


def test_a_source_is_added_listed_and_removed(node: Site) -> None:
    ran = node.run("sources", "add", "The Met", f"{collected.MET}/")
    assert (ran.code, ran.out) == (0, f"source 1: The Met, kind met, at {collected.MET}\n")
    ran = node.run("sources", "add", "Pages", "https://example.org/things", "--kind", "web", "--json")
    assert (ran.document["id"], ran.document["kind"], ran.document["base_url"]) == (
        2, "web", "https://example.org/things",
    )  # fmt: skip
    assert [line.split()[:2] for line in node.run("sources", "list").lines[1:3]] == [["2", "Pages"], ["1", "The"]]
    assert node.run("sources", "remove", "1").out == "source 1 (The Met) is removed\n"
    assert [one["name"] for one in node.run("sources", "list", "--json").document] == ["Pages"]


def test_the_list_tells_counts_errors_and_what_the_auto_miner_does(node: Site) -> None:
    source = node.write(collected.add_source, node.now)
    node.write(collected.collect, source, 1, node.now)
    refs = [ObjectRef(str(n), f"https://museum.example/{n}") for n in range(3)]
    node.write(frontier.add, source.id, refs, node.now, changed=False)
    node.write(sources.began, source.id, node.now - 3 * HOUR)
    node.write(sources.failed, source.id, "source_fails", "no answer within 20 s", node.now - 5 * MINUTE)
    node.write(sources.refused, source.id, "no licence is stated", "https://museum.example/9", node.now)
    node.write(collected.tell, node.now, "Running", "The Met", "the model x is missing: run `ollama pull x`")
    ran = node.run("sources", "list")
    heading, line, state = ran.lines
    assert heading.split("  ")[0].strip() == "ID"
    for part in ("The Met", "met", "3 h ago", "no answer within 20 s (5 min ago)", collected.MET):
        assert part in line, part
    assert line.split()[4:7] == ["1", "3", "1"]
    assert state == "auto-miner: Running (The Met); the model x is missing: run `ollama pull x`"
    (document,) = node.run("sources", "list", "--json").document
    stored = node.write(sources.one, source.id)
    assert stored is not None
    assert document == documents.source(stored, node.write(sources.refusals, source.id))
    assert document["refusals"][0]["reason"] == "no licence is stated"
    assert node.watch("sources", "list", columns=60).lines[1].startswith(" 1  The Met")


def test_names_from_outside_do_not_steer_the_terminal(node: Site) -> None:
    source = node.write(collected.add_source, node.now, "x\x1b[2Jy", "https://example.org/", "web")
    node.write(sources.failed, source.id, "source_fails", "\x1b]0;evil\x07", node.now)
    node.write(collected.tell, node.now, "Running", "x\x1b[2Jy", "\x1b[31mred")
    for command in (["sources", "list"], ["sources", "remove", "1"]):
        assert "\x1b" not in node.run(*command).out, command


def test_without_a_source_it_says_how_to_add_one(node: Site) -> None:
    ran = node.run("sources", "list")
    assert (ran.out, ran.err) == ("auto-miner: Idle\n", "there is no source yet: hivectl sources add NAME URL\n")
    assert node.run("sources", "list", "--json").document == []


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["x", "example.org"], "base_url"), (["x", "ftp://example.org/"], "http"),
        ([" ", "https://a.example/"], "name"),
        (["x", "https://a.example/", "--kind", "louvre"], "expected one of met, artic"),
    ],
)  # fmt: skip
def test_a_bad_source_is_wrong_usage(node: Site, argv: list[str], said: str) -> None:
    ran = node.run("sources", "add", *argv)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err
    assert node.run("sources", "list", "--json").document == []


def test_a_base_url_that_is_there_is_told(node: Site) -> None:
    node.run("sources", "add", "The Met", collected.MET)
    ran = node.run("sources", "add", "Again", "https://www.metmuseum.org/")
    assert (ran.code, ran.err) == (1, f"hivectl: there is a source with the base URL {collected.MET} already\n")


def test_a_source_that_is_not_there_is_told(node: Site) -> None:
    for command in ("remove", "start"):
        ran = node.run("sources", command, "7")
        assert (ran.code, ran.err) == (1, "hivectl: there is no source 7\n")
        assert node.run("sources", command, "x").code == 2


def test_removing_a_source_says_that_its_artifacts_stay(node: Site) -> None:
    source = node.write(collected.add_source, node.now)
    for n in (1, 2):
        node.write(collected.collect, source, n, node.now)
    assert node.run("sources", "remove", str(source.id)).out == "source 1 (The Met) is removed; its 2 artifacts stay\n"
    assert len(node.run("artifacts", "list", "--json").document) == 2


def test_start_and_stop_are_the_rows_that_the_daemon_obeys(node: Site) -> None:
    ran = node.run("sources", "start")
    assert (ran.code, ran.out, ran.err) == (0, "the auto-miner starts\n", "")
    assert node.write(collector.state).wanted
    ran = node.run("sources", "start")
    assert (ran.code, ran.out, ran.err) == (1, "", "hivectl: the auto-miner runs already\n")
    assert node.run("sources", "start", "--json").document == {"ok": False, "message": "the auto-miner runs already"}
    assert node.run("sources", "stop").out == "the auto-miner stops\n"
    assert not node.write(collector.state).wanted
    assert node.run("sources", "stop", "--json").document == {"ok": True, "message": "the auto-miner was not running"}


def test_one_source_is_visited_once(node: Site) -> None:
    node.write(collected.add_source, node.now)
    assert node.run("sources", "start", "1").out == "source 1 is visited once\n"
    wish = node.write(collector.state)
    assert (wish.wanted, wish.only_source) == (False, 1)


def test_a_start_that_nobody_hears_is_told(node: Site) -> None:
    node.clock.advance(31)
    ran = node.run("sources", "start")
    assert (ran.code, ran.out) == (0, "the auto-miner starts\n")
    assert ran.err == f"{NOBODY}: nothing happens until it is: systemctl start hive-minerd\n"
    assert node.run("sources", "list").lines[-1] == f"auto-miner: is to run, but {NOBODY}"
    node.run("sources", "stop")
    assert node.run("sources", "list").lines[-1] == f"auto-miner: is off, but {NOBODY}"
    assert node.run("sources", "start", "--json").document["daemon"] == NOBODY


def test_without_a_database_it_says_to_migrate_first(bare: Site) -> None:
    for command in (["sources", "list"], ["sources", "start"], ["artifacts", "list"], ["artifacts", "show", "1"]):
        ran = bare.run(*command)
        assert (ran.code, "hivectl migrate" in ran.err) == (78, True), command
