"""What we know, as frozen records. Imports nothing of hived."""
