"""Very many networks: results as arrays, with the numbers and the bytes of the same networks whose states are kept."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import creche as cr
from creche.engine.hardware import Hardware
from creche.engine.run_state import RunState
from creche.errors import FileError, PlanError
from creche.scale import array_crew, crew
from creche.scale.array_crew import ArrayCrew
from creche.scale.piece import train_piece
from creche.scale.sizing import PACK, piece_sizes
from tests.unit.model_selection.sweeps import digests, interrupt_after, run_sweep, weight_bytes

RATES: dict[str, Any] = {"learning_rate": [0.01, 0.1, 1e8], "seeds": 20}


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """More than 30 networks are very many, the best 4 keep their states, and a piece has 16."""
    monkeypatch.setattr(crew, "MOST_STATES", 30)
    monkeypatch.setattr("creche.model_selection.sweep_checkpoint.MOST_STATES", 30)
    monkeypatch.setattr(array_crew, "KEPT_STATES", 4)
    monkeypatch.setattr(array_crew, "REMEMBERED_STATES", 2)
    monkeypatch.setattr(array_crew, "NETWORKS_PER_THREAD", 16)


@pytest.fixture(scope="module")
def whole() -> cr.Colony:
    return run_sweep(**RATES)


@pytest.mark.usefixtures("few")
def test_arrays_hold_what_states_hold(whole: cr.Colony) -> None:
    colony = run_sweep(**RATES)
    assert isinstance(colony.crew, ArrayCrew)
    assert not isinstance(whole.crew, ArrayCrew)
    assert colony.table().equals(whole.table())
    assert colony.plans().equals(whole.plans())
    assert colony.effects() == whole.effects()
    assert colony.crew.epochs == whole.crew.epochs
    assert (colony.crew.done, len(colony.crew._kept)) == (60, 4)
    assert colony.best("network").number == whole.best("network").number
    # Those that keep their states, those that are trained again, and those that diverged.
    assert digests(colony) == digests(whole)
    assert [member.kept_epoch for member in colony] == [member.kept_epoch for member in whole]
    assert repr(colony[59]) == repr(whole[59])


@pytest.mark.usefixtures("few")
def test_workers_return_the_states_that_may_be_among_the_best(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("creche.scale.piecewise_crew.piece_sizes", lambda networks, *_: [4] * (networks // 4))
    returned: list[int] = []

    def train_and_count(kinds: Any, piece: Any) -> Any:
        result = train_piece(kinds, piece)
        returned.append(len(result.kept))
        return result

    monkeypatch.setattr(array_crew, "train_piece", train_and_count)
    here = run_sweep(seeds=80).crew
    with ThreadPoolExecutor(1) as pool:
        there = run_sweep(seeds=80, cluster=pool).crew
    assert isinstance(here, ArrayCrew)
    assert isinstance(there, ArrayCrew)
    assert there._kept.keys() == here._kept.keys()
    for number, state in here._kept.items():
        expected, found = (RunState(each).with_progress(seconds=0).arrays for each in (state, there._kept[number]))
        for name in expected.keys() - {"history.seconds"}:
            assert found[name].tobytes() == expected[name].tobytes()
    assert returned[0] == 4
    assert sum(returned) < 40  # all of the first pieces, and few of the others


@pytest.mark.usefixtures("few")
def test_held_out_rows_of_folds_rank_the_plans() -> None:
    arguments: dict[str, Any] = {"hidden": [[3], [4]], "folds": 3, "seeds": 6, "early_stopping": 2, "label": "species"}
    arrays = run_sweep(**arguments)
    assert isinstance(arrays.crew, ArrayCrew)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(crew, "MOST_STATES", 1_000)
        states = run_sweep(**arguments)
    assert arrays.plans().equals(states.plans())
    assert arrays.best_folds().predictions.tobytes() == states.best_folds().predictions.tobytes()


@pytest.mark.usefixtures("few")
@pytest.mark.filterwarnings("ignore:dropped 2 of 344 rows")
def test_errors_of_a_regression_are_in_the_label_s_units() -> None:
    arguments: dict[str, Any] = {"label": "body_mass_g", "seeds": 32, "drop_last": False, "missing_label": "drop"}
    arrays = run_sweep(**arguments)
    member = arrays[7]
    assert arrays.results.metric_name == "rmse"
    assert arrays.results.validation_metric[7] == member.history.validation_metric[member.kept_epoch - 1]


@pytest.mark.usefixtures("few")
def test_an_interrupted_sweep_keeps_its_results_and_goes_on(tmp_path: Path, whole: cr.Colony) -> None:
    path = tmp_path / "many.creche-sweep"
    with pytest.raises(KeyboardInterrupt) as stopped:
        run_sweep(**RATES, checkpoint=path, on_progress=interrupt_after(2))
    colony = stopped.value.colony  # type: ignore[attr-defined]
    assert 16 <= colony.crew.done < 60
    ended = np.flatnonzero(colony.results.done).tolist()
    assert [weight_bytes(colony[n]) for n in ended] == [weight_bytes(whole[n]) for n in ended]
    resumed = run_sweep(**RATES, checkpoint=path, resume=True)
    assert resumed.table().equals(whole.table())
    assert digests(resumed) == digests(whole)
    with pytest.raises(FileError, match="learning_rate"):
        run_sweep(learning_rate=[0.01, 0.2, 1e8], seeds=20, checkpoint=path, resume=True)
    with pytest.raises(FileError, match="seed"):
        run_sweep(**RATES, seed=3, split_seed=0, checkpoint=path, resume=True)


@pytest.mark.usefixtures("few")
def test_what_needs_all_states_is_refused_or_keeps_them() -> None:
    halved = run_sweep(**RATES, halving=cr.Halving(0.5, first=2))
    assert not isinstance(halved.crew, ArrayCrew)
    arrays = run_sweep(**RATES).crew
    with pytest.raises(PlanError, match="60 networks cannot be stopped"):
        arrays.stop([1])
    with pytest.raises(PlanError, match="epoch: got 2"):
        arrays.run(2)
    assert isinstance(arrays, ArrayCrew)
    broken = {**arrays.to_arrays(), "outcomes.status": np.full(60, 9, dtype=np.uint8)}
    with pytest.raises(PlanError, match="another status"):
        ArrayCrew(arrays.jobs, Hardware(1), [None]).restore_arrays(broken)


@pytest.mark.parametrize(
    ("networks", "seconds", "slots", "first", "pieces"),
    [
        (10, 1.0, 2, 10, 1),  # less than a pack
        (10_000, 0.001, 2, 5_008, 2),  # ten seconds: one piece for each slot
        (1_000_000, 0.01, 2, 3_008, 346),  # the longest pieces, and the ever smaller ones of the end
        (4_000, 0.1, 4, 256, 34),  # four pieces for each slot
    ],
)
def test_pieces_are_neither_short_nor_few(networks: int, seconds: float, slots: int, first: int, pieces: int) -> None:
    sizes = piece_sizes(networks, seconds, slots)
    assert sizes[0] == first
    assert len(sizes) == pieces
    assert sum(sizes) == networks


@given(
    networks=st.integers(1_000, 10**6),
    total=st.floats(50.0, 1e5),
    slots=st.integers(1, 64),
    seed=st.integers(0, 2**32),
)
def test_all_slots_end_at_about_the_same_time(networks: int, total: float, slots: int, seed: int) -> None:
    assume(total > 10.0 * slots)
    assume(networks > 64 * PACK * slots)
    each = total / networks
    speeds = np.random.default_rng(seed).uniform(0.9, 1.1, slots)
    ends = np.zeros(slots)
    for size in piece_sizes(networks, each, slots):
        free = int(np.argmin(ends))
        ends[free] += size * each / speeds[free]
    # A slot that is out of pieces waits at most for a last one.
    assert ends.max() - ends.min() <= 1.2 * max(0.5, PACK * each) + 1e-6 + PACK * each
