"""Health records in their own formats: each reader gives patients and events."""
