"""Pages of any web site that state an open licence: `client` talks, `parse` turns bytes into records."""
