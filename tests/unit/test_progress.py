"""Progress of work in Python: a function is called, a bar appears where a person watches, and nothing elsewhere."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from types import SimpleNamespace
from typing import Any

import pytest

import creche as cr
from creche._progress import is_notebook, watch
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


class Screen:
    """Stands for the kernel of a notebook: keeps what a cell shows."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.shown: list[str] = []
        shell = SimpleNamespace(kernel=object())
        display = SimpleNamespace(HTML=str, display=self._display)
        monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell, display=display))
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
