"""MEDS datasets → records."""

from workbench.data.sources.meds.read import read_meds

__all__ = ["read_meds"]
