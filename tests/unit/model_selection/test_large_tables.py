"""Many networks on a table that is not held in memory: the same bits, whether its encoded rows fit or are on disk."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import creche as cr
from creche.engine.colony import Crew
from creche.engine.stored_rows import StoredRows
from creche.errors import PlanError
from creche.scale import sizing
from creche.training import large_tables
from tests.unit.model_selection.sweeps import digests, weight_bytes
from tests.unit.table.test_block_encoding import frame

pytestmark = pytest.mark.filterwarnings("ignore::creche.CrecheWarning")

JOB: dict[str, Any] = {"label": "kind", "epochs": 2, "hidden": [4], "threads": 1}
WINDOWS = cr.Windows()


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tables") / "t.parquet"
    frame().write_parquet(path)
    return path


@pytest.fixture(params=["in memory", "on disk"])
def size(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Where the encoded rows are."""
    if request.param == "on disk":
        keep_on_disk(monkeypatch)
    return str(request.param)


def keep_on_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if encoded rows took as much as those of a table of many more rows."""
    monkeypatch.setattr(large_tables, "encoded_size", lambda prepared, precision: 10**12)


def places_of(crew: Any) -> set[bool]:
    return {isinstance(job.rows, StoredRows) for job in crew.jobs}


def test_a_sweep(table: Path, size: str) -> None:
    arguments: dict[str, Any] = {**JOB, "learning_rate": [0.01, 0.1], "seeds": 2, "early_stopping": 5}
    swept = cr.sweep(table, **arguments, memory="100MB")
    assert places_of(swept.crew) == {size == "on disk"}
    expected = cr.sweep(table, **arguments, shuffle=WINDOWS)
    assert digests(swept) == digests(expected)
    assert swept.table().equals(expected.table())
    member = swept[1]
    alone = cr.train(table, **JOB, learning_rate=0.01, early_stopping=5, seed=1, split_seed=0, shuffle=WINDOWS)
    assert weight_bytes(member) == weight_bytes(alone)
    assert str(member.evaluation) == str(alone.evaluation)


def test_the_cost_is_told_without_an_epoch_of_each_network(table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An epoch of rows on disk may take hours, and networks there take turns."""
    keep_on_disk(monkeypatch)
    monkeypatch.setattr(sizing, "TRIAL_SECONDS", 0.0)
    told: list[Any] = []
    trained = Crew.run

    def run(crew: Crew, *arguments: Any) -> None:
        assert told, "a network was trained before the cost was told"
        trained(crew, *arguments)

    monkeypatch.setattr(Crew, "run", run)
    arguments: dict[str, Any] = {**JOB, "hidden": [[4], [8]], "epochs": 2, "memory": "100MB"}
    cr.sweep(table, **arguments, confirm=lambda estimate: told.append(estimate) or True)
    assert told[0].networks == 2
    assert 0 < told[0].seconds < 3600


def test_folds_their_ensemble_and_its_verification(table: Path, size: str) -> None:
    arguments: dict[str, Any] = {**JOB, "folds": 2, "seeds": 2, "n_resamples": 0, "early_stopping": cr.EarlyStopping(3)}
    crossed = cr.cross_validate(table, **arguments, memory="100MB")
    expected = cr.cross_validate(table, **arguments, shuffle=WINDOWS)
    assert [weight_bytes(m) for m in crossed.members] == [weight_bytes(m) for m in expected.members]
    assert crossed.predictions.tobytes() == expected.predictions.tobytes()
    assert cr.verify(crossed.ensemble(), table, threads=1, memory="100MB").same


def test_learning_rates(table: Path, size: str) -> None:
    arguments: dict[str, Any] = {**JOB, "rates": [0.01, 0.1, 1.0], "seeds": 1, "extend": False}
    found = cr.find_learning_rate(table, **arguments, memory="100MB")
    expected = cr.find_learning_rate(table, **arguments, shuffle=WINDOWS)
    assert (found.rate, found.losses.tolist()) == (expected.rate, expected.losses.tolist())
    assert found.baselines.constant == expected.baselines.constant


def test_rounds_of_optuna(table: Path, size: str) -> None:
    pytest.importorskip("optuna")
    arguments: dict[str, Any] = {**JOB, "learning_rate": cr.log_range(0.01, 0.1), "pack": 2, "rounds": 1}
    found = cr.sweep_with_optuna(table, **arguments, memory="100MB")
    assert digests(found.colony) == digests(cr.sweep_with_optuna(table, **arguments, shuffle=WINDOWS).colony)


