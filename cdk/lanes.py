"""Lanes of a Batch queue: who gets the next free machine when more wait than there are; reads nothing heavy.

A share's weight is what its machines count: the smaller, the more it gets. Nobody is taken a machine away; a
background job of many shards yields after each of them, and goes on where it was.
"""

from __future__ import annotations

PRODUCTION, CUSTOMERS, BACKGROUND = "production", "customers", "background"
WEIGHTS = {PRODUCTION: 0.01, "customer*": 1.0, BACKGROUND: 100.0}
"""`*`: every customer is a lane of its own, such as `customeracme`."""
RESERVED_PERCENT = 20
"""Of the machines, kept free for lanes in which nothing runs: a flood in one does not keep the others waiting."""
DECAY_SECONDS = 600
"""For how long what a lane has used counts against it."""
LANES = {"export": CUSTOMERS, "verify": BACKGROUND}
"""Lanes of the stages that publication does not wait for; all others are production."""
