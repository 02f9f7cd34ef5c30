"""Tables of access: users, what they and programs log in with, and who changed what."""

from __future__ import annotations

import peewee as pw

from hived.store.schema.base import Table


class OneTimeCode(Table):
    """A code that can be used once before it expires; only its hash is here."""

    code_hash = pw.TextField(primary_key=True)
    kind = pw.TextField()
    """setup (the first admin) or enroll (a node)."""
    created_at = pw.DoubleField()
    created_by = pw.TextField(null=True)
    expires_at = pw.DoubleField()
    used_at = pw.DoubleField(null=True)
    used_by = pw.TextField(null=True)


class User(Table):
    name = pw.TextField(primary_key=True)
    password_hash = pw.TextField()
    role = pw.TextField()
    created_at = pw.DoubleField()
    changed_at = pw.DoubleField()
    login_at = pw.DoubleField(null=True)


class Session(Table):
    """A browser that logged in; only the hash of its cookie is here."""

    token_hash = pw.TextField(primary_key=True)
    user = pw.TextField(index=True)
    role = pw.TextField(null=True)
    """Set for a session without a user row (a browser on this machine, when the config lets it in)."""
    created_at = pw.DoubleField()
    seen_at = pw.DoubleField()
    expires_at = pw.DoubleField()
    address = pw.TextField(null=True)
    agent = pw.TextField(null=True)


class ApiToken(Table):
    """A token of a program; only the hash of its secret is here."""

    id = pw.TextField(primary_key=True)
    name = pw.TextField(unique=True)
    secret_hash = pw.TextField()
    role = pw.TextField()
    scopes = pw.TextField(default="[]")
    """Areas of the API it may use; [] is all that its role may."""
    created_by = pw.TextField(null=True)
    created_at = pw.DoubleField()
    expires_at = pw.DoubleField(null=True)
    used_at = pw.DoubleField(null=True)
    revoked_at = pw.DoubleField(null=True)


class Audit(Table):
    """Who changed what; never a secret."""

    id = pw.AutoField()
    at = pw.DoubleField(index=True)
    who = pw.TextField()
    via = pw.TextField()
    """session, token, command or daemon."""
    address = pw.TextField(null=True)
    action = pw.TextField()
    target = pw.TextField(null=True)
    before = pw.TextField(null=True)
    after = pw.TextField(null=True)


class Attempt(Table):
    """Failed logins and joins, by what they came from: how many, and until when the next one is refused."""

    name = pw.TextField(primary_key=True)
    failures = pw.IntegerField(default=0)
    last_at = pw.DoubleField()
    not_before = pw.DoubleField(default=0.0)
