"""Objects that nodes collect and describe, by number: the same number is the same object on every node."""

from __future__ import annotations

from collections.abc import Sequence

from hived.records.artifact import CC0, CollectedObject, Description, Licence
from hived.store import Database
from hived.store.collecting import artifacts, facts, sources

BASE_URL = "https://museum.example/api"


def an_object(number: int) -> CollectedObject:
    """Return object `number`; its URL is spelt differently from time to time, which makes no difference."""
    spelling = "HTTPS://Museum.Example:443" if number % 3 == 0 else "https://museum.example"
    return CollectedObject(
        provider="met", object_id=str(number), url=f"{spelling}/objects/{number}?utm_source=x",
        title=f"Bowl no. {number}", licence=Licence(CC0, "isPublicDomain", 1_790_000_000.0, "work"),
    )  # fmt: skip


def url_of(number: int) -> str:
    """Return the canonical URL of object `number`."""
    return f"https://museum.example/objects/{number}"


def summary_of(number: int, node_id: str, version: int = 1) -> str:
    """Return what a node says of an object."""
    return f"Bowl {number} as {node_id} sees it, version {version}."


def describe(db: Database, numbers: Sequence[int], node_id: str, at: float, version: int = 1) -> None:
    """Collect and describe objects as hive-minerd does, in the transaction of the caller."""
    known = sources.every(db)
    source = known[0] if known else sources.add(db, name="museum", base_url=BASE_URL, kind="met", at=at)
    for number in numbers:
        obj = an_object(number)
        key, _ = artifacts.save(db, obj, source_id=source.id, source_name=source.name, at=at)
        said = Description(
            title=obj.title, summary=summary_of(number, node_id, version), period="", tags=(), model="m:1b",
            model_digest="d", prompt_version=1, seconds=1.0, tokens=10,
        )  # fmt: skip
        kept = artifacts.describe(
            db, key, said, node_id=node_id, input_hash=artifacts.content_hash(obj), at=at
        )  # fmt: skip
        assert kept
        facts.tell(db, [key], node_id=node_id, at=at)
