from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import creche as cr
from creche.model.ensemble import Ensemble
from creche.model.model import Model
from tests.unit.serving.serving import Client, running


@pytest.fixture(scope="session")
def model() -> Model:
    return cr.train("penguins", label="species", hidden=[4], epochs=15, seed=3, threads=1).model


@pytest.fixture(scope="session")
def model_file(model: Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("served") / "penguins.creche"
    model.save(path)
    return path


@pytest.fixture(scope="session")
def masses(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of an ensemble that predicts a number."""
    label = "body_mass_hg"
    colony = cr.sweep("penguins-four", label=label, task="regression", hidden=[3], epochs=5, seeds=2, threads=1)
    path = tmp_path_factory.mktemp("served") / "masses.creche"
    Ensemble([member.model for member in colony]).save(path)
    return path


@pytest.fixture(scope="session")
def rows(model: Model) -> list[dict[str, Any]]:
    """Rows of the penguins, as JSON has them."""
    table = cr.datasets.penguins().select(model.features.names)
    return [*table.head(5).to_dicts(), *table.tail(5).to_dicts()]


@pytest.fixture(scope="module")
def client(model_file: Path) -> Iterator[Client]:
    """A client of a server for the tests of a file.

    It must not live longer: tests of other files fork the process, and a child can take its loop's events away.
    """
    with running(model_file) as (_, client):
        yield client
