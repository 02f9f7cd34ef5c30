"""What a type of Python does not say of a value in JSON: lengths, ranges and forms, in the words of JSON Schema."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from hived.records.commands import MAX_NAME
from hived.records.joining import KEY_ID, NODE_ID


@dataclass(frozen=True, slots=True, eq=False)  # a type has to have a hash
class Shape:
    """Goes into `Annotated` beside a type; `words` are added to the schema of that type."""

    words: Mapping[str, Any]


MORE: dict[Any, Any] = {}
"""By document: the type of members that it has beside those that it names."""


def more(document: Any, kind: Any) -> None:
    """Say of a document that it has other members of this type, under names that are not known here."""
    MORE[document] = kind


def shape(**words: Any) -> Shape:
    """Return a shape by its words: `shape(minimum=1)`."""
    return Shape(words)


PRINTABLE = r"^[^\x00-\x1f\x7f]*$"
NOT_BLANK = r"^[^\x00-\x1f\x7f]*[^\x00-\x20\x7f][^\x00-\x1f\x7f]*$"  # and is not blank

Time = Annotated[str, shape(format="date-time", examples=["2027-01-15T08:00:00Z"])]
Word = Annotated[str, shape(minLength=1, maxLength=MAX_NAME, pattern=NOT_BLANK)]
Reason = Annotated[str, shape(minLength=1, maxLength=200, pattern=NOT_BLANK)]
Mac = Annotated[str, shape(pattern="^[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){5}$", examples=["02:00:00:00:00:01"])]
Ipv4 = Annotated[str, shape(format="ipv4")]
AnyNode = Annotated[str, shape(minLength=1, maxLength=64)]
"""The id of a node that need not be there."""
NodeId = Annotated[str, shape(pattern=f"^{NODE_ID.pattern}$")]
KeyId = Annotated[str, shape(pattern=f"^{KEY_ID.pattern}$")]
Digest = Annotated[str, shape(pattern="^[0-9a-f]{64}$", description="A SHA-256 in hex.")]
Number = Annotated[int, shape(minimum=0, maximum=2**53)]
Password = Annotated[str, shape(minLength=10, maxLength=256, pattern=PRINTABLE, format="password")]
