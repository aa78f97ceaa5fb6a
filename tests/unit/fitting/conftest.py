from __future__ import annotations

import pytest

from tests.unit.fitting.small_fits import make_tiny


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    """`creche.fit` tries two tiny configurations."""
    make_tiny(monkeypatch)
