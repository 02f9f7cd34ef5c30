"""hived: a rig controller for sites with ASIC miners. README.md says where to read first."""

__version__ = "0.1.0"
