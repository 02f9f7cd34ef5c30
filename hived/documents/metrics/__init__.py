"""hived as metrics: miners, fleet, nodes, daemons and the box, made of the tables of the house."""
