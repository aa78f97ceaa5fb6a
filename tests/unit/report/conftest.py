from __future__ import annotations

import pytest

import creche as cr

pytest.importorskip("matplotlib")


@pytest.fixture(scope="session")
def model() -> cr.Model:
    return cr.train("penguins", label="species", hidden=[4], learning_rate=0.01, epochs=20, threads=1).model
