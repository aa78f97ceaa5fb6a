from __future__ import annotations

from collections.abc import Iterator

import pytest


@pytest.fixture(scope="module")
def tiny_fits() -> Iterator[None]:
    """`creche.fit` tries two tiny configurations in all tests of a module."""
    from tests.unit.fitting.small_fits import make_tiny

    with pytest.MonkeyPatch.context() as patch:
        make_tiny(patch)
        yield
