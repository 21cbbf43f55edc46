"""Hourcast: one best global weather forecast an hour, blended from the world's models."""

__version__ = "0.1.0"
