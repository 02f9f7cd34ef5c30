"""VNish / AnthillOS firmware: `client` talks, `parse` turns bytes into records."""
