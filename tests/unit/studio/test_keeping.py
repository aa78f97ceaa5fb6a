"""What is kept: the model has the weights that its code gives, in Python and on the command line, to the bit."""

from __future__ import annotations

import os
import runpy
import shlex
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import creche as cr
from creche.errors import FileError
from creche.model.model import Model
from creche.studio.protocol import views
from creche.studio.protocol.requests import (
    ApplyWeight,
    ChangeSettings,
    Code,
    ConfigureTable,
    Keep,
    PickMember,
    Play,
    Request,
    Rewind,
    StartColony,
    Step,
)
from creche.studio.table_source import open_file
from tests.patience import PATIENCE
from tests.unit.cli.commands import main
from tests.unit.studio.watching import Page, watched


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which the code is run."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CRECHE_NUM_THREADS", "1")
    return tmp_path


def weights_in(path: Path) -> bytes:
    model = cr.load(path)
    assert isinstance(model, Model)
    return b"".join(w.tobytes() + b.tobytes() for w, b in model.weights)


def run_python(path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", cr.CrecheWarning)
        runpy.run_path(str(path), run_name="__main__")


def run_commands(script: str) -> None:
    """Run a script of commands of this program, each in this process."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", cr.CrecheWarning)
        for line in script.replace("\\\n", " ").splitlines():
            if words := shlex.split(line, comments=True):
                assert words[0] == "creche", line
                assert main(words[1:]) == 0, line


def run_in_shell(script: str) -> None:
    package = str(Path(cr.__file__).parents[1])
    program = f'creche() {{ "{sys.executable}" -m creche "$@"; }}\n'
    done = subprocess.run(
        ["bash", "-euc", program + script], env={**os.environ, "PYTHONPATH": package}, capture_output=True, text=True,
        check=False, timeout=PATIENCE,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def save(page: Page, request: Keep | Code, folder: Path) -> Path:
    kept = page.get(request)
    path = folder / kept.name
    path.write_bytes(kept.content.tobytes())
    return path


def check_code(page: Page, folder: Path, run: Callable[[str], None] = run_commands) -> None:
    """The model that is kept is the one that both programs make."""
    model = save(page, Keep("model"), folder)
    kept = weights_in(model)
    model.unlink()
    run_python(save(page, Code("python"), folder))
    assert weights_in(model) == kept
    model.unlink()
    save(page, Keep("plan"), folder)
    run(page.get(Code("command")).text)
    assert weights_in(model) == kept


def do(page: Page, *requests: Request) -> None:
    for request in requests:
        page.get(request)


def test_a_network_that_was_only_trained(folder: Path) -> None:
    with watched() as page:
        do(page, Step("epoch", count=4))
        assert "steps=32" in page.get(Code("python")).text
        check_code(page, folder)


def test_a_network_whose_training_has_ended_needs_no_steps(folder: Path) -> None:
    with watched("penguins-four") as page:
        do(page, ChangeSettings(epochs=3, hidden=(), optimizer="sgd", loss="squared_error"), Play())
        page.pushed(views.Tick, lambda tick: tick.status == "finished")
        assert "steps" not in page.get(Code("python")).text
        assert "--hidden none" in page.get(Code("command")).text
        check_code(page, folder)


def test_a_network_that_was_changed_set_by_hand_and_sent_back(folder: Path) -> None:
    with watched() as page:
        do(
            page,
            ChangeSettings(hidden=(7, 5), activation="relu", seed=3, split_seed=4, label_smoothing=0.1, l1=1e-4),
            Step("batch", count=3),
            ChangeSettings(learning_rate=0.03),
            ChangeSettings(learning_rate=0.01, batch_size=16, dropout=0.25),
            Step("epoch", count=3),
            ChangeSettings(optimizer="adamw", weight_decay=0.02, schedule="cosine", epochs=9),
            ApplyWeight(layer=0, source=2, target=1, value=0.7),
            ApplyWeight(layer=1, source=None, target=4, value=-0.25),
            Step("epoch", count=2),
            Rewind(4),
            ChangeSettings(label_smoothing=0.0),
            Step("batch", count=5),
            ApplyWeight(layer=2, source=1, target=2, value=1 / 3),
        )
        check_code(page, folder)


def test_a_regression_on_a_table_with_odd_names(folder: Path) -> None:
    rng = np.random.default_rng(0)
    lines = [f"{a:.3f};{b:.3f};{'x' if b > 0 else 'y'};{a * b:.3f}" for a, b in rng.standard_normal((120, 2))]
    lines[5] = lines[5].rpartition(";")[0] + ";"
    path = folder / "odd 'table'.csv"
    path.write_text("\n".join(["size, in cm;b's;c;the label", *lines]))
    source = open_file(path)
    with watched(source, ("the label",)) as page:
        do(
            page,
            ConfigureTable(roles={"b's": "categorical", "c": "ignore"}),
            ChangeSettings(loss="huber", weight_decay=0.01, preprocessing="robust", validation_fraction=0.25),
            Step("epoch", count=3),
        )
        check_code(page, folder, run_in_shell)


def test_a_network_that_was_picked_from_the_colony(folder: Path) -> None:
    with watched() as page:
        do(page, StartColony(learning_rates=(0.001, 0.01), optimizers=("sgd", "adam"), seeds=2, epochs=5))
        page.pushed(views.ColonyView, lambda view: view.status == "finished")
        do(page, PickMember(5), Step("batch", count=3))
        check_code(page, folder)


def test_the_plan_says_how_to_train_the_same(folder: Path) -> None:
    with watched() as page:
        do(page, Step("epoch", count=2), ChangeSettings(learning_rate=0.1), Step("batch", count=3))
        kept = weights_in(save(page, Keep("model"), folder))
        plan = save(page, Keep("plan"), folder)
        run_commands(plan.read_text().splitlines()[0].removeprefix("# "))
        assert weights_in(folder / "penguins.creche") == kept


@pytest.mark.usefixtures("without_pictures")
def test_the_model_can_be_verified_and_the_report_opened(folder: Path) -> None:
    with watched("penguins-four") as page:
        do(page, Step("epoch", count=20))
        model = cr.load(save(page, Keep("model"), folder))
        assert cr.verify(model, "penguins-four", threads=1).same
        report = page.get(Keep("report"))
        assert report.content.tobytes().lower().startswith(b"<!doctype html>")


def test_what_is_not_there_is_refused() -> None:
    with watched() as page:
        assert page.fail(Keep("fit")).text == "There is no fitted model yet."
        assert page.fail(Keep("ensemble")).text == "There is no ensemble yet."


def test_a_full_disk_is_said_and_training_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: object, path: Path) -> None:
        raise FileError(f"{path}: no space left on device")

    monkeypatch.setattr(Model, "save", fail)
    with watched() as page:
        page.play_endlessly()
        failure = page.fail(Keep("model"))
        assert failure.code == "disk"
        assert "no space left on device" in failure.text
        epoch = page.tick().epoch
        page.pushed(views.Tick, lambda tick: tick.status == "running" and tick.epoch > epoch)
