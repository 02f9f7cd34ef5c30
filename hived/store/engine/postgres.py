"""The PostgreSQL engine: a bounded pool of connections that are opened anew when the server was away."""

from __future__ import annotations

import select
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import unquote, urlsplit

import peewee as pw
import psycopg
from peewee import Psycopg3Adapter
from playhouse.pool import PooledPostgresqlDatabase
from psycopg.types.string import StrDumperUnknown

from hived.errors import HivedError, Transient
from hived.store.engine import database as room
from hived.store.engine import dialect
from hived.store.engine.database import Database, Purpose
from hived.store.engine.secret_box import SecretBox

WRITE_LIMIT_S = 60.0  # of one statement, and of a transaction whose process was stopped in the middle
_CONNECTION: dict[str, Any] = {
    "application_name": "hived",
    "connect_timeout": 5,
    # A server that vanished without a word is noticed within half a minute.
    "keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 20_000,
}  # fmt: skip
OLDEST = 130_000  # pg_current_snapshot
WRITERS = 0x68697665  # "hive": the advisory lock of whoever writes
MIGRATION = WRITERS + 1

_AGAIN = {"40001", "40P01", "23505"}  # serialisation, deadlock, a row that another transaction has just made
_PASSING = {"08", "53", "57", "58"}  # connection, resources (disk full), stopped by the operator, I/O
_LOCKED = {"55P03", "40001", "40P01"}
_TOO_LONG = "57014"
_READ_ONLY = "25006"


class _Text(StrDumperUnknown):
    """PostgreSQL keeps no NUL in a text; what comes from the network may hold one."""

    def dump(self, obj: str) -> Any:
        return super().dump(obj.replace("\0", "\N{REPLACEMENT CHARACTER}") if "\0" in obj else obj)


class _Driver(Psycopg3Adapter):
    """Opens connections the way we use them."""

    def connect(self, db: Any, **params: Any) -> Any:
        try:
            connection = super().connect(db, autocommit=True, **params)  # type: ignore[no-untyped-call]
        except psycopg.ProgrammingError as err:
            raise HivedError(f"database.url: {db.readable(err)}") from None  # the URL holds the password
        connection.adapters.register_dumper(str, _Text)
        connection.execute(
            f"SET lock_timeout = {int(room.LOCK_LIMIT_S * 1000)}; SET statement_timeout = {int(WRITE_LIMIT_S * 1000)};"
            f" SET idle_in_transaction_session_timeout = {int(WRITE_LIMIT_S * 1000)}"
        )
        if connection.info.server_version < OLDEST:
            connection.close()
            raise HivedError(f"the database {db.name} is older than PostgreSQL {OLDEST // 10_000}")
        if connection.info.parameter_status("server_encoding") != "UTF8":
            connection.close()
            raise HivedError(f"the database {db.name} has another encoding than UTF8: create it with -E UTF8")
        return connection


