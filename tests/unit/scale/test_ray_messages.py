"""Messages about Ray that need no Ray."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import pytest

from creche.errors import CrecheError, PlanError
from creche.scale.cluster import resolve_workers
from creche.scale.ray_workers import _cause, _first_line, check_answer


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


@pytest.fixture
def closed_port() -> int:
    """A port at which nothing answers: it was free a moment ago."""
    with socket.socket() as some:
        some.bind(("127.0.0.1", 0))
        return int(some.getsockname()[1])


def test_a_cluster_that_does_not_answer_is_named_at_once(
    closed_port: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    address = f"127.0.0.1:{closed_port}"
    for typed in (address, f"ray://{address}"):
        with pytest.raises(CrecheError, match=rf"cluster: found none at {typed}: Connection refused\. Check"):
            check_answer(typed)
    monkeypatch.setenv("RAY_ADDRESS", address)
    with pytest.raises(CrecheError, match=rf"got 'auto', and RAY_ADDRESS names the cluster {address}, where none"):
        check_answer("auto")
    monkeypatch.delenv("RAY_ADDRESS")
    monkeypatch.setenv("RAY_TMPDIR", str(tmp_path))
    check_answer("auto")  # nothing names one
    (tmp_path / "ray").mkdir()
    (tmp_path / "ray" / "ray_current_cluster").write_text(f"{address}\n")
    with pytest.raises(CrecheError, match=rf"ray_current_cluster names the cluster {address}, where none answers"):
        check_answer("auto")


def test_a_cluster_that_answers_passes() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        check_answer(f"127.0.0.1:{server.getsockname()[1]}")


def test_errors_of_tasks_are_sentences() -> None:
    own = PlanError("epochs: got 3")
    assert _cause(TaskError(own)) is own
    assert str(_cause(TaskError(ModuleNotFoundError("No module named 'creche'")))).startswith(
        "cluster: a machine of the cluster lacks a module (No module named 'creche'); install the same Creche"
    )
    assert str(_cause(TaskError(ZeroDivisionError("by zero")))) == "cluster: a piece failed: by zero"
