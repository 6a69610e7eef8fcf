"""Foreign formats of health records, read as patients and events."""
