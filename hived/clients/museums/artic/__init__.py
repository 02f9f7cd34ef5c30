"""The Art Institute of Chicago's API: `client` talks, `parse` turns bytes into records."""
