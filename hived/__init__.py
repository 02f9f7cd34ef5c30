"""hived: a rig controller for sites with ASIC miners. docs/architecture.md says where to read first."""

__version__ = "0.2.0"
