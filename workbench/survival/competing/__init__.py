"""Competing risks: what happens when one event keeps another from ever being seen."""
