"""Messages about Ray that need no Ray."""

from __future__ import annotations

import sys

import pytest

from creche.errors import CrecheError, PlanError
from creche.scale.cluster import resolve_workers
from creche.scale.ray_workers import _cause, _first_line


class TaskError(Exception):
    """As Ray wraps what a task raised."""

    def __init__(self, cause: Exception) -> None:
        super().__init__(f"traceback of {cause}")
        self.cause = cause


def test_ray_is_needed_where_a_cluster_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(CrecheError, match=r"cluster: needs Ray; install it with: pip install 'creche\[cluster\]'"):
        resolve_workers("auto")


def test_the_token_is_never_quoted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_AUTH_TOKEN", "s3cret")
    assert _first_line(ValueError("\n  bearer s3cret was refused.\nat line 3")) == "bearer … was refused"


def test_errors_of_tasks_are_sentences() -> None:
    own = PlanError("epochs: got 3")
    assert _cause(TaskError(own)) is own
    assert str(_cause(TaskError(ModuleNotFoundError("No module named 'creche'")))).startswith(
        "cluster: a machine of the cluster lacks a module (No module named 'creche'); install the same Creche"
    )
    assert str(_cause(TaskError(ZeroDivisionError("by zero")))) == "cluster: a piece failed: by zero"
