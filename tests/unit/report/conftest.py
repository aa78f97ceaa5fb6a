from __future__ import annotations

import pytest

import rookery as rk

pytest.importorskip("matplotlib")


@pytest.fixture(scope="session")
def model() -> rk.Model:
    return rk.train("penguins", label="species", hidden=[4], learning_rate=0.01, epochs=20, threads=1).model
