"""Foreign formats in, `Records` out: one module or package a format."""
