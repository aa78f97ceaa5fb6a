"""Networks on the executors of other packages: processes of Dask, and jobs of submitit on this machine."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import creche as cr
from creche.errors import CrecheError
from creche.scale import piece, sizing
from tests.unit.model_selection.sweeps import digests, run_sweep
from tests.unit.training.test_processes import JOB, weights

pytestmark = [pytest.mark.cluster, pytest.mark.filterwarnings("ignore")]

SWEEP: dict[str, Any] = {"learning_rate": [0.01, 0.1], "seeds": 6}


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("creche.scale.piecewise_crew.piece_sizes", lambda networks, *_: [5] * -(-networks // 5))
    monkeypatch.setattr(sizing, "TRIAL_SECONDS", 0.0)


@pytest.fixture
def client() -> Iterator[Any]:
    distributed = pytest.importorskip("distributed")
    pickling = pytest.importorskip("cloudpickle")
    pickling.register_pickle_by_value(sys.modules[__name__])
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        distributed.Client(cluster) as made,
    ):
        yield made


@pytest.fixture
def jobs(tmp_path: Path) -> Any:
    submitit = pytest.importorskip("submitit")
    executor = submitit.AutoExecutor(str(tmp_path / "jobs"), cluster="local")
    executor.update_parameters(timeout_min=10)
    return executor


def end(kinds: piece.Kinds, some: piece.Piece) -> piece.PieceResult:
    if some.seeds[0] == 5:
        os._exit(1)
    return piece.train_piece(kinds, some)


def test_processes_of_dask(client: Any) -> None:
    expected = digests(run_sweep(**SWEEP))
    for executor in (client.get_executor(), client):
        colony = run_sweep(**SWEEP, cluster=executor)
        assert digests(colony) == expected
    assert colony.crew.hardware.workers.slots == 2  # type: ignore[union-attr]


def test_a_piece_that_ends_the_processes_of_dask(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("creche.scale.piecewise_crew.train_piece", end)
    with pytest.raises(CrecheError, match=r"networks 6 to 10 \(.* did not come back from ClientExecutor: ") as stopped:
        run_sweep(seeds=10, cluster=client.get_executor())
    assert stopped.value.colony.interrupted  # type: ignore[attr-defined]


def test_a_function_of_a_user_trains_there(client: Any) -> None:
    """It uses the package by a name of its module, which is sent along."""

    def train(seed: int) -> bytes:
        return (
            cr.train("penguins", label="species", hidden=[4], epochs=2, seed=seed, threads=1)
            .model.weights[0][0]
            .tobytes()
        )

    assert client.submit(train, 3, pure=False).result() == train(3)


def test_one_network_by_processes_of_dask(client: Any) -> None:
    expected = weights(cr.train("penguins", **JOB))
    for executor in (client.get_executor(), client):
        assert weights(cr.train("penguins", **JOB, processes=2, cluster=executor)) == expected
    with pytest.raises(cr.PlanError, match="ClientExecutor carries out 2 at once, and 3 processes besides"):
        cr.train("penguins", **JOB, processes=4, cluster=client.get_executor())


def test_one_network_by_jobs_of_submitit(jobs: Any) -> None:
    run = cr.train("penguins", **JOB, processes=2, cluster=jobs)
    assert weights(run) == weights(cr.train("penguins", **JOB))


def test_jobs_of_submitit(jobs: Any) -> None:
    assert digests(run_sweep(**SWEEP, cluster=jobs)) == digests(run_sweep(**SWEEP))


def test_a_job_of_submitit_that_fails(jobs: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("cloudpickle").register_pickle_by_value(sys.modules[__name__])
    monkeypatch.setattr("creche.scale.piecewise_crew.train_piece", end)
    with pytest.raises(
        CrecheError, match=r"networks 6 to 10 \(.* did not come back from AutoExecutor: Job "
    ) as stopped:
        run_sweep(seeds=10, cluster=jobs)
    assert stopped.value.colony.interrupted  # type: ignore[attr-defined]
