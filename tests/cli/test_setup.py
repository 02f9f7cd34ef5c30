"""`hivectl migrate` and `hivectl config check`: before anything runs."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
import yaml

from hived.store import Database, integrity
from tests.cli.site import Site
from tests.databases import Cluster


def test_migrate_creates_the_database_and_a_second_run_changes_nothing(bare: Site) -> None:
    ran = bare.run("migrate")
    assert (ran.code, ran.err) == (0, "")
    assert ran.lines[0] == "created SITE/hived.db"
    assert ran.lines[1].startswith("applied 0001")
    assert ran.lines[-1].endswith(" applied")
    before = bare.path.read_bytes()
    ran = bare.run("migrate")
    assert (ran.code, ran.lines) == (0, ["SITE/hived.db is up to date: nothing to do"])
    assert bare.path.read_bytes() == before
    assert integrity(bare.url) == "ok"


def test_the_database_is_for_its_owner_alone(bare: Site) -> None:
    bare.run("migrate")
    assert stat.S_IMODE(bare.path.stat().st_mode) == 0o600


def test_migrate_tells_programs_what_it_did(bare: Site) -> None:
    first = bare.run("migrate", "--json").document
    assert first["created"] is True
    assert first["applied"]
    assert bare.run("migrate", "--json").document == {
        "database": "SITE/hived.db", "created": False, "applied": [], "kept": None,
    }  # fmt: skip


def test_a_damaged_database_is_kept_and_a_new_one_made(bare: Site) -> None:
    """An update must not leave the site without its daemons because a disk has lost a page."""
    bare.run("migrate")
    garbage = b"\1" * 30_000
    bare.path.write_bytes(garbage)
    ran = bare.run("migrate")
    assert ran.code == 0
    assert ran.lines[0].startswith("the database was damaged: it is kept as SITE/hived.db.damaged-")
    assert "hivectl restore" in ran.lines[1]
    (kept,) = bare.folder.glob("hived.db.damaged-*Z")
    assert kept.read_bytes() == garbage
    assert integrity(bare.url) == "ok"
    assert bare.run("migrate").lines == ["SITE/hived.db is up to date: nothing to do"]


def test_migrate_makes_missing_folders(bare: Site) -> None:
    bare.path = bare.folder / "a" / "b" / "hived.db"
    bare.configure("")
    assert bare.run("migrate").code == 0
    assert bare.path.exists()


def test_a_database_of_a_newer_hived_is_left_alone_with_78(empty: Site) -> None:
    def visit(db: Database) -> None:
        db.execute_sql("INSERT INTO schema_migration (name, applied) VALUES ('9999_from_the_future', '2030-01-01')")

    empty.write(visit)
    for command in ("migrate", "status"):
        ran = empty.run(command)
        assert (ran.code, ran.out) == (78, "")
        assert "written by a newer hived" in ran.err
        assert len(ran.err.splitlines()) == 1


def test_a_folder_that_cannot_be_made_is_one_line(bare: Site) -> None:
    (bare.folder / "file").write_text("")
    bare.path = bare.folder / "file" / "hived.db"
    bare.configure("")
    ran = bare.run("migrate")
    assert ran.code == 1
    assert ran.err.startswith("hivectl: SITE/file")
    assert len(ran.err.splitlines()) == 1


def test_migrate_makes_the_tables_of_a_postgresql_database_and_a_second_run_changes_nothing(
    bare: Site, cluster: Cluster
) -> None:
    name = cluster.empty()
    bare.use(cluster.url(name))
    ran = bare.run("migrate")
    assert ran.lines[-1] == f"{len(ran.lines) - 1} schema changes applied"
    assert ran.lines[0] == "applied 0001_first_tables"
    ran = bare.run("migrate")
    assert (ran.code, ran.err) == (0, "")
    assert ran.lines[0].endswith(f"/{name} is up to date: nothing to do")
    assert bare.run("sources", "list").code == 0
    cluster.drop(name)


def test_a_postgresql_that_cannot_be_reached_is_one_line_without_the_password(bare: Site, free_port: int) -> None:
    bare.config.write_text(f"database: {{url: 'postgresql://user:geheim@127.0.0.1:{free_port}/hived'}}")
    for command in ("migrate", "status"):
        ran = bare.run(command)
        assert ran.code == 1
        assert "refused" in ran.err
        assert len(ran.err.splitlines()) == 1
        assert "geheim" not in ran.err


def test_config_check_prints_what_is_in_effect_and_from_where(bare: Site) -> None:
    bare.configure("network: {port: 8080, unlock_passwords: [geheim]}")
    ran = bare.run("config", "check")
    assert ran.code == 0
    assert yaml.safe_load(ran.out)["network"]["port"] == 8080
    assert "# SITE/hived.yaml:1" in ran.row("port:")
    assert "geheim" not in ran.out
    document = bare.run("config", "check", "--json").document
    assert document["config"]["network"]["port"] == 8080
    assert document["config"]["network"]["unlock_passwords"] == ["***"]
    assert document["origin"]["network.port"] == "SITE/hived.yaml:1"


def test_a_bad_config_is_its_one_line_and_78_for_every_command(bare: Site) -> None:
    bare.config.write_text("network: {prot: 80}")
    for command in (["config", "check"], ["status"], ["migrate"], ["miners", "list"]):
        ran = bare.run(*command)
        assert (ran.code, ran.out) == (78, "")
        assert ran.err == "hivectl: SITE/hived.yaml:1: network.prot: unknown option, did you mean network.port?\n"


def test_the_environment_names_the_config_and_the_option_wins(
    site: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from hived.cli.main import main

    other = tmp_path / "other.yaml"
    other.write_text("nonsense: 1")
    monkeypatch.setenv("HIVED_CONFIG", str(other))
    assert main(["status"], clock=site.clock) == 78
    assert main(["--config", str(site.config), "status"], clock=site.clock) == 0
    assert main(["status", "--config", str(site.config)], clock=site.clock) == 0
