"""What hived tells other programs."""
