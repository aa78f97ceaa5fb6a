"""From a file that is dropped to a model that the command line uses, the same as without the page, to the bit."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
from playwright.sync_api import expect

import creche as cr
from tests.patience import PATIENCE
from tests.studio.driving import Screen

NAME = "birds of the bay.csv"


def write_birds(folder: Path) -> Path:
    """Write a table of the test's own: three classes, a category, missing values, and names with spaces and commas."""
    random = np.random.default_rng(3)
    kind = random.integers(0, 3, 200)
    length = np.round(30 + 8 * kind + random.normal(0, 3, 200), 1)
    frame = pl.DataFrame(
        {
            "kind": np.array(["auk", "tern, common", "gull"])[kind],
            "bill length": [None if i % 17 == 0 else float(each) for i, each in enumerate(length)],
            "wing": np.round(150 + 20 * (kind == 1) + random.normal(0, 9, 200), 0),
            "shore": np.array(["north", "south", "east"])[(kind + random.integers(0, 2, 200)) % 3],
        }
    )
    path = folder / NAME
    frame.write_csv(path)
    return path


def run(program: list[str], folder: Path) -> str:
    done = subprocess.run(program, cwd=folder, capture_output=True, text=True, check=False, timeout=PATIENCE)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_dropped_file_becomes_a_model_that_code_and_command_line_make_again(screen: Screen, tmp_path: Path) -> None:
    path = write_birds(tmp_path)
    screen.show("Table")
    screen.drop(path)
    expect(screen.page.get_by_text("200 rows").first).to_be_visible()
    screen.page.get_by_label("Label", exact=True).select_option("kind")
    expect(screen.page.get_by_role("list", name="Classes")).to_contain_text("tern, common")
    screen.button("To the network →").click()

    screen.set_text("Hidden layers", "6, 4")
    screen.set_number("Epochs", 12)
    screen.step("Epoch", times=4)
    screen.set_rate(0.01)
    screen.play()
    screen.expect_number("epoch", 12)

    screen.show("Keep")
    kept = screen.download("Download the model", tmp_path)
    plan = screen.download("Download the plan", tmp_path)
    assert plan.suffix == ".toml"
    screen.button("Python").click()
    expect(screen.region("Code")).to_contain_text("import creche")
    python = screen.region("Code").inner_text()
    screen.button("Command line").click()
    expect(screen.region("Code")).to_contain_text("creche train")
    command = screen.region("Code").inner_text()

    probability = re.compile(r"(\d+\.\d+)")
    predicted = run([sys.executable, "-m", "creche", "predict", str(kept), NAME], tmp_path)
    assert probability.search(predicted)

    for name, program in (("python", [sys.executable, "-c", python]), ("command", shell(command))):
        folder = tmp_path / name
        folder.mkdir()
        shutil.copy(path, folder / NAME)
        run(program, folder)
        (made,) = [file for file in folder.iterdir() if file.name != NAME]
        assert_same_model(cr.load(made), cr.load(kept), path)


def shell(command: str) -> list[str]:
    """Run the words of a command as a person's shell would, with this creche."""
    return ["bash", "-euc", f'creche() {{ "{sys.executable}" -m creche "$@"; }}\n{command}']


def assert_same_model(one: cr.Model, other: cr.Model, table: Path) -> None:
    for (w1, b1), (w2, b2) in zip(one.weights, other.weights, strict=True):
        assert (w1.tobytes(), b1.tobytes()) == (w2.tobytes(), b2.tobytes())
    assert one.predict_proba(table).tobytes() == other.predict_proba(table).tobytes()
