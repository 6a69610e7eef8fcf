"""Sections of a model's evaluation as blocks, one a module, in the order of judging."""