class PostgresServer(Database, PooledPostgresqlDatabase):
    """A PostgreSQL database; no more than `connections` at once."""

    kind = "postgresql"
    psycopg3_adapter = _Driver
    field_types = PooledPostgresqlDatabase.field_types | dialect.POSTGRES_TYPES

    def __init__(self, url: str, box: SecretBox, *, read_only: bool = False, connections: int = 1) -> None:
        super().__init__(url, prefer_psycopg3=True, max_connections=connections, autoconnect=False, **_CONNECTION)
        self.name, self.box, self.read_only = shown(url), box, read_only
        self._password = unquote(urlsplit(url).password or "")
        self._read = threading.local()

    @contextmanager
    def session(self) -> Iterator[None]:
        self.connect(reuse_if_open=True)
        try:
            yield
        except pw.PeeweeException as err:
            if _state(err) == _READ_ONLY:  # another server may be the one to write to by now
                self.manual_close()
                self.close_idle()
            raise
        finally:
            self.close()  # back into the pool, or dropped when it is broken

    @contextmanager
    def transact(self, purpose: Purpose) -> Iterator[None]:
        self._read.until = time.monotonic() + room.READ_LIMIT_S if purpose == "read" else None
        try:
            with self.atomic(purpose):
                yield
        finally:
            self._read.until = None

    @contextmanager
    def migrating(self) -> Iterator[None]:
        # Whoever has much to change, or waits for one who has, needs longer than a poll.
        self.execute_sql("SET lock_timeout = 0; SET statement_timeout = 0")
        self.execute_sql(f"SELECT pg_advisory_lock({MIGRATION})")
        try:
            yield
        finally:
            self.close_all()  # the lock belongs to the connection

    def shut(self) -> None:
        self.close_all()

    def begin(self, purpose: Purpose | None = None) -> None:
        """Begin a transaction with one message to the server, whatever belongs to it."""
        statement = "BEGIN"
        if purpose == "write":
            statement = f"BEGIN; SELECT pg_advisory_xact_lock({WRITERS})"
        elif purpose == "read":
            limit_ms = max(1, int(room.READ_LIMIT_S * 1000))
            statement = f"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL statement_timeout = {limit_ms}"
        self.execute_sql(statement)

    def rollback(self) -> None:
        # On a lost connection there is nothing to take back, and the first error says more.
        with suppress(pw.OperationalError, pw.InterfaceError):
            super().rollback()

    def execute_sql(self, sql: str, params: Any = None) -> Any:
        """Run a statement. Transient when a read has used up its time: the server only limits each statement."""
        until = getattr(self._read, "until", None)
        if until is not None and time.monotonic() > until and sql != "ROLLBACK":
            raise Transient(f"a query took longer than {room.READ_LIMIT_S:g} s and was stopped")
        return super().execute_sql(sql, params)

    def create_tables(self, models: Any, **options: Any) -> None:
        for model in models:
            model._meta.without_rowid = False  # noqa: SLF001 - only SQLite knows it; the migrations' copies ask for it
        super().create_tables(models, **options)

    def translate(self, err: pw.PeeweeException) -> HivedError | None:
        state = _state(err)
        text = self.readable(err)
        if isinstance(err, pw.IntegrityError | pw.DataError | pw.ProgrammingError):
            return HivedError(f"cannot use the database {self.name}: {text}") if state == "42501" else None
        if state == _TOO_LONG:
            return Transient(f"a query took longer than {room.READ_LIMIT_S:g} s and was stopped")
        if state in _LOCKED:
            return Transient(f"database is locked: {text}")
        if state is None or state[:2] in _PASSING:
            return Transient(f"database: {text}")
        if state == _READ_ONLY:
            if self.read_only:
                return HivedError(f"cannot use the database {self.name}: read-only: {text}")
            return Transient(f"database: the server takes no writes at the moment: {text}")
        return HivedError(f"the database {self.name} is damaged: {text}")

    def collided(self, err: pw.PeeweeException) -> bool:
        return _state(err) in _AGAIN

    def readable(self, err: BaseException) -> str:
        """Return what the server or the driver said, in one line and without the password."""
        text = " ".join(str(_cause(err)).split())[:300]
        return text.replace(self._password, "...") if self._password else text

    def _is_closed(self, connection: psycopg.Connection[Any]) -> bool:
        """Tell whether the server has ended a connection that lay idle: then there is something to read from it."""
        if connection.closed:
            return True
        poll = select.poll()
        poll.register(connection.fileno(), select.POLLIN)
        return bool(poll.poll(0)) and bool(super()._is_closed(connection))


def shown(url: str) -> str:
    """Return a URL without its password and parameters."""
    parts = urlsplit(url)
    user = f"{parts.username}@" if parts.username else ""
    port = f":{parts.port}" if parts.port else ""
    return f"postgresql://{user}{unquote(parts.hostname or '')}{port}{parts.path}"


def _state(err: pw.PeeweeException) -> str | None:
    return getattr(_cause(err), "sqlstate", None)


def _cause(err: BaseException) -> BaseException:
    """Return the driver's own error, which peewee wraps once for each layer it passes."""
    while isinstance(inner := getattr(err, "orig", None), BaseException):
        err = inner
    return err
