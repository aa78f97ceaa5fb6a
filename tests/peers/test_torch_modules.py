"""Modules of PyTorch predict what the model does, can be trained further, and come back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import creche as cr
from creche.errors import PlanError
from creche.plan.activations import ACTIVATIONS
from tests.models_to_export import CALIBRATIONS, HEADS, LAYERS, calibrated, ensemble, table, train

pytestmark = pytest.mark.peers

torch: Any = None


@pytest.fixture(autouse=True)
def import_torch() -> None:
    """Import it here, so that a run without these tests does not wait for it."""
    global torch
    torch = pytest.importorskip("torch", reason="needs torch: pip install '.[peers]'")


def predict(module: Any) -> np.ndarray[Any, Any]:
    with torch.no_grad():
        return np.asarray(module(module.transform(table())).numpy())


def agree(model: Any) -> Any:
    module = model.to_torch()
    found = predict(module)
    if model.labels.task == "regression":
        expected = model.predict(table()).reshape(len(found), -1)
        scale = model.labels.repeat(np.array(model.labels.scale)) if model.labels.scale else 1.0
        assert (np.abs(found - expected) < 2e-6 * (scale + np.abs(expected))).all()
    else:
        assert np.abs(found - model.predict_proba(table())).max() < 1e-6
    return module


@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_every_activation(precision: str) -> None:
    for word in ACTIVATIONS.words:
        agree(train(activation=word, epochs=1, precision=precision))


@pytest.mark.parametrize("arguments", LAYERS, ids=str)
def test_every_kind_of_layer_goes_there_and_back(arguments: dict[str, Any]) -> None:
    model = train(**arguments)
    module = agree(model)
    again = cr.from_torch(module, like=model)
    assert list(again.parameters) == list(model.parameters)
    for name, array in model.parameters.items():
        assert again.parameters[name].tobytes() == array.tobytes(), name
    assert len(list(module.network.parameters())) <= len(model.parameters)


def test_every_head() -> None:
    for label, arguments in HEADS:
        for submodels in (1, 2):
            agree(train(label, **arguments, epochs=1, submodels=submodels))


def test_ensembles_average_and_calibrate() -> None:
    bounded = cr.Ensemble([train("amount", epochs=1)])
    bounded.calibration = type(bounded.calibration)(lowest=(99.0,), highest=(101.0,))
    models = [ensemble(temperature=2.0), bounded, *map(calibrated, CALIBRATIONS)]
    for model in models:
        agree(model)
    without = np.abs(ensemble().predict_proba(table()) - models[0].predict_proba(table())).max()
    assert without > 1e-3  # so the temperature was applied


def test_a_plain_network_is_a_sequential_as_people_write_it() -> None:
    model = train(hidden=[6, 4], activation="relu", dropout=0.2)
    network = model.to_torch().network
    by_hand = torch.nn.Sequential(
        torch.nn.Linear(model.features.width, 6), torch.nn.ReLU(), torch.nn.Dropout(0.2),
        torch.nn.Linear(6, 4), torch.nn.ReLU(), torch.nn.Dropout(0.2), torch.nn.Linear(4, 3),
    )  # fmt: skip
    assert list(network.state_dict()) == list(by_hand.state_dict())
    by_hand.load_state_dict(network.state_dict())
    x = model.to_torch().transform(table())
    assert torch.equal(by_hand.eval()(x), network(x))
    assert not network.training


def test_a_network_that_was_trained_elsewhere_becomes_a_model(tmp_path: Path) -> None:
    like = train(hidden=[5], activation="tanh", epochs=1)
    torch.manual_seed(0)
    elsewhere = torch.nn.Sequential(
        torch.nn.Linear(like.features.width, 5), torch.nn.Tanh(), torch.nn.Linear(5, 3)
    )  # fmt: skip
    x = like.to_torch().transform(table())
    target = torch.tensor([like.classes.index(value) for value in table()["class"]])
    optimizer = torch.optim.Adam(elsewhere.parameters(), lr=0.05)
    for _ in range(60):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(elsewhere(x), target).backward()
        optimizer.step()
    model = cr.from_torch(elsewhere, like=like)
    with torch.no_grad():
        expected = torch.softmax(elsewhere(x), 1).numpy()
    assert np.abs(model.predict_proba(table()) - expected).max() < 1e-6
    assert (model.predict(table()) == table()["class"].to_numpy()).mean() > 0.8
    assert model.provenance is None
    model.save(tmp_path / "m.creche")
    loaded = cr.load(tmp_path / "m.creche")
    assert (loaded.predict_proba(table()) == model.predict_proba(table())).all()


def test_modules_can_be_tuned_and_brought_back() -> None:
    model = train(number_embedding="periodic", normalization="batch", parametric_activation=True, epochs=2)
    module = model.to_torch()
    x = module.transform(table())
    target = torch.tensor([model.classes.index(value) for value in table()["class"]])
    before = torch.nn.functional.cross_entropy(module.network(x), target).item()
    module.train()
    optimizer = torch.optim.SGD(module.parameters(), lr=0.05)
    for _ in range(20):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(module.network(x), target).backward()
        optimizer.step()
    assert all(parameter.grad is not None for parameter in module.parameters())
    module.eval()
    assert torch.nn.functional.cross_entropy(module.network(x), target).item() < before
    tuned = cr.from_torch(module, like=model)
    assert np.abs(tuned.predict_proba(table()) - predict(module)).max() < 1e-6


@pytest.mark.parametrize("kind", ["plain", "periodic", "submodels", "ensemble"])
def test_modules_are_exported_with_any_number_of_rows(kind: str, tmp_path: Path) -> None:
    periodic = {"number_embedding": "periodic", "category_embedding": 2}
    choices: dict[str, dict[str, Any]] = {"plain": {}, "submodels": {"submodels": 2}, "periodic": periodic}
    module = (ensemble(temperature=2.0) if kind == "ensemble" else train(**choices[kind])).to_torch()
    x = module.transform(table())
    program = torch.export.export(module, (x[:7],), dynamic_shapes=({0: torch.export.Dim("rows")},))
    torch.export.save(program, tmp_path / "m.pt2")
    again = torch.export.load(tmp_path / "m.pt2").module()
    assert torch.equal(again(x), module(x))


def test_modules_of_other_networks_are_refused() -> None:
    like = train(hidden=[5])
    width = like.features.width
    with pytest.raises(PlanError, match=r"module: it has 2 tensors, and the network 4: 0\.weight, 0\.bias, "):
        cr.from_torch(torch.nn.Linear(width, 3), like=like)
    other = torch.nn.Sequential(torch.nn.Linear(width, 4), torch.nn.Tanh(), torch.nn.Linear(4, 3))
    with pytest.raises(PlanError, match=rf"its tensor for '0\.weight' has shape \(4, {width}\); the network has \(5, "):
        cr.from_torch(other, like=like)
    module = like.to_torch()
    with torch.no_grad():
        module.network[0].bias[0] = float("nan")
    with pytest.raises(PlanError, match=r"its tensor for '0\.bias' holds numbers that are not finite"):
        cr.from_torch(module, like=like)
    with pytest.raises(PlanError, match="like: got Ensemble; needs a model of one network"):
        cr.from_torch(module, like=ensemble())  # type: ignore[arg-type]


def test_the_page_of_the_documentation_is_true(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.test_documentation import test_the_python_code_runs_and_prints_what_is_shown

    monkeypatch.chdir(tmp_path)
    test_the_python_code_runs_and_prints_what_is_shown("torch.md", tmp_path)


class Odd:
    """What has a state in place of a module's."""

    def __init__(self, state: dict[str, Any]) -> None:
        self._state = state

    def state_dict(self) -> dict[str, Any]:
        return self._state


def test_tensors_that_no_network_can_have_are_refused() -> None:
    like = train(hidden=[5])
    good = like.to_torch().network
    for tensor, reason in [
        (torch.full((5,), 1e300, dtype=torch.float64), "holds numbers that are not finite in float32"),
        (torch.zeros(5, dtype=torch.complex64), "cannot be read: its numbers are complex"),
        (torch.empty(5, device="meta"), "cannot be read: "),
        (torch.zeros(5).to_sparse(), "cannot be read: "),
        ([0.0] * 5, "cannot be read: "),
    ]:
        with pytest.raises(PlanError, match=rf"module: its tensor for '0\.bias' {reason}"):
            cr.from_torch(Odd({**good.state_dict(), "0.bias": tensor}), like=like)
    with pytest.raises(PlanError, match=r"module: got the class Linear; needs a torch\.nn\.Module"):
        cr.from_torch(torch.nn.Linear, like=like)
    with pytest.raises(PlanError, match="module: it has 2 tensors, and the network 4"):
        cr.from_torch(torch.optim.Adam(good.parameters()), like=like)
