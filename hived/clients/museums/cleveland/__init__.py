"""The Cleveland Museum of Art's open-access API: `client` talks, `parse` turns bytes into records."""
