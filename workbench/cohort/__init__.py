"""Who is in, since when, until what."""
