"""Messages about Ray that need no Ray."""

from __future__ import annotations

import socket
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from creche.errors import CrecheError, PlanError
from creche.scale import ray_workers
from creche.scale.cluster import Cluster, resolve_workers
from creche.scale.ray_calls import Room
from creche.scale.ray_errors import cause_of, first_line
from creche.scale.ray_workers import RayWorkers, check_answer


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
    assert first_line(ValueError("\n  bearer s3cret was refused.\nat line 3")) == "bearer … was refused"


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
    assert cause_of(TaskError(own)) is own
    assert str(cause_of(TaskError(ModuleNotFoundError("No module named 'creche'")))).startswith(
        "cluster: a machine of the cluster lacks a module (No module named 'creche'); install the same Creche"
    )
    assert str(cause_of(TaskError(ZeroDivisionError("by zero")))) == "cluster: a piece failed: by zero"


def connected_to(found: str, asked: str) -> RayWorkers:
    """Workers of a process that is connected to a cluster and asks for one, as far as that is compared."""
    workers = RayWorkers.__new__(RayWorkers)
    workers._cluster = Cluster(asked)
    workers._ray = SimpleNamespace(get_runtime_context=lambda: SimpleNamespace(gcs_address=found))
    return workers


@pytest.mark.parametrize(
    ("before", "asked", "message"),
    [
        (None, "auto", None),
        (None, "127.0.0.5:6379", None),
        (None, "127.0.0.5:6380", "is connected to the cluster 127.0.0.5:6379, not to 127.0.0.5:6380; call ray.shut"),
        (None, "127.0.0.6:6379", "is connected to the cluster 127.0.0.5:6379, not to 127.0.0.6:6379; call ray.shut"),
        # The cluster's own port is another than that of Ray's client: only the machines can be compared.
        (None, "ray://127.0.0.5:10001", None),
        (None, "ray://127.0.0.6:10001", "6379, and whether ray://127.0.0.6:10001 leads to it cannot be known from he"),
        # Unless the same process has connected by such an address.
        ("ray://127.0.0.99:10001", "ray://127.0.0.99:10001", None),
        (
            "ray://127.0.0.99:10001",
            "ray://127.0.0.5:20001",
            "6379 through ray://127.0.0.99:10001, not through ray://127.0",
        ),
        ("127.0.0.5:6379", "ray://127.0.0.5:10001", None),
    ],
)
def test_another_cluster_than_that_of_the_process_is_refused(
    before: str | None, asked: str, message: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ray_workers, "_connected", None if before is None else (before, "127.0.0.5:6379"))
    workers = connected_to("127.0.0.5:6379", asked)
    if message is None:
        workers._check_connected()
        return
    with pytest.raises(CrecheError) as refused:
        workers._check_connected()
    assert message in str(refused.value)
    assert str(refused.value).endswith("or give cluster='auto' for the one that it is connected to")


def test_what_we_connected_to_is_forgotten_with_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray_workers, "_connected", ("ray://127.0.0.99:10001", "127.0.0.5:6379"))
    with pytest.raises(
        CrecheError, match=r"cluster 127\.0\.0\.7:6379, and whether ray://127\.0\.0\.99:10001 leads to it"
    ):
        connected_to("127.0.0.7:6379", "ray://127.0.0.99:10001")._check_connected()


def test_room_is_counted_for_each_machine() -> None:
    room = Room((3.0, 2.0, 0.0), free=1.0)
    assert str(room) == "the cluster has 5 processors, 1 of them free, and at most 3 on a machine"
    assert [room.count_fitting(cpus) for cpus in (1, 2, 3, 4)] == [5, 2, 1, 0]
