from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def without_screen() -> None:
    """Draw figures without a screen."""
    pytest.importorskip("matplotlib").use("Agg")
