"""Numbers that describe an outlined lesion: shape, intensity, texture."""
