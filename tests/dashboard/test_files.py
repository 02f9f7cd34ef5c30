"""What the dashboard's files promise without a browser."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hived.api.http.static import DASHBOARD, load, pages

OWN = sorted(
    p for p in DASHBOARD.rglob("*") if p.suffix in (".html", ".js", ".css", ".svg") and "vendor" not in p.parts
)
VENDORED = sorted(p for p in (DASHBOARD / "vendor").iterdir() if p.is_dir())

# Namespaces name things, they are never fetched; the miner's own page is a link that a person follows.
_HARMLESS = ("http://www.w3.org/2000/svg", "http://${", "https://${location.")


def _name(path: Path) -> str:
    return path.relative_to(DASHBOARD).as_posix()


@pytest.mark.parametrize("path", OWN, ids=_name)
def test_no_file_of_ours_names_an_asset_outside(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    found = re.findall(r"https?://[^\s\"'`)<>]+|url\([^)]*\)|@import[^;]*", text)
    assert [url for url in found if not url.startswith(_HARMLESS)] == []


@pytest.mark.parametrize("path", OWN, ids=_name)
def test_no_file_of_ours_needs_what_the_content_policy_refuses(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for refused in ("innerHTML", "outerHTML", "insertAdjacentHTML", "dangerouslySetInnerHTML", "eval(", "new Function",
                    "document.write", "javascript:"):  # fmt: skip
        assert refused not in text, refused
    if path.suffix == ".html":
        assert re.findall(r"<script(?![^>]*\bsrc=)", text) == []
        assert re.findall(r"<style|\sstyle=|\son\w+=", text) == []


@pytest.mark.parametrize("folder", VENDORED, ids=_name)
def test_a_library_comes_with_its_version_and_its_licence(folder: Path) -> None:
    assert re.fullmatch(r"[a-z-]+-\d+\.\d+\.\d+", folder.name)
    licence = (folder / "LICENSE").read_text(encoding="utf-8")
    assert "MIT License" in licence or "Apache License" in licence


def test_every_library_is_used_by_a_page() -> None:
    page = "".join((DASHBOARD / name).read_text(encoding="utf-8") for name in ("index.html", "docs.html"))
    for folder in VENDORED:
        for file in folder.iterdir():
            if file.suffix in (".js", ".css"):
                assert f"/static/{_name(file)}" in page


def test_the_page_names_every_module_and_stylesheet_so_that_none_waits_for_another() -> None:
    page = load(DASHBOARD)["index.html"].body.decode()
    linked = re.findall(r'"/static/((?:js|css)/[^"]+)"', page)
    own = [name for name in map(_name, OWN) if name.endswith((".js", ".css"))]
    assert sorted(linked) == [name for name in own if not name.startswith("docs/")]
    assert linked[0] == "css/base.css"  # what the others build on
    assert page.index("modulepreload") < page.index("<script")


def test_every_page_has_a_path_of_its_own() -> None:
    rows = re.findall(r"\bpage: (\w+)", (DASHBOARD / "js/pages.js").read_text(encoding="utf-8"))
    assert len(set(rows)) == len(rows) == len(set(pages(load(DASHBOARD))))


def test_every_file_that_is_named_exists() -> None:
    for path in OWN:
        text = path.read_text(encoding="utf-8")
        for name in re.findall(r'["\']/static/([^"\']+)["\']', text):
            assert (DASHBOARD / name).is_file(), f"{_name(path)} names {name}"
        for name in re.findall(r'from "(\./[^"]+)"', text):
            assert (path.parent / name).is_file(), f"{_name(path)} imports {name}"


@pytest.mark.parametrize("path", OWN, ids=_name)
def test_a_file_stays_short_enough_to_be_read(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) < 400


_TABLE = re.compile(r"^(?:export )?const ([A-Z_]+) = \{\s*(.{0,20})", re.MULTILINE)


@pytest.mark.parametrize("path", [path for path in OWN if path.suffix == ".js"], ids=_name)
def test_a_table_that_received_words_are_looked_up_in_has_no_entries_of_its_own(path: Path) -> None:
    """A node may call an event, a state or a pool's status "constructor": `own` or a table without a prototype."""
    text = path.read_text(encoding="utf-8")
    for match in _TABLE.finditer(text):
        looked_up = any(f"{match[1]}[" in other.read_text(encoding="utf-8") for other in OWN if other.suffix == ".js")
        assert not looked_up or match[2].startswith("__proto__: null,"), match[1]
