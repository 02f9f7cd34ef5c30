"""Multicast DNS: announce this node, hear others, and ask one of them whether it is there."""
