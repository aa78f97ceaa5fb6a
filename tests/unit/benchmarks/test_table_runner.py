"""Runs of the benchmark on tables: results are kept, failures count, and the page compares them."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("pandas")
pytest.importorskip("sklearn")

from benchmarks.tables import page, runner, systems, worker
from benchmarks.tables.comparison import Comparison, choose_files
from benchmarks.tables.manifest import load_folder
from benchmarks.tables.results import ResultFile, list_results, open_results
from benchmarks.tables.sources import LoadedTable, load_table
from benchmarks.tables.systems import SYSTEMS, Predictions, System


def write_tables(folder: Path) -> Path:
    """Write a table of two classes and one of a number, with three folds each."""
    for name in ("data", "folds"):
        (folder / name).mkdir(parents=True)
    rng = np.random.default_rng(0)
    size = rng.normal(size=60)
    sizes = [f"{value:.3f}" if place % 7 else "" for place, value in enumerate(size)]
    colours = np.where(rng.random(60) < 0.5, "red", "blue")
    labels = {"kind": np.where(size + 0.3 * rng.normal(size=60) > 0, "b", "a"), "price": np.round(10 + 3 * size, 3)}
    for task, label in (("classification", "kind"), ("regression", "price")):
        rows = "".join(f"{s},{c},{y}\n" for s, c, y in zip(sizes, colours, labels[label], strict=True))
        (folder / "data" / f"{label}.csv").write_text(f"size,colour,{label}\n{rows}")
        folds = {"rows": 60, "label": label, "task": task, "test_rows": [list(range(f, 60, 3)) for f in range(3)]}
        (folder / "folds" / f"{label}.json").write_text(json.dumps(folds))
    return folder


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> dict[str, LoadedTable]:
    folder = write_tables(tmp_path_factory.mktemp("tables") / "own")
    return {spec.label: load_table(spec) for spec in load_folder(folder)}


@pytest.mark.filterwarnings("ignore")  # of a perceptron that has not converged, as the worker does
@pytest.mark.parametrize("name", ["sklearn-linear", "sklearn-mlp", "creche-train"])
@pytest.mark.parametrize("label", ["kind", "price"])
def test_a_system_is_judged_on_a_split(tables: dict[str, LoadedTable], name: str, label: str) -> None:
    result = worker.judge_split(SYSTEMS[name], tables[label], 1)
    assert "failed" not in result
    assert result["rows"] == [40, 20]
    answer_of_majority = worker.failure(tables[label], 1, "", 0.0)
    measure = "auc" if label == "kind" else "rmse"
    assert (result[measure] > answer_of_majority[measure]) == (label == "kind")


def test_an_error_counts_as_the_answer_of_the_majority(
    tables: dict[str, LoadedTable], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken:
        def fit(self, problem: object, inputs: object, labels: object) -> None:
            raise ValueError("no such luck")

    monkeypatch.setattr(System, "create", lambda self: Broken())
    result = worker.judge_split(SYSTEMS["lightgbm"], tables["kind"], 0)
    assert result["failed"] == "ValueError: no such luck"
    shares = np.bincount(tables["kind"].labels[tables["kind"].splits[0].train]) / 40
    labels = tables["kind"].labels[tables["kind"].splits[0].test]
    assert result["log_loss"] == pytest.approx(-np.log(shares[labels]).mean(), abs=1e-6)


@pytest.mark.parametrize("values", [[[np.nan, 1.0]], [[0.5, 0.6]]], ids=["nan", "sum"])
def test_predictions_that_are_no_probabilities_are_refused(
    tables: dict[str, LoadedTable], values: list[list[float]]
) -> None:
    with pytest.raises(ValueError, match=r"not finite|sum to"):
        worker.score(tables["kind"], tables["kind"].splits[0], Predictions(np.array(values * 20)))


def test_a_run_keeps_its_results_and_goes_on(
    tables: dict[str, LoadedTable], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec, system = tables["kind"].spec, SYSTEMS["sklearn-linear"]
    for folds in (1, 2, 2):
        runner.run_systems([spec], [system], runner.Limits(folds=folds, results=tmp_path))
    assert capsys.readouterr().out.count("own:kind") == 2
    [path] = tmp_path.iterdir()
    results = ResultFile.load(path).tables["own:kind"]
    assert set(results) == {0, 1}
    assert results[1]["digest"] == tables["kind"].splits[1].digest


class Silent:
    """A process that begins a fit and does not end it, or that ends at once."""

    def __init__(self, script: str) -> None:
        self.script = script

    def __call__(self, command: list[str], **options: Any) -> subprocess.Popen[bytes]:
        return subprocess_popen([sys.executable, "-c", self.script], **options)


subprocess_popen = subprocess.Popen
BEGIN = 'import time; print(\'{"event": "fitting", "split": 0}\', flush=True); '


@pytest.mark.parametrize(
    ("script", "reason"),
    [(BEGIN + "time.sleep(600)", "took more than 0.2 s"), (BEGIN + "raise SystemExit(3)", "its process ended")],
    ids=["too long", "gone"],
)
def test_a_fit_without_end_counts_as_the_answer_of_the_majority(
    tables: dict[str, LoadedTable], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, reason: str
) -> None:
    monkeypatch.setattr(subprocess, "Popen", Silent(script))
    file = open_results("sklearn-mlp", "1", tmp_path)
    assert runner.run_table(SYSTEMS["sklearn-mlp"], tables["price"], file, runner.Limits(fit_s=0.2, folds=1))
    assert file.tables["own:price"][0]["failed"] == reason


def test_a_process_that_does_not_start_is_told(
    tables: dict[str, LoadedTable], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subprocess, "Popen", Silent("raise SystemExit(3)"))
    file = open_results("sklearn-mlp", "1", tmp_path)
    assert not runner.run_table(SYSTEMS["sklearn-mlp"], tables["price"], file, runner.Limits(folds=1))


def test_systems_that_are_not_there_are_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    missing = System("other", "Other", "trees", packages=("a-package-that-is-nowhere",))
    later = System("later", "Later", "creche_models", (("function", "fit_in_a_later_version"),))
    runner.run_systems([], [missing, later], runner.Limits())
    assert capsys.readouterr().out.splitlines() == [
        "left out: other: a-package-that-is-nowhere is not installed",
        "left out: later: this version of creche has no function fit_in_a_later_version",
    ]


def test_systems_are_chosen_by_name() -> None:
    efforts = ["creche-fit-fast", "creche-fit-default", "creche-fit-best"]
    assert [system.name for system in runner.choose_systems(["creche-fit-*"])] == efforts
    with pytest.raises(SystemExit, match="No system is named catbost"):
        runner.choose_systems(["catbost"])


def test_a_class_without_training_rows_has_probability_zero() -> None:
    spread = systems.spread_probabilities(np.array([[0.3, 0.7]]), np.array([0, 2]), 3)
    assert np.array_equal(spread, [[0.3, 0.0, 0.7]])


def keep(folder: Path, system: str, version: str, factor: float, n_tables: int = 8, fit_s: float = 1.0) -> ResultFile:
    """Keep made-up results: errors of `factor` times those of the reference, up to some noise."""
    file = open_results(system, version, folder)
    rng = np.random.default_rng(7)
    for number in range(n_tables):
        measure = "log_loss" if number % 2 else "rmse"
        for split in range(5):
            error = factor * (number + 1) * (1 + 0.01 * rng.normal())
            costs = {"fit_s": fit_s * (number + 1), "predict_s": 0.1, "peak_mib": 5.0, "load": 0.1}
            file.add(f"t{number}", {"split": split, "digest": f"{split}", "rows": [80, 20], measure: error, **costs})
    return file


def test_the_page_tells_who_is_ahead(tmp_path: Path) -> None:
    keep(tmp_path, "catboost", "1", 1.0)
    keep(tmp_path, "creche-fit-default", "2", 0.9)
    keep(tmp_path, "xgboost", "3", 1.25, n_tables=2)
    arguments = argparse.Namespace(systems=[], reference="catboost", results=tmp_path, folds=3, save=False)
    text = page.write_page({f"t{number}" for number in range(8)}, arguments)
    [row] = [line for line in text.splitlines() if line.startswith("| creche.fit, effort default") and "ahead" in line]
    assert "0.900 (0.900–0.900)" in row
    assert "8 / 0 / 0" in row
    assert "too few tables" in text
    assert "2 systems on the 8 tables that all of them have." in text
    assert "Not idle" not in text


def test_the_times_of_fits_are_compared_within_a_machine(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    reference = keep(here, "catboost", "1", 1.0)
    fast, slow = keep(here, "creche-train", "2", 1.0, 5, 2.0), keep(there, "creche-train", "2", 1.0, 6, 500.0)
    timed = keep(here, "realmlp-log-loss", "3", 1.0, 7, 8.0)
    files = [reference, fast, slow, timed]
    chosen = {file.system: file for file in files if file is not slow}
    lines = page.time_table(Comparison(chosen, "catboost", [f"t{number}" for number in range(8)]), files)
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]
    assert rows == [
        ["CatBoost", "here", "35", "4.00", "32.00", "0.12", "0.12"],
        ["creche.train", "here", "25", "6.00", "24.00", "0.25", "0.25"],
    ]
    assert page.time_table(Comparison(chosen, "catboost", ["t7"]), files) == []


def test_of_two_machines_that_with_more_results_counts(tmp_path: Path) -> None:
    here, there = keep(tmp_path / "a", "catboost", "1", 1.0, 1), keep(tmp_path / "b", "catboost", "1", 1.0, 2)
    newer = keep(tmp_path / "a", "catboost", "2", 1.0, 1)
    assert choose_files([here, there], []) == {"catboost": there}
    assert choose_files([newer, here, there], []) == {"catboost": newer}
    assert choose_files([newer, there, here], ["catboost@1"]) == {"catboost@1": there}


def test_results_of_other_splits_are_not_compared(tmp_path: Path) -> None:
    mine, theirs = keep(tmp_path, "lightgbm", "1", 1.0, 1), keep(tmp_path, "catboost", "1", 1.0, 1)
    mine.tables["t0"][2]["digest"] = "another"
    comparison = Comparison({"lightgbm": mine, "catboost": theirs}, "catboost", ["t0"])
    shared = comparison.shared_results(["lightgbm", "catboost"], "t0")
    assert [[result["split"] for result in results] for results in shared] == [[0, 1, 3, 4]] * 2
    assert mine.find("t0", 2, "2") is None


def test_versions_are_chosen_by_name(tmp_path: Path) -> None:
    new, old = keep(tmp_path, "creche-train", "2", 1.0, 1), keep(tmp_path, "creche-train", "1", 1.0, 1)
    assert choose_files([new, old], []) == {"creche-train": new}
    assert choose_files([new, old], ["creche-*", "creche-train@1"]) == {"creche-train": new, "creche-train@1": old}
    with pytest.raises(SystemExit, match="No results of catboost"):
        choose_files([new, old], ["catboost"])


def test_the_newest_version_comes_first(tmp_path: Path) -> None:
    for version, measured in (("2", "2026-01-02"), ("10", "2026-01-03"), ("1", "2026-01-01")):
        file = keep(tmp_path, "creche-train", version, 1.0, 1)
        file.path.write_text(file.path.read_text().replace(file.measured, measured))
    assert [file.version for file in list_results(tmp_path)] == ["10", "2", "1"]
