"""The stand-ins people try hived with before they own a miner, and that the tests run against.

Nothing in hived imports this room, and it imports nothing of hived: what it knows of the firmware comes from captures.
"""
