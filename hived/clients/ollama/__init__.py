"""The local model server: ask it for one description, ask it to fetch a model."""
