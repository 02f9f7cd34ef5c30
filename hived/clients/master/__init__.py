"""The master, as its nodes talk to it: an answer in, a record out."""
