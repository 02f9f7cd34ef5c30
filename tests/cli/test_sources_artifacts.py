"""`hivectl artifacts` and `hivectl model`: what was collected, and the model that describes it."""

from __future__ import annotations

import asyncio

import pytest

from hived.documents import collecting as documents
from hived.simulator.ollama.faults import ActiveOllamaFault, OllamaFault
from hived.simulator.ollama.models import MODEL
from hived.simulator.ollama.server import SimulatedOllama
from hived.store.collecting import artifacts
from tests import collected
from tests.cli.site import MINUTE, Ran, Site


@pytest.fixture
def node(empty: Site) -> Site:
    """Three artifacts; the last one is described."""
    source = empty.write(collected.add_source, empty.now)
    for n in (1, 2, 3):
        empty.write(collected.collect, source, n, empty.now - 5 * MINUTE)
    empty.write(collected.describe, 3, empty.now)
    return empty


def test_artifacts_come_newest_first(node: Site) -> None:
    ran = node.run("artifacts", "list")
    assert ran.lines[0].split() == ["ID", "TITLE", "MAKER", "DATE", "LICENCE", "SOURCE", "STATE", "COLLECTED"]
    assert [line.split()[0] for line in ran.lines[1:]] == ["3", "2", "1"]
    for part in ("Terracotta amphora 3", "Exekias, Euphronios", "ca. 530 B.C.", "Public Domain Mark 1.0", "The Met",
                 "described", "5 min ago"):  # fmt: skip
        assert part in ran.lines[1], part
    assert "awaiting" in ran.lines[2]
    assert len(node.run("artifacts", "list", "--limit", "2").lines) == 3
    for columns in (60, 100):
        assert max(map(len, node.watch("artifacts", "list", columns=columns).lines)) <= columns


def test_artifacts_are_found_by_words(node: Site) -> None:
    assert [one["id"] for one in node.run("artifacts", "list", "amphora", "tall", "--json").document] == [3]
    ran = node.run("artifacts", "list", "nowhere")
    assert (ran.code, ran.out, ran.err) == (0, "", "no artifact has all of these words\n")


def test_without_artifacts_it_says_so(empty: Site) -> None:
    assert empty.run("artifacts", "list").err == "nothing is collected so far\n"
    assert empty.run("artifacts", "list", "--json").document == []


def test_one_artifact_is_shown_whole(node: Site) -> None:
    ran = node.run("artifacts", "show", "3")
    assert ran.lines[0] == "Terracotta amphora 3"
    for part in ("https://museum.example/objects/3", "Public Domain Mark 1.0", "publicdomain/mark/1.0/",
                 "isPublicDomain, read ", "The Met (met 3)", "5 min ago, described", "Greek, Attic",
                 "described by node-1: facts of the record, chosen by llama3.2:1b:",
                 "  A tall Attic vase by Exekias."):  # fmt: skip
        assert part in ran.out, part


def test_the_longest_name_of_a_fact_is_apart_from_its_value(empty: Site) -> None:
    source = empty.write(collected.add_source, empty.now)
    empty.write(collected.collect, source, 1, empty.now, accession_number="54.144.9")
    lines = empty.run("artifacts", "show", "1").lines
    assert "accession number  54.144.9" in lines
    assert f"{'licence':<18}CC0 1.0" in "\n".join(lines)


def test_who_says_it_and_whether_it_is_old_is_told(empty: Site) -> None:
    source = empty.write(collected.add_source, empty.now)
    for n, version in ((1, 1), (2, None)):
        empty.write(collected.collect, source, n, empty.now)
        empty.write(collected.describe, n, empty.now, prompt_version=version)
    old = (
        "described by node-1: written by llama3.2:1b (old: it may say what the record does not, and is described anew):"
    )
    assert old in empty.run("artifacts", "show", "1").lines
    assert "described by node-1: written by llama3.2:1b:" in empty.run("artifacts", "show", "2").lines
    assert empty.run("artifacts", "show", "1", "--json").document["bubbles"][0]["is_old"] is True


