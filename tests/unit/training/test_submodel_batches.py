"""Batches that submodels share, or that each has for itself: which rows a step takes, and where that is refused."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import creche as cr
from creche.cli.main import main
from creche.engine.introspection import batch_rows, epoch_order
from creche.errors import PlanError
from tests.unit.small_runs import digest

N_ROWS, K, BATCH = 13, 3, 5
OWN: dict[str, Any] = {"submodels": K, "submodel_batches": "own", "batch_size": BATCH, "threads": 1}
PENGUINS: dict[str, Any] = {"label": "species", "hidden": [6, 5], "epochs": 4, **(OWN | {"batch_size": 50})}
ALL_ROWS: dict[str, Any] = {"validation_fraction": 0, "keep": "last", "standardize": False}

Parameters = dict[str, NDArray[np.float64]]


def regression_rows(rows: int = N_ROWS) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    random = np.random.default_rng(5)
    x = random.standard_normal((rows, 2))
    return x, x[:, 0] - x[:, 1] ** 2, random.uniform(0.3, 2, rows)


def parameters_of(run: cr.Run) -> Parameters:
    return {name: array.astype(np.float64) for name, array in run.model.parameters.items()}


def loss_of_step(p: Parameters, x: NDArray[Any], y: NDArray[Any], w: NDArray[Any], rows: list[NDArray[Any]]) -> float:
    """Return the squared error of TabM-mini with one hidden layer of tanh, of each submodel on its rows."""
    total = weight = 0.0
    for m, own in enumerate(rows):
        a = np.tanh((x[own] * p["0.scale"][m]) @ p["0.weights"] + p["0.bias"])
        z = a @ p["1.weights"][m] + p["1.bias"][m]
        total += float((w[own] * (z[:, 0] - y[own]) ** 2).sum())
        weight += float(w[own].sum())
    return total / weight


def steepest_step(p: Parameters, rate: float, *table: Any) -> Parameters:
    """Return the parameters after a step along the central differences of the loss."""
    after = {name: array.copy() for name, array in p.items()}
    for name, array in p.items():
        for place in np.ndindex(array.shape):
            kept, losses = array[place], []
            for shift in (1e-5, -1e-5):
                array[place] = kept + shift
                losses.append(loss_of_step(p, *table))
            array[place] = kept
            after[name][place] -= rate * (losses[0] - losses[1]) / 2e-5
    return after


@pytest.mark.parametrize("shuffle", [True, False])
def test_each_step_is_that_of_the_definition(shuffle: bool) -> None:
    """Two epochs of three steps, the last one shorter, by hand."""
    x, y, w = regression_rows()
    arguments: dict[str, Any] = {
        "hidden": [4], "optimizer": "sgd", "learning_rate": 0.2, "shuffle": shuffle, "precision": "float64",
        "loss": "squared_error", "epochs": 2, "sample_weight": w, "seed": 4, **ALL_ROWS, **OWN,
    }  # fmt: skip
    begun = cr.train(x, y, **(arguments | {"steps": 0}))
    p = parameters_of(begun)
    for step in range(6):
        epoch, batch = divmod(step, 3)
        order = epoch_order(begun.plan, epoch, N_ROWS)
        positions = np.arange(batch * BATCH, min((batch + 1) * BATCH, N_ROWS))
        rows = [order[(positions + m * N_ROWS // K) % N_ROWS] for m in range(K)]
        assert batch_rows(begun.plan, epoch, batch, N_ROWS)[: len(positions)].tolist() == rows[0].tolist()
        assert set(batch_rows(begun.plan, epoch, batch, N_ROWS)) == set(np.concatenate(rows))
        p = steepest_step(p, 0.2, x, y, w, rows)
        for name, array in parameters_of(cr.train(x, y, **(arguments | {"steps": step + 1}))).items():
            np.testing.assert_allclose(array, p[name], rtol=1e-7, atol=1e-8, err_msg=f"{name} after step {step}")


def test_the_first_submodel_takes_the_rows_of_shared_batches() -> None:
    """Without hidden layers, submodels share nothing but the number by which losses are divided."""
    x, y, _ = regression_rows(40)
    arguments: dict[str, Any] = {"hidden": [], "epochs": 3, **ALL_ROWS, **OWN}
    own = cr.train(x, y, **arguments).model.parameters
    shared = cr.train(x, y, **(arguments | {"submodel_batches": "shared"})).model.parameters
    for name in ("0.weights", "0.bias", "0.scale"):
        assert own[name][0].tobytes() == shared[name][0].tobytes()
        assert not np.array_equal(own[name][1], shared[name][1])


def test_drop_last_leaves_out_the_last_positions() -> None:
    x, y, _ = regression_rows()
    run = cr.train(x, y, hidden=[4], epochs=2, drop_last=True, **ALL_ROWS, **OWN)
    assert run.step == 4


def test_runs_files_and_sweeps_give_the_same_bytes(tmp_path: Path) -> None:
    arguments: dict[str, Any] = {**PENGUINS, "dropout": 0.1, "number_embedding": "linear", "category_embedding": 3}
    run = cr.train("penguins", **arguments)
    assert run.plan.submodel_batches == "own"
    assert digest(cr.train("penguins", **(arguments | {"threads": 3}))) == digest(run)
    shared = cr.train("penguins", **(arguments | {"submodel_batches": "shared"}))
    assert digest(shared) != digest(run)
    checkpoint = tmp_path / "checkpoint"
    cr.train("penguins", **arguments, checkpoint=checkpoint, steps=7)
    assert digest(cr.train("penguins", **arguments, checkpoint=checkpoint, resume=True)) == digest(run)
    run.model.save(tmp_path / "model.creche")
    loaded = cr.load(tmp_path / "model.creche")
    assert loaded.plan == run.plan
    assert cr.verify(loaded, "penguins", threads=1).same
    swept = cr.sweep("penguins", **(arguments | {"submodel_batches": ["shared", "own"]}), seeds=2)
    of_first_seed = [member for member in swept if member.choice["seed"] == 0]
    assert [member.choice["submodel_batches"] for member in of_first_seed] == ["shared", "own"]
    for member, alone in zip(of_first_seed, (shared, run), strict=True):
        for name, array in alone.model.parameters.items():
            assert member.model.parameters[name].tobytes() == array.tobytes(), name
    crossed = cr.cross_validate("penguins", folds=2, **arguments)
    assert {member.plan.submodel_batches for member in crossed.members} == {"own"}


def test_plans_are_read_without_it() -> None:
    plan = cr.Plan(cr.Network.of(4, [3], 2, submodels=5))
    assert "submodel_batches" not in plan.to_dict()  # as in files of earlier versions
    own = cr.Plan(plan.network, submodel_batches="OWN")  # type: ignore[arg-type]
    assert own.to_dict()["submodel_batches"] == "own"
    assert cr.Plan.from_json(own.to_json()) == own != plan
    assert "submodel batches" in str(own)
    assert own.with_seed(3).submodel_batches == "own"


def test_all_rows_at_once_are_shared() -> None:
    """L-BFGS takes all rows in each step: the same ones for all submodels."""
    run = cr.train("penguins", **(PENGUINS | {"optimizer": "lbfgs", "batch_size": 32}))
    assert (run.plan.submodel_batches, run.plan.optimizer.key) == ("shared", "lbfgs")


def test_estimators_and_the_command_line_take_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    x, y, _ = regression_rows(60)
    fitted = cr.DNNRegressor(hidden=(5,), epochs=3, submodels=3, submodel_batches="own", warm_start=True).fit(x, y)
    assert fitted.model_.plan.submodel_batches == "own"
    fitted.set_params(submodel_batches="shared").fit(x, y)
    assert fitted.model_.plan.submodel_batches == "shared"
    data, plan = tmp_path / "penguins.csv", tmp_path / "plan.toml"
    cr.datasets.penguins().write_csv(data)
    call = ["train", str(data), "--label", "species", "--hidden", "5", "--epochs", "2", "--threads", "1"]
    assert main([*call, "--submodels", "3", "--submodel-batches", "own", "--save-plan", str(plan)]) == 0
    assert tomllib.loads(plan.read_text())["submodel_batches"] == "own"
    assert main([*call[:4], "--plan", str(plan)]) == 0
    assert main([*call, "--save-plan", str(plan)]) == 0
    assert "submodel_batches" not in tomllib.loads(plan.read_text())  # without submodels there is nothing to choose
    capsys.readouterr()
    assert main([*call, "--submodel-batches", "own"]) == 2
    assert "leave --submodel-batches out, or give --submodels 8" in capsys.readouterr().err
    assert main(["recipe", "tabm-mini"]) == 0
    plan.write_text(capsys.readouterr().out)
    call = ["train", str(data), "--label", "species", "--plan", str(plan), "--epochs", "1", "--threads", "1"]
    for windows in (["--memory", "100MB"], ["--shuffle", "windows:64,2"]):
        assert main([*call, *windows]) == 2
        assert "choose --submodel-batches shared, or " in capsys.readouterr().err
        assert main([*call, *windows, "--submodel-batches", "shared"]) == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"submodels": 1}, "got 'own', and the network has no submodels; leave submodel_batches out"),
        ({"shuffle": cr.Windows(8, 2)}, "got 'own' with shuffle='windows', whose rows come a window at a time"),
        ({"memory": "100MB"}, "got 'own', and the rows of a table on disk come a window at a time"),
        ({"memory": "100MB", "shuffle": False}, "got 'own', and the rows of a table on disk come a window at a time"),
        ({"submodel_batches": "ow"}, "got 'ow'; did you mean 'own'"),
    ],
    ids=["one submodel", "windows", "memory", "in order", "word"],
)
def test_where_it_cannot_be_it_is_refused(tmp_path: Path, arguments: dict[str, Any], message: str) -> None:
    data = tmp_path / "penguins.csv"
    cr.datasets.penguins().write_csv(data)
    given = PENGUINS | arguments
    for train in (cr.train, cr.sweep, cr.cross_validate):
        seeds = {"seeds": 1} if train is cr.sweep else {}
        with pytest.raises(PlanError, match=f"submodel_batches: {message}") as caught:
            train(data, **given, **seeds)
        assert caught.value.argument == "submodel_batches"


def test_a_plan_is_refused_for_rows_in_a_file_before_they_are_encoded(tmp_path: Path) -> None:
    data = tmp_path / "penguins.csv"
    cr.datasets.penguins().write_csv(data)
    plan = cr.train(data, **(PENGUINS | {"shuffle": False})).plan
    with pytest.raises(PlanError, match="submodel_batches: got 'own', and the rows of a table on disk"):
        cr.train(data, label="species", plan=plan, memory="100MB")


def test_a_sweep_says_which_network_it_is() -> None:
    with pytest.raises(PlanError, match=r"the network has no submodels.*\(in the network with .*submodels=1\b"):
        cr.sweep("penguins", **(PENGUINS | {"submodels": [K, 1]}), seeds=1)


def test_a_row_of_any_submodel_s_batch_is_found_where_training_diverged() -> None:
    """The row is in the first batch of the second submodel alone."""
    x, y, _ = regression_rows(12)
    x[5, 1] = 1e30
    with pytest.raises(cr.DivergedError) as raised:
        cr.train(
            x, y, hidden=[4], activation="relu", optimizer="sgd", shuffle=False, epochs=1, **ALL_ROWS,
            **(OWN | {"batch_size": 2}),
        )  # fmt: skip
    found = cr.explain.divergence(raised.value)
    assert (found.step, found.row) == (0, 5)
