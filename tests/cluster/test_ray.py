"""Networks on a cluster of Ray: the bytes of this process, also where processes and machines are lost in the middle.

The machines are processes on 127.0.0.2, .3 and .4; Ray takes each for a machine of its own.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tools.ray_nodes import Nodes, own_folder

import creche as cr
from creche.errors import CrecheError
from creche.scale import piece, ray_workers, sizing
from creche.scale.build import Build
from creche.scale.cluster import resolve_workers
from tests.cluster.nodes import note_place, running_nodes, wait_for_place
from tests.unit.model_selection.sweeps import digests, run_sweep

pytestmark = [pytest.mark.cluster, pytest.mark.filterwarnings("ignore")]

SWEEP: dict[str, Any] = {"learning_rate": [0.01, 0.1], "seeds": 12}


def test_a_cluster_that_is_not_there_is_never_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    with own_folder(), pytest.raises(CrecheError, match="cluster: got 'auto', but no cluster of Ray is running here"):
        run_sweep(cluster="auto")


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    with running_nodes(2, pickled=sys.modules[__name__]) as made:
        yield made


@pytest.fixture(scope="module")
def here() -> cr.Colony:
    return run_sweep(**SWEEP)


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("creche.scale.piecewise_crew.piece_sizes", lambda networks, *_: [2] * -(-networks // 2))
    monkeypatch.setattr(sizing, "TRIAL_SECONDS", 0.0)


def train_through(monkeypatch: pytest.MonkeyPatch, function: Any) -> None:
    monkeypatch.setattr("creche.scale.piecewise_crew.train_piece", function)


def test_a_sweep_has_the_same_bytes(nodes: Nodes, here: cr.Colony) -> None:
    assert digests(run_sweep(**SWEEP, cluster="auto")) == digests(here)
    assert digests(run_sweep(**SWEEP, cluster=nodes.cluster.address)) == digests(here)


def test_other_kinds_of_pieces(nodes: Nodes) -> None:
    arguments: dict[str, Any] = {"label": "species", "effort": "fast", "threads": 1}
    one, other = (cr.fit("penguins", **arguments, cluster=cluster) for cluster in ("auto", None))
    assert one.predict_proba("penguins").tobytes() == other.predict_proba("penguins").tobytes()
    halved: dict[str, Any] = {**SWEEP, "halving": cr.Halving(0.5, first=2)}
    assert digests(run_sweep(**halved, cluster="auto")) == digests(run_sweep(**halved))


def test_rows_are_predicted_there(nodes: Nodes, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("creche.model.predict_file.ROWS_AT_A_TIME", 50)
    model = cr.train("penguins", label="species", hidden=[4], epochs=2, threads=1).model
    there, here = tmp_path / "there.csv", tmp_path / "here.csv"
    cr.predict_file(model, "penguins", there, cluster="auto")
    cr.predict_file(model, "penguins", here)
    assert there.read_bytes() == here.read_bytes()
    assert model.predict_proba("penguins", cluster="auto").tobytes() == model.predict_proba("penguins").tobytes()


def test_a_killed_process_is_replaced(
    nodes: Nodes, here: cr.Colony, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flag = str(tmp_path / "killed")

    def end_once(kinds: piece.Kinds, some: piece.Piece) -> piece.PieceResult:
        try:
            os.close(os.open(flag, os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return piece.train_piece(kinds, some)
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError

    train_through(monkeypatch, end_once)
    assert digests(run_sweep(**SWEEP, cluster="auto")) == digests(here)
    assert Path(flag).exists()


def test_a_machine_is_lost_and_another_joins(nodes: Nodes, here: cr.Colony) -> None:
    """In the middle: when the first piece has come back, and others are on their way."""
    lost = nodes.add()
    seen: list[int] = []

    def change(colony: cr.Colony) -> None:
        seen.append(colony.crew.done)
        if len(seen) == 1:
            nodes.lose(lost)
            nodes.add()

    assert digests(run_sweep(**SWEEP, cluster="auto", on_progress=change)) == digests(here)
    assert seen[0] < len(here)


def test_a_machine_that_falls_silent_is_given_up(
    nodes: Nodes, here: cr.Colony, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if its cable was cut: all of its processes are stopped while one of them has a piece."""
    place = tmp_path / "place"

    def stay_once(kinds: piece.Kinds, some: piece.Piece) -> piece.PieceResult:
        try:
            note_place(place)
        except FileExistsError:
            return piece.train_piece(kinds, some)
        signal.pause()
        raise AssertionError

    def silence(colony: cr.Colony) -> None:
        if not silenced:
            silenced.append(nodes.silence(wait_for_place(place)[0]))

    silenced: list[Any] = []
    nodes.add()
    train_through(monkeypatch, stay_once)
    assert digests(run_sweep(**SWEEP, cluster="auto", on_progress=silence)) == digests(here)
    assert not nodes.is_alive(silenced[0])  # the piece was trained elsewhere once it was given up
    nodes.lose(silenced[0])


def test_ctrl_c_keeps_what_is_done(nodes: Nodes, here: cr.Colony) -> None:
    def interrupt(colony: cr.Colony) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as stopped:
        run_sweep(**SWEEP, cluster="auto", on_progress=interrupt)
    colony = stopped.value.colony  # type: ignore[attr-defined]
    ended = [n for n in range(len(colony)) if colony[n].status != "running"]
    assert 0 < len(ended) < len(here)
    assert [digests(colony)[n] for n in ended] == [digests(here)[n] for n in ended]
    assert digests(run_sweep(**SWEEP, cluster="auto")) == digests(here)  # the cluster is free again


def test_what_always_ends_its_process_is_named(nodes: Nodes, monkeypatch: pytest.MonkeyPatch) -> None:
    def end(kinds: piece.Kinds, some: piece.Piece) -> piece.PieceResult:
        if some.seeds[0] == 10:
            os.kill(os.getpid(), signal.SIGKILL)
        return piece.train_piece(kinds, some)

    train_through(monkeypatch, end)
    message = r"cluster: the process that worked on networks 11 to 12 \(.*seed 10\) ended 2 times"
    with pytest.raises(CrecheError, match=message) as stopped:
        run_sweep(seeds=12, cluster=cr.Cluster(retries=1))
    assert stopped.value.colony.interrupted  # type: ignore[attr-defined]


def test_another_build_is_refused_before_any_work(nodes: Nodes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray_workers, "this_build", lambda: Build("0.0.9", {}, sys.byteorder, "far"))
    with pytest.raises(CrecheError, match=r"has another Creche than far: version .*, not 0\.0\.9"):
        resolve_workers("auto")


def test_a_cluster_without_room_says_so(nodes: Nodes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray_workers, "PATIENCE", 0.0)
    with pytest.raises(CrecheError, match=r"a piece wants 64 processors, but the cluster has \d+ processors"):
        resolve_workers(cr.Cluster(cpus_per_piece=64))


def test_another_cluster_than_that_of_this_process_is_refused(nodes: Nodes) -> None:
    address = nodes.cluster.address
    for other in ("127.0.0.240:6379", "ray://127.0.0.240:10001"):
        with pytest.raises(CrecheError, match=rf"connected to the cluster {address}, .*{other}.* ray\.shutdown\(\)"):
            resolve_workers(other)
