"""The Rijksmuseum's OAI-PMH service: `client` talks, `parse` turns bytes into records."""
