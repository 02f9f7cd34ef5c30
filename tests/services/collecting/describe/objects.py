"""Objects to describe, and what is told of them."""

from __future__ import annotations

from hived.records.artifact import CollectedObject

QUAIL = CollectedObject(
    provider="met",
    object_id="45734",
    url="https://www.metmuseum.org/art/collection/search/45734",
    title="Quail and Millet",
    licence=None,
    makers=("Kiyohara Yukinobu",),
    date_text="late 17th century",
    year_from=1667,
    year_to=1682,
    medium="Hanging scroll; ink and color on silk",
    dimensions="46 5/8 x 18 3/4 in. (118.4 x 47.6 cm)",
    culture="Japan",
    classification="Paintings",
    department="Asian Art",
    tags=("Birds",),
)
QUAIL_SUMMARY = (
    "Made by Kiyohara Yukinobu. Dated late 17th century. Hanging scroll; ink and color on silk. Measures 46 5/8 x "
    "18 3/4 in. (118.4 x 47.6 cm). Culture or period: Japan. Classified as Paintings."
)
"""Of the first six facts, which the simulated model chooses."""
PAGE = CollectedObject(
    provider="web",
    object_id="https://museum.example/boat",
    url="https://museum.example/boat",
    title="Model of a fishing boat",
    licence=None,
)
"""A page without a field: it has nothing that can be told."""
