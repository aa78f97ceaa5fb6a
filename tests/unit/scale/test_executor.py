"""Networks trained in other processes have the bytes of those trained here, and what goes wrong there is told."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import creche as cr
from creche._system.resources import usable_cores
from creche.engine.hardware import Hardware
from creche.errors import CrecheError
from creche.scale import sizing, worker
from creche.scale.build import Build, check_build, this_build
from creche.scale.executor import ExecutorWorkers
from creche.scale.piecewise_crew import PiecewiseCrew
from tests.unit.model_selection.sweeps import PENGUINS, digests, run_sweep, weight_bytes


@pytest.fixture(scope="module")
def pool() -> Iterator[ProcessPoolExecutor]:
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as executor:
        yield executor


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several pieces of few networks, however fast the machine is."""
    monkeypatch.setattr("creche.scale.piecewise_crew.piece_sizes", lambda networks, *_: [5] * -(-networks // 5))
    monkeypatch.setattr(sizing, "TRIAL_SECONDS", 0.0)


def end_process(shared: Any, piece: Any) -> Any:
    os._exit(1)


def fail(shared: Any, piece: Any) -> Any:
    raise cr.PlanError(f"epochs: got {shared}{piece}")


def test_a_sweep_in_other_processes_has_the_same_bytes(pool: ProcessPoolExecutor) -> None:
    arguments: dict[str, Any] = {"learning_rate": [0.01, 0.1, 1e8], "optimizer": ["sgd", "adam"], "seeds": 3}
    reported: list[int] = []
    elsewhere = run_sweep(**arguments, cluster=pool, on_progress=lambda colony: reported.append(colony.crew.done))
    here = run_sweep(**arguments)
    assert digests(elsewhere) == digests(here)
    assert elsewhere.table().equals(here.table())
    assert elsewhere.best().number == here.best().number
    assert len(reported) == 4  # pieces, which come back in any order
    assert reported == sorted(reported)
    assert reported[-1] == 18
    assert str(elsewhere.crew.hardware) == "ProcessPoolExecutor"
    assert isinstance(elsewhere.crew, PiecewiseCrew)
    spent = elsewhere.crew.processor_time
    assert 0 < spent.engine < spent.all


def test_rounds_of_halving_send_states_back_and_forth(pool: ProcessPoolExecutor) -> None:
    arguments: dict[str, Any] = {"learning_rate": [0.01, 0.1], "seeds": 4, "halving": cr.Halving(0.5, first=2)}
    watched = cr.EarlyStopping(3, watch="auc")
    assert digests(run_sweep(**arguments, cluster=pool)) == digests(run_sweep(**arguments))
    arguments["early_stopping"] = watched
    assert digests(run_sweep(**arguments, cluster=pool)) == digests(run_sweep(**arguments))


def test_cross_validation_and_learning_rates(pool: ProcessPoolExecutor) -> None:
    folds: dict[str, Any] = {**PENGUINS, "hidden": [4], "epochs": 3, "folds": 3, "seeds": 2, "n_resamples": 0}
    one, other = cr.cross_validate("penguins", **folds, cluster=pool), cr.cross_validate("penguins", **folds)
    assert [weight_bytes(m) for m in one.members] == [weight_bytes(m) for m in other.members]
    rates: dict[str, Any] = {**PENGUINS, "hidden": [4], "epochs": 3, "rates": [0.01, 0.1, 1.0], "seeds": 2}
    found, expected = (cr.find_learning_rate("penguins", **rates, cluster=each) for each in (pool, None))
    assert (found.rate, found.losses.tolist()) == (expected.rate, expected.losses.tolist())


def test_bagging_draws_its_samples_there(pool: ProcessPoolExecutor) -> None:
    assert digests(run_sweep(seeds=6, bootstrap=True, cluster=pool)) == digests(run_sweep(seeds=6, bootstrap=True))


def test_rounds_of_fit(pool: ProcessPoolExecutor) -> None:
    arguments: dict[str, Any] = {"label": "species", "effort": "fast", "threads": 1}
    there, here = cr.fit("penguins", **arguments, cluster=pool), cr.fit("penguins", **arguments)
    assert there.predict_proba("penguins").tobytes() == here.predict_proba("penguins").tobytes()
    assert there.record.rounds == here.record.rounds
    (species, sets), (same, others) = (here.predict("penguins", 0.9, cluster=each) for each in (pool, None))
    assert (species.tolist(), sets.tolist()) == (same.tolist(), others.tolist())


def test_rows_are_predicted_there(pool: ProcessPoolExecutor, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("creche.model.predict_file.ROWS_AT_A_TIME", 100)
    model = cr.train("penguins", **PENGUINS, hidden=[4], epochs=2).model
    there, here = tmp_path / "there.csv", tmp_path / "here.csv"
    cr.predict_file(model, "penguins", there, cluster=pool)
    cr.predict_file(model, "penguins", here)
    assert there.read_bytes() == here.read_bytes()
    assert model.predict_proba("penguins", cluster=pool).tobytes() == model.predict_proba("penguins").tobytes()


def test_a_checkpoint_goes_on_here(pool: ProcessPoolExecutor, tmp_path: Any) -> None:
    """What came back before Ctrl-C is kept; the rest is trained in this process."""
    path = tmp_path / "sweep.creche-sweep"

    def interrupt(colony: cr.Colony) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as stopped:
        run_sweep(seeds=12, cluster=pool, checkpoint=path, on_progress=interrupt)
    colony = stopped.value.colony  # type: ignore[attr-defined]
    assert (colony.interrupted, colony.crew.done) == (True, 5)
    resumed = run_sweep(seeds=12, checkpoint=path, resume=True)
    assert digests(resumed) == digests(run_sweep(seeds=12))


def test_an_error_of_a_piece_comes_as_it_is(pool: ProcessPoolExecutor) -> None:
    with pytest.raises(cr.PlanError, match=r"^epochs: got 71$"):
        ExecutorWorkers(pool).carry_out(fail, 7, [1], lambda position, result: None)


def test_a_process_that_dies_is_named_with_what_it_trained() -> None:
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as executor:
        hardware = Hardware(1, workers=ExecutorWorkers(executor))
        colony = run_sweep(seeds=3)
        crew = PiecewiseCrew(colony.crew.jobs, hardware)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("creche.scale.piecewise_crew.train_piece", end_process)
            with pytest.raises(
                CrecheError, match=r"ended while it worked, perhaps on networks 1 to 3 \(.*seed 0\); it may"
            ):
                crew.run()


def test_threads_and_jobs_that_can_only_be_asked_are_executors() -> None:
    """As submitit's are, whose jobs are of another type than the futures of the standard library."""

    class Job:
        def __init__(self, future: Any) -> None:
            self.done, self.result, self.cancel = future.done, future.result, future.cancel

    class Jobs:
        def __init__(self, executor: Executor) -> None:
            self.executor = executor

        def submit(self, *arguments: Any) -> Job:
            return Job(self.executor.submit(*arguments))

    with ThreadPoolExecutor(2) as threads:
        for executor in (threads, Jobs(threads)):
            assert digests(run_sweep(seeds=12, cluster=executor)) == digests(run_sweep(seeds=12))


@pytest.mark.parametrize(
    ("package", "text", "reason"),
    [
        ("distributed.scheduler", "Attempted to run task 'a' on 4 workers, which died.", "Attempted to run task 'a'"),
        ("submitit.core", "Job 7 failed:\n---\nTraceback:\nMemoryError: 9 GB\n---\nOr cancel it", "MemoryError: 9"),
        ("submitit.core", "", "JobError"),
    ],
)  # fmt: skip
def test_a_job_that_is_lost_is_named_and_what_came_back_is_kept(package: str, text: str, reason: str) -> None:
    """As by Dask and submitit, which tell it by errors of their own."""
    lost = type("JobError", (RuntimeError,), {"__module__": package})(text)

    class Lossy:
        def submit(self, function: Any, *arguments: Any) -> Future[Any]:
            future: Future[Any] = Future()
            if arguments[-1].seeds[0] == 5:
                future.set_exception(lost)
            else:
                future.set_result(function(*arguments))
            return future

    with pytest.raises(CrecheError, match=rf"networks 6 to 10 \(.*did not come back from Lossy: {reason}") as stopped:
        run_sweep(seeds=12, cluster=Lossy())
    assert stopped.value.colony.crew.done >= 5  # type: ignore[attr-defined]


def test_how_many_pieces_an_executor_carries_out() -> None:
    client = SimpleNamespace(submit=None, nthreads=lambda: {"one": 3, "other": 4})
    slurm = SimpleNamespace(
        submit=None, cluster="slurm", _executor=SimpleNamespace(parameters={"array_parallelism": 9})
    )
    for executor, slots in [
        (client, 7), (SimpleNamespace(submit=None, _client=client), 7), (slurm, 9),
        (ThreadPoolExecutor(5), 5), (SimpleNamespace(submit=None, cluster="local"), usable_cores()),
    ]:  # fmt: skip
        assert ExecutorWorkers(executor).slots == slots


def test_another_build_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    mine = this_build()
    check_build(mine)
    name = next(iter(mine.modules))
    with pytest.raises(CrecheError, match=r"has another Creche than far: version .*, not 0\.0\.9; install the same"):
        check_build(Build("0.0.9", mine.modules, mine.byte_order, "far"))
    with pytest.raises(CrecheError, match=rf"module {name} {mine.modules[name]}, not abc"):
        worker.work(Build(mine.version, {name: "abc"}, mine.byte_order, "far"), pow, 2, 3)
    with pytest.raises(CrecheError, match="byte order"):
        check_build(Build(mine.version, {}, "middle", "far"))
    # Another kind of processor has other modules.
    check_build(Build(mine.version, {"other.so": "abc"}, mine.byte_order, "far"))


@pytest.mark.parametrize(
    ("cluster", "message"),
    [
        (3, "cluster: got int; needs 'auto', an address such as"),
        ("head", "cluster: got the address 'head'; needs 'auto', the host and the port"),
    ],
)
def test_what_is_no_cluster_is_refused(cluster: Any, message: str) -> None:
    with pytest.raises(cr.PlanError, match=message):
        run_sweep(cluster=cluster)


def test_a_cluster_has_whole_numbers() -> None:
    with pytest.raises(cr.PlanError, match=r"Cluster\.retries: got -1; needs a whole number from 0 to 1,000"):
        cr.Cluster(retries=-1)
    with pytest.raises(cr.PlanError, match=r"Cluster\.cpus_per_piece: got 0\.5"):
        cr.Cluster(cpus_per_piece=0.5)  # type: ignore[arg-type]


def test_python_functions_stay_in_this_process(pool: ProcessPoolExecutor) -> None:
    with pytest.raises(cr.PlanError, match="cluster: cannot be combined with Python code that runs in this process"):
        cr.cross_validate("penguins", **PENGUINS, folds=3, on_epoch=lambda epoch: None, cluster=pool)
