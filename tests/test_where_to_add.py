"""The table "Where do I add …?" of docs/architecture.md: each row is carried out, or its registry is checked."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from creche import _core
from creche.plan import ACTIVATIONS, LOSSES, OPTIMIZERS

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "creche"
TABLE = (ROOT / "docs" / "architecture.md").read_text().partition("## Where do I add")[2].partition("\n## ")[0]

pytestmark = pytest.mark.skipif(not TABLE, reason="not a checkout of the project")


class Copy:
    """A copy of the package that may be changed, and run in a process of its own."""

    def __init__(self, folder: Path) -> None:
        self.package = folder / "creche"
        shutil.copytree(PACKAGE, self.package, ignore=shutil.ignore_patterns("__pycache__", "*.so"))
        _core.load()
        for name in [name for name in sys.modules if name.startswith("creche._core._")]:
            compiled = Path(sys.modules[name].__file__ or "")
            (self.package / "_core" / compiled.name).symlink_to(compiled)

    def insert(self, name: str, before: str, text: str) -> None:
        path = self.package / name
        whole = path.read_text()
        assert before in whole, f"{name} has no line {before!r}"
        path.write_text(whole.replace(before, text + before, 1))

    def write(self, name: str, text: str) -> None:
        (self.package / name).write_text(text)

    def run(self, program: str) -> str:
        environment = {**os.environ, "PYTHONPATH": str(self.package.parent), "COLUMNS": "100"}
        # An editable installation would be imported instead of the copy.
        program = f"import sys; sys.meta_path = [f for f in sys.meta_path if 'editable' not in str(f)]\n{program}"
        command = [sys.executable, "-P", "-c", program]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    return Copy(tmp_path)


def row(what: str) -> str:
    """The cell of files that the table has for this."""
    found = re.search(rf"^\| {re.escape(what)} \| (.*) \|$", TABLE, re.MULTILINE)
    assert found, f"docs/architecture.md does not say where to add {what}"
    return found[1]


@pytest.mark.parametrize(
    ("what", "folder", "registry", "of_torch"),
    [
        ("an activation", "activations", ACTIVATIONS, "activations"), ("a loss", "losses", LOSSES, "losses"),
        ("an optimizer", "optimizers", OPTIMIZERS, "rules"),
    ],
)  # fmt: skip
def test_parts_of_the_engine_have_a_file_and_a_line_in_its_list(
    what: str, folder: str, registry: Any, of_torch: str
) -> None:
    lists = (
        f"core/{folder}/all.hpp", "core/plan_parts.hpp", "bindings/bind_plan.cpp", "src/creche/plan/words.py",
        f"src/creche/engine/torch/{of_torch}.py",
    )  # fmt: skip
    assert re.findall(r"`([^`]+)`", row(what)) == [
        f"core/{folder}/NAME.hpp", *lists[:3], f"src/creche/plan/{folder}.py", *lists[3:]
    ]  # fmt: skip
    for key, component in registry.members.items():
        if key != "custom":  # a Python function, which the engine calls
            for name in lists:
                assert re.search(rf"\b{key}\b", (ROOT / name).read_text()), f"{key} is missing in {name}"
            assert (ROOT / "core" / folder / f"{key}.hpp").exists()
        assert component.__module__ == f"creche.plan.{folder}"


def test_a_metric(copy: Copy) -> None:
    assert row("a metric") == "`src/creche/evaluation/metrics.py`"
    copy.insert(
        "evaluation/metrics.py",
        '        Metric(\n            key="balanced_accuracy"',
        '        Metric(\n            key="error_rate", title="toy error rate", task="classification",\n'
        "            bounds=(0.0, 1.0),\n"
        '            lower_is_better=True, formula="share of rows with ŷ ≠ y",\n'
        "            row_values=lambda scorer: scorer.predicted != scorer.true,\n        ),\n",
    )
    printed = copy.run("""
