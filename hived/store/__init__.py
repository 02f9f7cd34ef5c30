"""The only room that knows peewee: tables, and a file of verbs for each noun."""

from hived.store.engine.db import Database, Store, create, database_of, integrity

__all__ = ["Database", "Store", "create", "database_of", "integrity"]
