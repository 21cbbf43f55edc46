"""The embedded world: an observing-system simulation experiment with a known truth, always labelled synthetic."""
