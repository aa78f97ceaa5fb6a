"""A fit that is interrupted and continued from its file ends with the same bytes."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import creche as cr
from creche._system.archive import read_archive, write_archive
from creche.fitting import checkpoint, search
from tests.unit.fitting.small_fits import TINY, make_tiny, stop_at, weights_of
from tests.unit.small_runs import PENGUINS_CSV, line, two_classes

pytestmark = pytest.mark.usefixtures("tiny")

X, Y = two_classes(rows=60)


def fit(x: Any = X, y: Any = Y, **arguments: Any) -> cr.FittedModel:
    return cr.fit(x, y, **({"effort": "best", "threads": 1} | arguments))


def same(a: cr.FittedModel, b: cr.FittedModel) -> bool:
    facts = [model.record.to_dict() | {"seconds": 0, "time_limit": None} for model in (a, b)]
    return weights_of(a) == weights_of(b) and facts[0] == facts[1]


@pytest.mark.parametrize("table", [two_classes, line])
@pytest.mark.parametrize("stops", [[1], [5], [12], [3, 12, 2, 5]], ids=str)
def test_a_resumed_fit_ends_with_the_same_bytes(tmp_path: Path, table: Any, stops: list[int]) -> None:
    x, y = table(rows=60)
    whole, file = fit(x, y), tmp_path / "fit"
    for number, call in enumerate(stops):
        with pytest.raises(KeyboardInterrupt):
            fit(x, y, checkpoint=file, resume=number > 0, on_progress=stop_at(call))
    again = fit(x, y, checkpoint=file, resume=True, threads=2)
    assert same(again, whole)
    assert again.out_of_fold.to_dict() == whole.out_of_fold.to_dict()  # type: ignore[union-attr]
    assert cr.verify(again, x, y).same


def test_a_fit_in_which_a_configuration_diverged_is_resumed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_tiny(monkeypatch, (replace(TINY[0], learning_rate=1e30), *TINY))
    x, y = line(rows=60)
    whole, file = fit(x, y), tmp_path / "fit"
    assert 0 not in {each.number for each in whole.record.tried}
    with pytest.raises(KeyboardInterrupt):
        fit(x, y, checkpoint=file, on_progress=stop_at(12))
    assert same(fit(x, y, checkpoint=file, resume=True), whole)


def test_the_file_is_written_after_each_round(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, copies = tmp_path / "fit", []
    save = checkpoint.FitCheckpoint.save

    def save_and_copy(self: checkpoint.FitCheckpoint) -> None:
        save(self)
        copies.append(tmp_path / f"copy {len(copies)}")
        shutil.copy(file, copies[-1])  # as if the process were killed here

    monkeypatch.setattr(checkpoint.FitCheckpoint, "save", save_and_copy)
    whole = fit(checkpoint=file)
    monkeypatch.undo()
    assert len(copies) == len(whole.record.rounds) > 1


def test_from_the_file_of_any_round_it_goes_on(tmp_path: Path) -> None:
    whole, file = fit(), tmp_path / "fit"
    fit(checkpoint=file)
    header, arrays = read_archive(file, "fit")
    for rounds in range(1, len(header["rounds"])):
        tried = sum(count for _, count, _ in header["rounds"][:rounds])
        kept = [entry for entry in header["candidates"] if entry["number"] < tried]
        write_archive(file, "fit", {**header, "rounds": header["rounds"][:rounds], "candidates": kept}, arrays)
        assert same(fit(checkpoint=file, resume=True), whole)


def test_a_finished_fit_is_restored_without_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "fit"
    whole = fit(checkpoint=file)

    def train(*_: Any, **__: Any) -> None:
        raise AssertionError("it trains")

    monkeypatch.setattr(search, "train_candidates", train)
    again = fit(checkpoint=file, resume=True)
    assert same(again, whole)
    assert again.record.seconds >= 0


def test_resume_without_a_file_begins_and_needs_its_name(tmp_path: Path) -> None:
    assert same(fit(checkpoint=tmp_path / "new", resume=True), fit())
    with pytest.raises(cr.PlanError, match="resume: needs the file to continue from"):
        fit(resume=True)


def test_seconds_so_far_count_and_a_longer_limit_goes_on(tmp_path: Path) -> None:
    file = tmp_path / "fit"
    whole = fit(effort="fast", checkpoint=file)
    header, arrays = read_archive(file, "fit")
    write_archive(file, "fit", {**header, "seconds": 1000.0}, arrays)
    again = fit(effort="fast", checkpoint=file, resume=True, time_limit=999)
    assert again.record.seconds > 1000
    assert weights_of(again) == weights_of(whole)


def test_an_existing_file_is_not_overwritten(tmp_path: Path) -> None:
    file = tmp_path / "fit"
    fit(effort="fast", checkpoint=file)
    before = file.read_bytes()
    with pytest.raises(cr.FileError, match=r"holds this fit already; continue it with resume=True, or"):
        fit(effort="fast", checkpoint=file)
    table = tmp_path / "table.csv"
    table.write_text("a,b\n1,2\n")
    for resume in (False, True):
        with pytest.raises(cr.FileError, match="is not a fit file: it is text, such as a table in CSV"):
            fit(effort="fast", checkpoint=table, resume=resume)
    with pytest.raises(cr.PlanError, match="table"):
        cr.fit(table, label="b", checkpoint=table)
    assert (file.read_bytes(), table.read_text()) == (before, "a,b\n1,2\n")
    with pytest.raises(cr.FileError, match="there is no folder"):
        fit(checkpoint=tmp_path / "none" / "fit")


OTHERS: list[tuple[dict[str, Any], str]] = [
    ({"effort": "best"}, r"fit\.effort is 'fast' there and 'best' here"),
    ({"seed": 1}, r"fit\.seed is 0 there and 1 here"),
    ({"metric": "auc"}, r"fit\.metric is 'log_loss' there and 'auc' here"),
    ({"class_weight": "balanced"}, r"preparation\.class_weight is None there and 'balanced' here"),
    ({"sample_weight": np.ones(60)}, "table: "),
    ({"y": 1 - Y}, "table: "),
    ({"x": X + 1e-9}, "table: "),
    ({"x": X[:50], "y": Y[:50]}, "table: "),
]


@pytest.mark.parametrize(("arguments", "message"), OTHERS, ids=[next(iter(a)) for a, _ in OTHERS])
def test_another_fit_is_refused_with_the_difference(tmp_path: Path, arguments: dict[str, Any], message: str) -> None:
    file = tmp_path / "fit"
    fit(effort="fast", checkpoint=file)
    before = file.read_bytes()
    for resume in (False, True):
        with pytest.raises(cr.FileError, match=f"belongs to another fit: .*{message}"):
            fit(**{"effort": "fast", "checkpoint": file} | arguments, resume=resume)
    assert file.read_bytes() == before


def test_another_file_of_the_same_table_goes_on(tmp_path: Path) -> None:
    file, table = tmp_path / "fit", tmp_path / "penguins.csv"
    cr.fit("penguins", label="species", effort="fast", threads=1, checkpoint=file)
    table.write_text(PENGUINS_CSV.read_text())
    cr.fit(table, label="species", effort="fast", threads=1, checkpoint=file, resume=True)
    table.write_text(PENGUINS_CSV.read_text().replace("39.1,", "39.2,", 1))
    with pytest.raises(cr.FileError, match="table: column 'bill_length_mm' has different values"):
        cr.fit(table, label="species", effort="fast", threads=1, checkpoint=file, resume=True)


def change_header(name: str, value: Any) -> Callable[[dict[str, Any], dict[str, Any]], None]:
    return lambda header, arrays: header.update({name: value})


def change_array(name: str, change: Callable[[Any], Any]) -> Callable[[dict[str, Any], dict[str, Any]], None]:
    return lambda header, arrays: arrays.update({name: change(arrays[name])})


DAMAGE: dict[str, Callable[[dict[str, Any], dict[str, Any]], None]] = {
    "no rounds": change_header("rounds", None),
    "rounds of words": change_header("rounds", [["a", 2, 3]]),
    "rounds that begin elsewhere": change_header("rounds", [[1, 2, 3]]),
    "a round of none": change_header("rounds", [[0, 0, 3]]),
    "no candidates": change_header("candidates", 3),
    "candidates without parts": change_header("candidates", [{"number": 0}]),
    "a candidate that was not tried": change_header(
        "candidates", [{"number": 7, "loss": 1.0, "epoch": 1, "epochs_done": 6}]
    ),
    "seconds of words": change_header("seconds", "long"),
    "an epoch beyond the last": lambda header, arrays: header["candidates"][0].update(epoch=99),
    "short parameters": change_array("parameters.0", lambda array: array[:-1]),
    "long parameters": change_array("parameters.0", lambda array: np.append(array, array[:1])),
    "parameters of another type": change_array("parameters.0", lambda array: array.astype(np.float64)),
    "parameters that are not finite": change_array("parameters.1", lambda array: array * np.float32("nan")),
    "short losses": change_array("losses.0", lambda array: array[1:]),
    "missing parameters": lambda header, arrays: arrays.pop("parameters.1"),
}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("finished") / "fit"
    with pytest.MonkeyPatch.context() as patch:
        make_tiny(patch)
        fit(effort="fast", checkpoint=path)
    return path


@pytest.mark.parametrize("name", DAMAGE)
def test_an_inconsistent_file_is_refused(tmp_path: Path, finished: Path, name: str) -> None:
    header, arrays = read_archive(finished, "fit")
    DAMAGE[name](header, arrays)
    file = tmp_path / "fit"
    write_archive(file, "fit", header, arrays)
    with pytest.raises(cr.FileError, match="does not hold the networks of this fit"):
        fit(effort="fast", checkpoint=file, resume=True)
