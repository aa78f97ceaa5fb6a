"""Progress of work in Python: a function is called, a bar appears where a person watches, and nothing elsewhere."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import creche as cr
from creche._progress import count_steps, is_notebook, track, watch, watch_steps
from creche.pages import progress

WORK: dict[str, Callable[..., Any]] = {
    "train": lambda **a: cr.train("penguins", label="species", hidden=[3], epochs=3, threads=1, **a),
    "sweep": lambda **a: cr.sweep("penguins", label="species", hidden=[3], epochs=3, seeds=2, threads=1, **a),
    "cross_validate": lambda **a: cr.cross_validate(
        "penguins", label="species", hidden=[3], epochs=3, folds=2, threads=1, **a
    ),
    "find_learning_rate": lambda **a: cr.find_learning_rate(
        "penguins", label="species", hidden=[3], epochs=3, rates=[0.01, 0.1, 1], threads=1, **a
    ),
    "fit": lambda **a: cr.fit("penguins", label="species", effort="fast", threads=1, **a),
}  # fmt: skip


@cache
def _run() -> cr.Run:
    """A run that has something to diagnose."""
    return cr.train("penguins", label="species", hidden=[3], optimizer="sgd", learning_rate=1e-4, epochs=9, threads=1)


STEPS: dict[str, tuple[Callable[..., Any], str]] = {
    "evaluate": (lambda **a: _run().model.evaluate("penguins", **a), "1,000 of 1,000 resamples"),
    "diagnose": (lambda **a: cr.explain.diagnose(_run(), **a), "epochs of trials"),
    "permutation_importance": (
        lambda **a: cr.explain.permutation_importance(_run(), "penguins", repeats=2, **a), "12 of 12 shuffled columns"
    ),
    "integrated_gradients": (
        lambda **a: cr.explain.integrated_gradients(_run(), "penguins", **a), "groups of rows"
    ),
    "partial_dependence": (
        lambda **a: cr.explain.partial_dependence(_run(), "penguins", "island", **a), "3 of 3 values"
    ),
    "decision_regions": (
        lambda **a: cr.explain.decision_regions(
            _run(), "penguins", "bill_length_mm", "bill_depth_mm", points=5, **a
        ),
        "25 of 25 values",
    ),
    "nearest_rows": (
        lambda **a: cr.explain.nearest_rows(_run(), "penguins", [1, 2], **a), "1 of 1 groups of training rows"
    ),
    "loss_against_weight": (lambda **a: cr.explain.loss_against_weight(_run(), points=50, **a), "networks"),
    "loss_surface": (lambda **a: cr.explain.loss_surface(_run(), points=5, **a), "25 of 25 networks"),
    "compare": (
        lambda **a: cr.explain.compare(
            "penguins", label="species", hidden=[3], learning_rate=[0.01, 0.1], epochs=3, points=5, threads=1, **a
        ),
        "networks",
    ),
}  # fmt: skip


class Screen:
    """Stands for the kernel of a notebook: keeps what a cell shows."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.shown: list[str] = []
        shell = SimpleNamespace(kernel=object())
        display = SimpleNamespace(HTML=str, display=self._display)
        monkeypatch.setitem(
            sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell, display=display, version_info=(9, 0))
        )
        monkeypatch.setitem(sys.modules, "IPython.display", display)
        monkeypatch.setattr(progress, "SECONDS_BEFORE_SHOWN", 0.0)
        monkeypatch.setattr(progress, "SECONDS_BETWEEN_UPDATES", 0.0)

    def _display(self, html: str, display_id: bool) -> SimpleNamespace:
        assert display_id
        self.shown.append(html)
        return SimpleNamespace(update=self.shown.append)


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Screen:
    return Screen(monkeypatch)


@pytest.mark.parametrize("name", WORK)
def test_a_notebook_shows_a_bar_that_stays(name: str, screen: Screen) -> None:
    assert is_notebook()
    WORK[name]()
    last = screen.shown[-1]
    value, largest = (float(re.findall(rf'{key}="([\d.]+)"', last)[0]) for key in ("value", "max"))
    assert 0 < value <= largest
    if name == "train":
        assert "3 of 3 epochs, loss " in last
        assert value == largest


def test_a_sweep_by_workers_shows_how_busy_they_are(screen: Screen) -> None:
    with ThreadPoolExecutor(1) as pool:
        WORK["sweep"](cluster=pool)
    assert re.search(r"2 of 2 networks, workers train \d+% of their processor time", screen.shown[-1])


