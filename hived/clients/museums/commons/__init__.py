"""Wikimedia Commons: `client` talks, `parse` turns bytes into records."""
