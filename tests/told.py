"""Whether a description says nothing but its record: looked at without the templates that it was made with."""

from __future__ import annotations

import re

from hived.records.artifact import CollectedObject, Description

OURS = frozenset((
    "made", "by", "maker", "dated", "date", "between", "and", "or", "later", "earlier", "bce", "medium", "measures",
    "dimensions", "place", "culture", "period", "classified", "as", "department", "tagged",
))  # fmt: skip
"""All words that a description may have and a record not."""
_WORD = re.compile(r"[^\W_]+")


def untold(text: Description, obj: CollectedObject) -> list[str]:
    """Return what a description says that is no whole value of its record, and none of our own few words."""
    years = {str(abs(year)) for year in (obj.year_from, obj.year_to) if year is not None}
    single = (obj.date_text, obj.medium, obj.dimensions, obj.place, obj.culture, obj.classification, obj.department)
    values = [*obj.makers, *obj.tags, *filter(None, single)]
    rest = text.summary
    for value in sorted(values, key=len, reverse=True):
        rest = rest.replace(value.rstrip(" ;,:"), " ")
    strange = [word for word in _WORD.findall(rest) if word.casefold() not in OURS | years]
    strange += [tag for tag in text.tags if tag not in obj.tags]
    strange += [text.title] if text.title != obj.title else []
    return strange
