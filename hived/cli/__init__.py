"""hivectl: what an operator types. Works on the database alone; whatever touches a miner is left to the daemons."""
