"""One use case a file: clients + store + a rule."""
