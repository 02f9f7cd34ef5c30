"""Records to JSON: the one place where the names and units of the outside are chosen.

The HTTP API and hivectl say the same, so that a script may read either.
"""
