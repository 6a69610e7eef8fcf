"""Task files of ACES (Automatic Cohort Extraction System for event streams), as definitions."""

from workbench.cohort.aces.translate import read_aces

__all__ = ["read_aces"]
