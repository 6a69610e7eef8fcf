"""Sections of an explanation as blocks: whether it is sound first, then from coarse to fine."""