import creche as cr
model = cr.train("penguins", label="species", hidden=[4], epochs=3, threads=1).model
found = model.evaluate("penguins", n_resamples=20)
metrics = found.metrics()
assert abs(metrics["error_rate"] + metrics["accuracy"] - 1) < 1e-12
assert "error_rate" in found.to_dict() and "error_rate" in str(found.table())
from creche.pages.evaluation import evaluation_page
from creche.cli.output import print_page
import numpy as np
print_page(evaluation_page(found, "rows", np.arange(344)))
""")
    assert "toy error rate" in printed


def test_an_argument_of_train(copy: Copy) -> None:
    cell = row("an argument of `train`")
    assert re.findall(r"`(src/[^`]+)`", cell) == [
        "src/creche/plan/arguments.py", "src/creche/training/arguments.py", "src/creche/training/train.py",
    ]  # fmt: skip
    copy.insert(
        "plan/arguments.py",
        '    Argument("epochs", 100, "plan"',
        '    Argument("patience_of_penguins", 7, "plan", command=_option(\n'
        '        TRAINING, "Patience of a penguin.", int, "7",\n    )),\n',
    )
    copy.insert("training/arguments.py", "    epochs: int\n", "    patience_of_penguins: int\n")
    copy.insert("training/train.py", "    epochs: int = 100,\n", "    patience_of_penguins: int = 7,\n")
    printed = copy.run("""
import creche as cr
cr.train("penguins", label="species", hidden=[4], epochs=2, threads=1, patience_of_penguins=3)
from creche.plan.arguments import ARGUMENTS
assert ARGUMENTS["patience_of_penguins"].default == 7
from creche.cli.main import main
raise SystemExit(main(["train", "--help"]))
""")
    assert "--patience-of-penguins" in printed
    assert "Patience of a penguin." in printed


def test_a_command(copy: Copy) -> None:
    assert re.findall(r"`(src/[^`]+)`", row("a command")) == ["src/creche/cli/NAME.py", "src/creche/cli/main.py"]
    copy.write("cli/waddle.py", 'def waddle() -> None:\n    """Waddle across the ice."""\n    print("waddles")\n')
    copy.insert("cli/main.py", '    "fit", "train"', '    "waddle",\n')
    printed = copy.run("""
from creche.cli.main import main
main(["--help"])
raise SystemExit(main(["waddle", "--help"]))
""")
    assert "Waddle across the ice." in printed


@pytest.mark.parametrize(("what", "package"), [("an explanation", "explain"), ("a picture", "plots")])
def test_what_a_lazy_package_holds(what: str, package: str, copy: Copy) -> None:
    assert re.findall(r"`(src/[^`]+)`", row(what)) == [
        f"src/creche/{package}/NAME.py", f"src/creche/{package}/__init__.pyi"
    ]  # fmt: skip
    copy.write(f"{package}/waddle.py", "def waddle() -> str:\n    return 'waddles'\n")
    copy.insert(f"{package}/__init__.pyi", "\n__all__", f"from creche.{package}.waddle import waddle as waddle\n")
    assert copy.run(f"import creche as cr\nprint(cr.{package}.waddle())") == "waddles\n"


def test_a_role_of_columns(copy: Copy) -> None:
    files = re.findall(r"`(src/[^`]+)`", row("a role of columns and its encoder"))
    assert files == ["src/creche/table/encoders/NAME.py", "src/creche/table/roles.py"]
    copy.insert(
        "table/roles.py",
        '        RoleDefinition("identifier"',
        '        RoleDefinition("cyclic", "one input: the number", NumericEncoder, "number"),\n',
    )
    copy.run("""
import creche as cr
run = cr.train("penguins", label="species", hidden=[4], epochs=2, threads=1, schema={"body_mass_g": "cyclic"})
assert run.prepared.schema.roles["body_mass_g"] == "cyclic"
""")


def test_a_rule_of_the_diagnosis(copy: Copy) -> None:
    rules = "src/creche/explain/diagnosis/rules"
    assert re.findall(r"`(src/[^`]+)`", row("a rule of the diagnosis")) == [f"{rules}/NAME.py", f"{rules}/__init__.py"]
    copy.write(
        "explain/diagnosis/rules/waddle.py",
        "from creche.explain.diagnosis.findings import Symptom\n\n\ndef find_waddling(facts):\n"
        "    return Symptom('The penguins waddle', 'they do', 'it is their way', [])\n",
    )
    init = copy.package / "explain" / "diagnosis" / "rules" / "__init__.py"
    init.write_text(
        init.read_text() + "\nfrom creche.explain.diagnosis.rules.waddle import find_waddling\n"
        'RULES["waddling"] = find_waddling\n'
    )
    printed = copy.run("""
import creche as cr
run = cr.train("penguins", label="species", hidden=[4], epochs=2, threads=1)
print(cr.explain.diagnose(run, try_remedies=False))
""")
    assert "The penguins waddle" in printed
