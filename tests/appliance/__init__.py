"""Booted Debian systems with the packages: see `make test-appliance`."""
