"""The embedded world: an observing-system simulation experiment with a known truth, always labelled synthetic."""

MARKER = "SYNTHETIC"
"""Name of the file that a complete world holds: the fingerprint of the code that made it, and how much there is."""
