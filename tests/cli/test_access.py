"""hivectl users and hivectl token; and that every change by command leaves a row that says whose it was."""

from __future__ import annotations

import io
import os
import pwd
from typing import Any

import pytest

from hived.records.access import AREAS, By, new_token, read_token
from hived.services.access import accounts
from hived.store import audit
from hived.store.access import tokens, users
from tests import access
from tests.cli.site import DAY, Ran, Site, mac
from tests.databases import Databases

PASSWORD = "correct horse battery"
ME = pwd.getpwuid(os.geteuid()).pw_name


@pytest.fixture(autouse=True)
def light_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hived.services.access.passwords.PasswordHasher", lambda: access.HASHER)


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A way to type into standard input."""

    def give(text: str) -> None:
        monkeypatch.setattr("sys.stdin", io.StringIO(text))

    return give


def rows(site: Site) -> list[dict[str, Any]]:
    return site.write(audit.listing, limit=1000)


def told(site: Site) -> list[tuple[str, str | None]]:
    """What the audit rows say, oldest first; all of them by this user."""
    found = rows(site)
    assert all((row["who"], row["via"], row["address"]) == (ME, "command", None) for row in found)
    return [(row["action"], row["target"]) for row in reversed(found)]


def add(site: Site, typed: Any, name: str, role: str, *more: str, password: str = PASSWORD) -> Ran:
    typed(password + "\n")
    return site.run("users", "add", name, "--role", role, "--password-stdin", *more)


def test_a_user_is_made_listed_changed_and_removed(empty: Site, typed: Any) -> None:
    assert "no user yet" in empty.run("users", "list").err
    assert add(empty, typed, "Anna", "admin").out == "user anna was added as admin\n"
    made = add(empty, typed, "bert", "viewer", "--json").document
    assert (made["name"], made["role"], made["login_at"]) == ("bert", "viewer", None)
    assert "bert" in empty.run("users", "list").row("viewer")
    assert [user["name"] for user in empty.run("users", "list", "--json").document] == ["anna", "bert"]
    assert empty.run("users", "set", "bert", "--role", "operator").code == 0
    typed("another password\n")
    assert empty.run("users", "passwd", "bert", "--password-stdin").code == 0
    hashed = empty.write(users.password_hash, "bert")
    assert hashed is not None
    assert access.HASHER.verify(hashed, "another password")
    assert hashed.startswith("$argon2id$")
    assert "is removed" in empty.run("users", "remove", "bert").out
    assert told(empty) == [
        ("user.add", "anna"), ("user.add", "bert"), ("user.role", "bert"), ("user.password", "bert"),
        ("user.remove", "bert"),
    ]  # fmt: skip
    assert "password" not in repr([{**row, "action": ""} for row in rows(empty)])


def test_the_tokens_of_a_user_who_is_removed_are_named(empty: Site, typed: Any) -> None:
    add(empty, typed, "anna", "admin")
    add(empty, typed, "bert", "admin")
    by = By(at=empty.now, who="bert", via="session", address=None)
    for name in ("grafana", "old"):
        empty.write(accounts.add_token, new_token(), name, "viewer", (), None, by)
    empty.run("token", "revoke", "old")
    ran = empty.run("users", "remove", "bert")
    assert ran.out == "user bert is removed and logged out\n"
    assert ran.err.startswith("token grafana (viewer), which bert made, still works: hivectl token revoke ")
    assert ran.err.count("\n") == 1
    assert rows(empty)[0]["before"] == {"role": "admin", "tokens_that_stay": ["grafana"]}


def test_what_cannot_be_done_is_said_and_changes_nothing(empty: Site, typed: Any) -> None:
    add(empty, typed, "anna", "admin")
    before = empty.write(users.listing)
    for argv, text, code, word in (
        (("users", "add", "anna", "--role", "admin", "--password-stdin"), PASSWORD, 1, "there is a user"),
        (("users", "add", "bert", "--role", "admin", "--password-stdin"), "short", 1, "10 to 256 characters"),
        (("users", "add", "b ert", "--role", "admin", "--password-stdin"), PASSWORD, 1, "letters, digits"),
        (("users", "add", "local", "--role", "admin", "--password-stdin"), PASSWORD, 1, "that a login link let in"),
        (("users", "add", "bert", "--role", "admin"), "", 2, "required"),
        (("users", "add", "bert", "--role", "king", "--password-stdin"), PASSWORD, 2, "invalid choice"),
        (("users", "add", "bert", "--role", "admin", "--password-prompt"), "", 2, "needs a terminal"),
        (("users", "passwd", "nobody", "--password-stdin"), PASSWORD, 1, "no user"),
        (("users", "remove", "anna"), "", 1, "only admin"),
        (("users", "set", "anna", "--role", "viewer"), "", 1, "only admin"),
        (("token", "revoke", "nothing"), "", 1, "no token"),
        (("token", "create", "x", "--role", "viewer", "--expires", "soon"), "", 2, "90d"),
        (("token", "create", "x", "--role", "viewer", "--scope", "moon"), "", 2, "invalid choice"),
    ):  # fmt: skip
        typed(text + "\n")
        ran = empty.run(*argv)
        assert (ran.code, word in ran.err) == (code, True), (argv, ran)
    assert empty.write(users.listing) == before
    assert len(rows(empty)) == 1


@pytest.mark.parametrize("area", AREAS)
def test_a_token_may_be_made_for_each_area_alone(empty: Site, area: str) -> None:
    made = empty.run("token", "create", "x", "--role", "operator", "--scope", area, "--json").document
    assert made["scopes"] == [area]


def test_a_token_is_shown_once_and_only_its_hash_is_kept(empty: Site, databases: Databases) -> None:
    made = empty.run("token", "create", "grafana", "--role", "viewer", "--json").document
    assert made["name"] == "grafana"
    shown = read_token(made["token"])
    assert shown is not None
    found = empty.write(tokens.find, shown, empty.now)
    assert found is not None
    assert (found.role, found.created_by, found.expires_at) == ("viewer", ME, None)
    assert shown.secret.encode() not in databases.contents()
    plain = empty.run("token", "create", "ci", "--role", "operator", "--expires", "90d", "--scope", "miners")
    (line,) = plain.lines
    assert read_token(line) is not None
    assert "shown once" in plain.err
    listed = empty.run("token", "list")
    assert "valid for 90 days" in listed.row("ci")
    assert "miners" in listed.row("ci")
    assert shown.secret not in listed.out
    assert empty.run("token", "create", "ci", "--role", "viewer").code == 1
    assert empty.run("token", "revoke", "grafana").code == 0
    assert empty.write(tokens.find, shown, empty.now) is None
    empty.clock.advance(90 * DAY)
    listed = empty.run("token", "list")
    assert "expired" in listed.row("ci")
    assert "revoked" in listed.row("grafana")
    assert empty.run("token", "create", "ci", "--role", "viewer").code == 0  # the name is free again
    assert [action for action, _ in told(empty)] == ["token.add", "token.add", "token.revoke", "token.add"]
    assert "hived_" not in repr(rows(empty))


def test_every_change_by_command_leaves_a_row(site: Site, typed: Any) -> None:
    typed("a miners password\n")
    for argv in (
        ("miners", "set", mac(1), "--managed"), ("miners", "set", mac(1), "--managed"),
        ("miners", "set", mac(1), "--password-stdin"), ("models", "set", "s19jpro", "--max-preset", "3080"),
        ("miners", "scan", "--wait", "0"), ("sources", "add", "Pages", "https://example.org/"), ("sources", "start"),
        ("sources", "stop"), ("sources", "remove", "1"),
    ):  # fmt: skip
        assert site.run(*argv).code == 0, argv
    assert [action for action, _ in told(site)] == [
        "miner.managed", "miner.password", "model.max_preset", "scan", "source.add", "collecting.start",
        "collecting.stop", "source.remove",
    ]  # fmt: skip
    assert "a miners password" not in repr(rows(site))
    (managed,) = [row for row in rows(site) if row["action"] == "miner.managed"]
    assert (managed["before"], managed["after"]) == ({"managed": False}, {"managed": True})
