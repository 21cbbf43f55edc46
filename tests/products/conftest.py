"""A published hour to read, made once."""

from __future__ import annotations

import pytest

from pipeline.store import Store
from tests.products.example_store import write_example_store


@pytest.fixture(scope="session")
def example_store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """One synthetic hour at 5 degrees to 48 h."""
    return write_example_store(tmp_path_factory.mktemp("example") / "store")
