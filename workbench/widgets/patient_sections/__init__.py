"""Sections about one patient as blocks: what happened, what is predicted, and what if."""
