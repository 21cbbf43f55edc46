"""The cluster of the physics models: one description, two back ends, and the task of the hour that waits for it."""