def test_evaluating_and_verifying(table: Path, size: str) -> None:
    model = cr.train(table, **JOB, shuffle=WINDOWS).model
    assert str(model.evaluate(table, memory="100MB", n_resamples=0)) == str(model.evaluate(table, n_resamples=0))
    assert cr.verify(model, table, memory="100MB").same
    assert cr.verify(cr.train(table, **JOB).model, table, memory="100MB").same  # whose rows have no windows


def test_fit_holds_the_encoded_rows_in_memory(table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small = frame().head(60)
    arguments: dict[str, Any] = {"label": "kind", "effort": "fast", "threads": 1}
    fitted = cr.fit(small, **arguments, memory="100MB")
    assert fitted.predict_proba(small).tobytes() == cr.fit(small, **arguments).predict_proba(small).tobytes()
    monkeypatch.setattr("creche.fitting.fold_tables.FoldTables.count_bytes", lambda self, preprocessing: 10**12)
    with pytest.raises(PlanError, match=r"memory: got 100 MB, but .* of \d+ folds? in memory, which take 1 TB"):
        cr.fit(table, **arguments, memory="100MB")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda t: cr.sweep(t, **JOB, bootstrap=True, memory="100MB"), "bootstrap: samples of the rows are drawn from"),
        (lambda t: cr.sweep(t, **JOB, folds=3, memory="100MB"), "folds: the networks of a sweep have .* all 3 folds"),
        (lambda t: cr.sweep(t, **JOB, precision="float64", memory="100MB"), "precision: float64 needs the encoded"),
        (lambda t: cr.sweep(t, **JOB, memory="1MB"), "memory: got 1 MB, but a table of 1,200 rows takes at least"),
        (lambda t: cr.cross_validate(t, **JOB, folds=2, memory="none"), "memory: got 'none'; needs a number and"),
        (lambda t: cr.sweep(np.ones((9, 2)), np.arange(9.0), memory="1GB"), "memory: the data are arrays"),
        (lambda t: cr.train(t, **JOB).model.evaluate(t, memory=-1), "memory: got -1; needs more than 0"),
    ],
)
def test_what_needs_rows_in_memory_says_so(
    table: Path, monkeypatch: pytest.MonkeyPatch, call: Callable[[Path], Any], message: str
) -> None:
    keep_on_disk(monkeypatch)
    with pytest.raises(PlanError, match=message):
        call(table)


def test_a_cluster_does_not_get_rows_of_this_disk(table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    arguments: dict[str, Any] = {**JOB, "seeds": 3, "memory": "100MB"}
    with ThreadPoolExecutor(1) as pool:
        assert digests(cr.sweep(table, **arguments, cluster=pool)) == digests(cr.sweep(table, **arguments))
        keep_on_disk(monkeypatch)
        with pytest.raises(PlanError, match="cluster: the encoded rows do not fit into the memory, and are in files"):
            cr.sweep(table, **arguments, cluster=pool)


@pytest.mark.parametrize(
    "command",
    [
        ["sweep", "--label", "kind", "--seeds", "2"],
        ["find-learning-rate", "--label", "kind", "--rates", "0.01,0.1,1", "--seeds", "1", "--no-extend"],
        ["train", "--label", "kind", "--folds", "2"],
    ],
)
def test_on_the_command_line(table: Path, command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    from creche.cli.main import main

    name, *options = command
    arguments = [name, str(table), *options, "--hidden", "4", "--epochs", "1", "--threads", "1", "--json"]
    assert main([*arguments, "--memory", "100MB"]) == 0
    assert capsys.readouterr().out
    assert main([*arguments, "--memory", "1MB"]) != 0
    assert "--memory: got 1 MB, but a table of 1,200 rows takes at least" in capsys.readouterr().err


def test_evaluating_and_verifying_on_the_command_line(
    table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from creche.cli.main import main

    path = str(tmp_path / "m.creche")
    cr.train(table, **JOB).model.save(path)
    evaluate = ["evaluate", path, str(table), "--n-resamples", "0", "--json"]
    assert main(evaluate) == 0
    expected = capsys.readouterr().out
    assert main([*evaluate, "--memory", "100MB"]) == 0
    assert capsys.readouterr().out == expected
    assert main(["verify", path, str(table), "--memory", "100MB"]) == 0
