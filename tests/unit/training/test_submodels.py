"""Networks of submodels through everything that takes a network: runs, files, sweeps, estimators and explanations."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import creche as cr
from creche import plots
from creche.cli.main import main
from creche.errors import PlanError
from creche.explain.constant_loss import constant_loss
from tests.unit.small_runs import digest

SMALL: dict[str, Any] = {
    "label": "species", "hidden": [6, 5], "submodels": 4, "epochs": 6, "batch_size": 50, "threads": 1,
}  # fmt: skip
SHARINGS = ("mini", "full")


@pytest.fixture(scope="module", params=SHARINGS)
def run(request: pytest.FixtureRequest) -> cr.Run:
    return cr.train("penguins", weight_sharing=request.param, test_fraction=0.2, dropout=0.1, **SMALL)


def test_probabilities_are_the_mean_of_the_submodels(run: cr.Run) -> None:
    """By the formulas, from the parameters by name."""
    p, x = run.model.parameters.astype(np.float64), run.rows.x.astype(np.float64)
    means = np.zeros((len(x), 3))
    for m in range(4):
        a = x
        for layer in range(3):
            own = {name.split(".")[1]: array for name, array in p.items() if name.startswith(f"{layer}.")}
            bias = own["bias"][m] if own["bias"].ndim == 2 else own["bias"]
            weights = own["weights"][m] if own["weights"].ndim == 3 else own["weights"]
            z = (a * own["scale"][m] if "scale" in own else a) @ weights
            z = (z * own["output_scale"][m] if "output_scale" in own else z) + bias
            a = np.tanh(z)
        means += np.exp(z) / np.exp(z).sum(axis=1, keepdims=True) / 4
    np.testing.assert_allclose(run.model.predict_encoded(run.rows.x), means, rtol=1e-5, atol=1e-6)


def test_the_columns_of_a_feature_begin_with_one_factor() -> None:
    begun = cr.train("penguins", **(SMALL | {"epochs": 0, "submodels": 20})).model
    columns = begun.plan.network.input_features
    assert len(columns) == begun.plan.network.inputs > max(columns) + 1
    factors = begun.parameters["0.scale"]
    for column in set(columns):
        of_column = factors[:, [i for i, other in enumerate(columns) if other == column]]
        assert (of_column == of_column[:, :1]).all()
    assert len(np.unique(factors, axis=1).T) == max(columns) + 1


def test_files_and_resumed_runs_give_the_same_bytes(run: cr.Run, tmp_path: Path) -> None:
    run.model.save(tmp_path / "model.creche")
    loaded = cr.load(tmp_path / "model.creche")
    assert loaded.plan == run.plan
    assert np.array_equal(loaded.predict_proba("penguins"), run.model.predict_proba("penguins"))
    arguments = {**SMALL, "weight_sharing": run.plan.network.weight_sharing, "test_fraction": 0.2, "dropout": 0.1}
    checkpoint = tmp_path / "checkpoint"
    cr.train("penguins", **arguments, checkpoint=checkpoint, steps=7)
    resumed = cr.train("penguins", **arguments, checkpoint=checkpoint, resume=True)
    assert digest(resumed) == digest(run)
    assert digest(cr.train("penguins", **{**arguments, "threads": 3})) == digest(run)


def test_members_of_a_sweep_are_those_trained_alone() -> None:
    values: dict[str, Any] = {**SMALL, "submodels": [1, 3], "weight_sharing": ["mini", "full"]}
    swept = cr.sweep("penguins", **values, seeds=3)
    assert len(swept) == 12
    for member in [each for each in swept if each.choice["seed"] == 0]:
        alone = cr.train(
            "penguins", **(SMALL | {name: member.choice[name] for name in ("submodels", "weight_sharing", "seed")})
        )
        for name, array in alone.model.parameters.items():
            assert np.array_equal(member.model.parameters[name], array), name
    # Networks with other numbers of submodels predict side by side.
    ensemble = cr.Ensemble([member.model for member in swept])
    expected = np.mean([member.model.predict_proba("penguins") for member in swept], axis=0)
    np.testing.assert_allclose(ensemble.predict_proba("penguins"), expected, rtol=1e-5, atol=1e-6)
    crossed = cr.cross_validate("penguins", folds=2, **SMALL)
    assert crossed.members[0].plan.network.submodels == 4


def test_estimators_take_them() -> None:
    x = np.random.default_rng(0).standard_normal((80, 3))
    fitted = cr.DNNRegressor(hidden=(5,), submodels=3, weight_sharing="full", epochs=3).fit(x, x[:, 0])
    assert fitted.model_.plan.network.submodels == 3
    assert np.isfinite(fitted.predict(x)).all()
    twice = cr.DNNClassifier(hidden=(5,), submodels=3, epochs=2, warm_start=True)
    twice.fit(x, x[:, 0] > 0).fit(x, x[:, 0] > 0)
    assert twice.model_.plan.network.submodels == 3


def test_the_command_line_takes_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = tmp_path / "penguins.csv"
    cr.datasets.penguins().write_csv(data)
    call = [str(data), "--label", "species", "--hidden", "5", "--epochs", "2", "--threads", "1"]
    assert main(["train", *call, "--submodels", "3", "--weight-sharing", "full"]) == 0
    assert "3 submodels that share the matrices of hidden layers" in " ".join(capsys.readouterr().out.split())
    assert main(["sweep", *call, "--submodels", "1,2"]) == 0
    assert "2 numbers of submodels" in " ".join(capsys.readouterr().out.split())
    assert main(["train", *call, "--submodels", "0"]) == 2
    assert "submodels: got 0" in capsys.readouterr().err


def test_what_looks_at_outputs_works(run: cr.Run, tmp_path: Path) -> None:
    model = run.model
    importance = cr.explain.permutation_importance(model, "penguins", repeats=2).table()
    assert len(importance) == 6
    attributions = cr.explain.integrated_gradients(model, cr.datasets.penguins().head(3))
    assert np.isfinite(attributions.attributions).all()
    assert len(cr.explain.nearest_rows(run, "penguins", rows=[1]).table()) == 5
    assert np.isfinite(cr.explain.loss_surface(run, points=5).losses).all()
    assert constant_loss(run) == pytest.approx(1.05, abs=0.03)
    plots.weight_histograms(model)
    cr.report(model, "penguins", tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text()
    assert "4 submodels" in page
    assert "One training step" not in page


def test_a_recording_has_all_parameters() -> None:
    run = cr.train("penguins", **SMALL, record=True)
    recording = run.recording
    assert recording.parameters["2.weights"].shape[1:] == (4, 5, 3)
    assert np.isfinite(recording.update_ratios[1:]).any()


@pytest.mark.parametrize(
    "show",
    [
        lambda run: cr.explain.trace(run),
        lambda run: cr.explain.trace(run.model, cr.datasets.penguins().drop("species").head(2)),
        lambda run: cr.explain.loss_against_weight(run),
        lambda run: plots.network(run.model),
        lambda run: cr.train(
            "penguins", **SMALL, changes=[{"step": 2, "weights": [{"layer": 0, "target": 0, "value": 1.0}]}]
        ),
    ],
    ids=["trace", "forward", "weight", "picture", "changes"],
)  # fmt: skip
def test_what_shows_single_neurons_and_weights_is_refused(run: cr.Run, show: Any) -> None:
    with pytest.raises(PlanError, match="the network has 4 submodels, and this is about the neurons and weights"):
        show(run)


def test_a_custom_loss_is_refused() -> None:
    with pytest.raises(PlanError, match="submodels: got 4, and a custom loss trains one network at a time") as caught:
        cr.train("penguins", **SMALL, loss=lambda outputs, labels: (outputs[:, 0], outputs))
    assert caught.value.argument == "submodels"
