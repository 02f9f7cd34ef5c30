"""VNish / AnthillOS firmware: `family` knows the ways, `client` talks, `parse` turns bytes into records."""