def test_before_it_is_described_it_says_who_collected_it(node: Site) -> None:
    (number,) = [one["id"] for one in node.run("artifacts", "list", "--json").document if one["id"] == 1]
    node.write(collected.read, number, node.now)
    ran = node.run("artifacts", "show", str(number))
    assert ran.lines[-1] == "collected by node-1, from The Met"
    assert "awaiting" in ran.out


def test_documents_are_those_of_the_api(node: Site) -> None:
    stored = node.write(artifacts.one, 3)
    assert stored is not None
    assert node.run("artifacts", "show", "3", "--json").document == documents.artifact(stored)
    assert node.run("artifacts", "list", "--limit", "1", "--json").document == [documents.artifact(stored)]


def test_an_artifact_that_is_not_there_is_told(node: Site) -> None:
    ran = node.run("artifacts", "show", "9")
    assert (ran.code, ran.err) == (1, "hivectl: there is no artifact 9\n")
    assert node.run("artifacts", "show", "x").code == 2


def test_words_from_outside_do_not_steer_the_terminal(empty: Site) -> None:
    evil = "\x1b[2Jvase\u202e"
    source = empty.write(collected.add_source, empty.now)
    empty.write(collected.collect, source, 1, empty.now, title=evil, makers=(evil,), medium=evil)
    empty.write(collected.describe, 1, empty.now, summary=evil, model=evil)
    for command in (["list"], ["show", "1"]):
        out = empty.run("artifacts", *command).out
        assert "\x1b" not in out
        assert "\u202e" not in out


# -- the model ------------------------------------------------------------------------------------------------------


async def ask(site: Site, ollama: SimulatedOllama | str, *argv: str) -> Ran:
    """Run hivectl beside a model server."""
    host = ollama if isinstance(ollama, str) else ollama.url
    site.configure(f"ollama: {{host: '{host}', model: '{MODEL}'}}")
    return await asyncio.to_thread(site.run, "model", *argv)


async def test_a_model_that_is_there_is_ready(bare: Site) -> None:
    async with SimulatedOllama() as ollama:
        ran = await ask(bare, ollama, "status")
        assert (ran.code, ran.err) == (0, "")
        assert ran.out.startswith(f"{MODEL} is ready at {ollama.url} (digest ")
        document = (await ask(bare, ollama, "status", "--json")).document
    assert (document["ready"], document["error"], document["installed"]) == (True, None, [MODEL])


async def test_a_missing_model_is_told_with_the_line_to_run(bare: Site) -> None:
    async with SimulatedOllama(installed=()) as ollama:
        ran = await ask(bare, ollama, "status")
        assert (ran.code, ran.out) == (
            1, f"the model {MODEL} is missing: run `ollama pull {MODEL}`, or `hivectl model pull`\n",
        )  # fmt: skip
        document = (await ask(bare, ollama, "status", "--json")).document
    assert (document["ready"], document["digest"], document["installed"]) == (False, None, [])


async def test_a_model_is_pulled_and_each_step_told_once(bare: Site) -> None:
    async with SimulatedOllama(installed=()) as ollama:
        ran = await ask(bare, ollama, "pull")
        assert ran.code == 0
        assert ran.out.startswith(f"{MODEL} is ready at {ollama.url}")
        steps = ran.err.splitlines()
        assert steps[-1] == f"{MODEL}: success"
        assert len(steps) == len(set(steps)) > 2
        assert (await ask(bare, ollama, "status")).code == 0


async def test_no_model_server_is_one_line_and_exit_1(bare: Site, free_port: int) -> None:
    for verb in ("status", "pull"):
        ran = await ask(bare, f"http://127.0.0.1:{free_port}", verb)
        assert ran.code == 1
        assert "connection refused" in ran.out + ran.err
        assert "Traceback" not in ran.err


async def test_a_pull_that_fails_says_why(bare: Site) -> None:
    async with SimulatedOllama(installed=()) as ollama:
        ollama.fault = ActiveOllamaFault(OllamaFault.ERROR_500, paths=("/api/pull",))
        ran = await ask(bare, ollama, "pull")
    assert (ran.code, ran.out) == (1, "")
    assert len(ran.err.splitlines()) == 1