@pytest.mark.parametrize("name", STEPS)
def test_steps_are_counted_in_a_notebook_and_for_a_function(name: str, screen: Screen) -> None:
    work, counted = STEPS[name]
    _run()
    screen.shown.clear()
    work()
    assert counted in screen.shown[-2]
    assert screen.shown[-1] == ""  # the bar is removed: nothing of it is worth keeping
    steps: list[cr.StepProgress] = []
    screen.shown.clear()
    work(on_progress=steps.append)
    work(on_progress=False)
    assert screen.shown == []
    assert steps[-1].done == steps[-1].total
    assert all(0 <= step.done <= step.total for step in steps)


def test_a_report_counts_its_sections_and_nothing_within_them(screen: Screen, tmp_path: Path) -> None:
    steps: list[cr.StepProgress] = []
    cr.report(_run().model, "penguins", tmp_path / "page.html", on_progress=steps.append)
    sections = [step.done for step in steps if step.counted == "sections"]
    assert sections == list(range(1, steps[-1].total + 1))
    assert {step.counted for step in steps} == {"resamples", "sections"}  # the evaluation comes before the sections


def stop_after_2(record: Any) -> bool:
    return bool(record.epoch == 2)


def test_a_run_that_is_resumed_shows_a_bar(screen: Screen) -> None:
    run = cr.train(
        "penguins",
        label="species",
        hidden=[3],
        epochs=5,
        threads=1,
        on_progress=False,
        on_epoch=lambda at: at.epoch == 2,
    )
    run.resume(epochs=1, on_progress=False)
    assert screen.shown == []
    run.resume()
    assert "5 of 5 epochs" in screen.shown[-1]


def test_an_evaluation_within_training_that_is_not_watched_is_not_shown(screen: Screen) -> None:
    model = _run().model
    screen.shown.clear()
    with watch(False, "training"):
        model.evaluate("penguins")
    assert screen.shown == []


def test_loops_that_end_early_count_no_more() -> None:
    steps: list[cr.StepProgress] = []
    with watch_steps(steps.append):
        for number in track(range(5), "numbers"):
            assert list(track("ab", "letters")) == ["a", "b"]  # a part of a step
            if number == 2:
                break
        assert list(track("ab", "letters")) == ["a", "b"]
    assert [(step.done, step.counted) for step in steps] == [
        (1, "numbers"), (2, "numbers"), (1, "letters"), (2, "letters")
    ]  # fmt: skip
    with watch_steps(steps.append), pytest.raises(ZeroDivisionError), count_steps(3, "errors") as report:
        report(1 // 0)
    assert len(steps) == 4


def test_false_shows_nothing_and_a_function_is_called_instead(screen: Screen) -> None:
    cr.train("penguins", label="species", epochs=3, threads=1, on_progress=False)
    epochs: list[int] = []
    cr.train("penguins", label="species", epochs=3, threads=1, on_progress=lambda run: epochs.append(run.epoch))
    assert screen.shown == []
    assert epochs[-1] == 3


def test_short_work_shows_nothing(screen: Screen, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "SECONDS_BEFORE_SHOWN", 3600.0)
    WORK["train"]()
    assert screen.shown == []


def test_work_within_work_has_no_bar_of_its_own(screen: Screen) -> None:
    outer: AbstractContextManager[Any] = watch(None, "training")
    with outer, watch(None, "sweep") as inner:
        assert inner is None
    with watch(True, "sweep") as alone:
        assert alone is not None


def test_an_error_ends_the_bar(screen: Screen) -> None:
    with pytest.raises(cr.DivergedError):
        cr.train(
            "penguins", label="species", activation="relu", optimizer="sgd", learning_rate=1e30, epochs=3, threads=1
        )
    assert progress.Display.current is None


def test_something_else_is_refused() -> None:
    with pytest.raises(cr.PlanError, match="on_progress: got 'bar'; needs a function, or False for no progress bar"):
        cr.train("penguins", label="species", on_progress="bar")  # type: ignore[arg-type]


def test_no_bar_in_a_pipe_or_a_process_of_a_pool(monkeypatch: pytest.MonkeyPatch) -> None:
    with watch(None, "training") as report:
        assert report is None
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    with watch(None, "training") as report:
        assert report is not None
    monkeypatch.setattr("multiprocessing.process.parent_process", lambda: object())
    with watch(None, "training") as report:
        assert report is None
