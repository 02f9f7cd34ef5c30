"""What happened, what the daemons say, what was asked of them, and what is wrong with the box, as JSON."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, TypedDict

from hived import __version__
from hived.documents.shared import rfc3339, without_secrets
from hived.errors import next_step
from hived.records import events
from hived.records.commands import Command
from hived.records.daemon import DaemonRow
from hived.records.events import Event
from hived.records.host import HostTrouble


class EventDocument(TypedDict):
    """`miner` is a MAC, `ip` and `hostname` its present ones; `node_id` is null for one of our own."""

    id: int | None
    at: str | None
    kind: str
    title: str
    who: str
    sentence: str
    tone: str | None
    miner: str | None
    ip: str | None
    hostname: str | None
    detail: Any
    node_id: str | None
    node_name: str | None


class DaemonDocument(TypedDict):
    """`alive`: it said so lately enough to be true."""

    name: str
    alive: bool
    pid: int | None
    version: str | None
    started_at: str | None
    beat_at: str | None
    status: str
    next_step: str | None


class CommandDocument(TypedDict):
    id: int
    daemon: str
    verb: str
    args: Any
    created_at: str | None
    done_at: str | None
    done: bool
    result: Any
    node_id: str | None


class ProblemDocument(TypedDict):
    kind: str
    text: str
    next: str
    at: str | None


class KindDocument(TypedDict):
    kind: str
    title: str


class AskedDocument(TypedDict):
    """The number of a wish: `GET /api/v1/commands/{id}` tells what came of it."""

    id: int


class DatabaseDocument(TypedDict):
    schema: str
    bytes: int | None
    wal_bytes: int | None


class ViewDocument(TypedDict):
    fresh: bool
    refreshed_at: str | None
    rev: int
    miners: int


class HealthDocument(TypedDict):
    """`status`: ok or degraded; `clock`: `at` as the box's own wall clock shows it, by which plans go."""

    status: str
    problems: list[ProblemDocument]
    at: str | None
    clock: str
    node: str
    version: str
    daemons: list[DaemonDocument]
    database: DatabaseDocument
    view: ViewDocument


def event(happened: Event, ip: str | None, hostname: str | None) -> EventDocument:
    """Return an event and how to say it."""
    safe = replace(happened, detail=without_secrets(happened.detail))
    return {
        "id": safe.id, "at": rfc3339(safe.at), "kind": safe.kind, "title": events.title(safe),
        "who": events.who(safe, ip), "sentence": events.sentence(safe), "tone": events.tone(safe), "miner": safe.mac,
        "ip": ip, "hostname": hostname, "detail": safe.detail, "node_id": safe.node_id, "node_name": safe.node_name,
    }  # fmt: skip


def daemon(row: DaemonRow, *, alive: bool) -> DaemonDocument:
    """Return what a daemon last said of itself."""
    step = None if alive else next_step("daemon_down", daemon=row.name)
    if alive and row.version != __version__:
        step = next_step("daemon_old", daemon=row.name, version=row.version)
    return {
        "name": row.name, "alive": alive, "pid": row.pid, "version": row.version,
        "started_at": rfc3339(row.started_at), "beat_at": rfc3339(row.beat_at), "status": row.status,
        "next_step": step,
    }  # fmt: skip


def daemon_without_row(name: str) -> DaemonDocument:
    """Return a daemon that has never run."""
    return {
        "name": name, "alive": False, "pid": None, "version": None, "started_at": None, "beat_at": None,
        "status": "has never run on this database", "next_step": next_step("daemon_down", daemon=name),
    }  # fmt: skip


def command(wish: Command) -> CommandDocument:
    """Return a wish of the operator and, once it is done, what came of it."""
    return {
        "id": wish.id, "daemon": wish.daemon, "verb": wish.verb, "args": without_secrets(wish.args),
        "created_at": rfc3339(wish.created_at), "done_at": rfc3339(wish.done_at), "done": wish.done_at is not None,
        "result": without_secrets(wish.result), "node_id": wish.node_id,
    }  # fmt: skip


def problem(trouble: HostTrouble) -> ProblemDocument:
    """Return what is wrong with the box."""
    return {"kind": trouble.kind, "text": trouble.text, "next": trouble.step, "at": rfc3339(trouble.at)}
