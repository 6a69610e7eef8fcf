"""Images as their kind asks for, before any network: one file a kind; and whether they are fit."""
