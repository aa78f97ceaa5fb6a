"""Commands that use a model: predict, evaluate, show, verify."""

from __future__ import annotations

import gc
import gzip
import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import creche as cr
from tests.unit.cli.commands import COMMAND, environment, main, process
from tests.unit.small_runs import PENGUINS_CSV


def test_predict_to_a_file(model_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out.parquet"
    assert main(["predict", str(model_file), str(PENGUINS_CSV), "-o", str(out), "--keep", "island,sex"]) == 0
    assert capsys.readouterr() == ("", "")
    found = pl.read_parquet(out)
    assert found.columns[:3] == ["island", "sex", "predicted_species"]
    expected = cr.load(model_file).predict_proba("penguins")
    np.testing.assert_allclose(found[:, 3:].to_numpy(), expected, rtol=1e-6)


def test_predict_from_a_pipe_to_a_pipe(model_file: Path) -> None:
    text = PENGUINS_CSV.read_text().replace("island", "Island")
    wrong = process("predict", str(model_file), "-", given=text)
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert "standard input has no column 'island'; did you mean 'Island'" in wrong.stderr
    done = process("predict", str(model_file), "-", "--keep", "none", given=PENGUINS_CSV.read_text())
    assert (done.returncode, done.stderr) == (0, "")
    assert pl.read_csv(io.StringIO(done.stdout)).shape == (344, 4)


def test_held_out_rows_are_not_called_training_rows(
    model_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = cr.train("penguins", label="species", epochs=1, threads=1)
    assert run.prepared.validation is not None
    numbers = run.prepared.validation.observations.row_indices.tolist()
    cr.datasets.penguins()[numbers].write_csv(tmp_path / "held_out.csv")
    assert main(["evaluate", str(model_file), str(tmp_path / "held_out.csv")]) == 0
    assert "training rows, so" not in capsys.readouterr().out
    assert main(["evaluate", str(model_file), str(tmp_path / "held_out.csv"), "--json", "--n-resamples", "0"]) == 0
    assert "training_rows" not in json.loads(capsys.readouterr().out)


def test_predict_reports_columns_that_the_model_does_not_use(
    model_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "new.csv.gz"
    path.write_bytes(gzip.compress(cr.datasets.penguins().with_columns(note=pl.lit("007")).write_csv().encode()))
    assert main(["predict", str(model_file), str(path), "-o", str(tmp_path / "out.csv")]) == 0
    assert capsys.readouterr().err == "creche: ignored columns that the model was not trained on: note\n"
    assert (tmp_path / "out.csv").read_text().splitlines()[1].split(",")[7] == "007"


def test_evaluate(model_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", str(model_file), "penguins"]) == 0
    page = capsys.readouterr().out
    expected = cr.load(model_file).evaluate("penguins")
    assert isinstance(expected, cr.ClassificationEvaluation)
    assert "on 344 rows" in page
    low, high = expected.intervals["accuracy"]
    assert f"{expected.accuracy:.4f}" in page
    assert f"{low:.4f} to {high:.4f}" in page
    assert "241 of these 344 rows were training rows, so these numbers are too optimistic" in page
    assert main(["evaluate", str(model_file), "penguins", "--json", "--n-resamples", "0"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["accuracy"] == expected.accuracy
    assert data["intervals"] == {}


def test_evaluate_with_the_cheapest_threshold(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    frame = cr.datasets.penguins().drop_nulls("sex")
    frame.write_csv(tmp_path / "birds.csv")
    model = cr.train(frame, label="sex", hidden=[5], epochs=10, threads=1).model
    model.save(tmp_path / "sex.creche")
    arguments = ["evaluate", str(tmp_path / "sex.creche"), str(tmp_path / "birds.csv")]
    assert main([*arguments, "--cost-false-positive", "1", "--cost-false-negative", "5", "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    chosen = model.choose_threshold(frame, costs=(1, 5))
    assert data["chosen_threshold"]["threshold"] == data["threshold"] == chosen.threshold
    assert main([*arguments, "--choose-threshold", "f1"]) == 0
    assert " for male, chosen by f1: " in capsys.readouterr().out
    assert main([*arguments, "--cost-false-positive", "1"]) == 2
    assert "--cost-false-negative: is missing" in capsys.readouterr().err
    assert main([*arguments, "--choose-threshold", "f1", "--threshold", "0.3"]) == 2
    assert "--threshold: cannot be combined with options that choose a threshold" in capsys.readouterr().err


def describe_training(model_file: Path) -> str:
    origin = cr.load(model_file).provenance
    assert origin is not None
    assert origin.kept_epoch is not None
    assert origin.kept_epoch < len(origin.history) < 40
    return (
        f"{len(origin.history)} of 40 epochs, {8 * len(origin.history)} steps, early stopped, weights of epoch "
        f"{origin.kept_epoch}"
    )


def test_show(model_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", str(model_file)]) == 0
    page = capsys.readouterr().out
    for fact in (
        "species: Adelie, Chinstrap, Gentoo", "14-5-5-3, 123 parameters", "241 for training, 103 for validation",
        describe_training(model_file), "bill_length_mm", "accuracy",
    ):  # fmt: skip
        assert fact in page
    assert main(["show", str(model_file), "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["parameters"] == 123
    assert main(["show", str(model_file), "--save-plan", str(tmp_path / "plan.toml")]) == 0
    capsys.readouterr()
    again = tmp_path / "again.creche"
    assert main(["train", "penguins", "--plan", str(tmp_path / "plan.toml"), "-o", str(again), "--json"]) == 0
    weights = [cr.load(path).weights[0][0].tobytes() for path in (model_file, again)]
    assert weights[0] == weights[1]


def test_show_tells_how_columns_become_inputs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(tmp_path / "model.creche")
    assert (
        main(["train", "penguins", "--label", "species", "--preprocessing", "RealMLP", "--epochs", "2", "-o", path])
        == 0
    )
    expected = "preprocessing  robust scaling, smooth clip, two categories as -1 and 1"
    assert expected in capsys.readouterr().out
    assert main(["show", path]) == 0
    assert expected in capsys.readouterr().out


def test_verify(model_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", str(model_file), "penguins"]) == 0
    assert capsys.readouterr().out.startswith("verified: training again gives the same weights, bit for bit")
    changed = tmp_path / "changed.csv"
    changed.write_text(PENGUINS_CSV.read_text().replace("39.1,", "39.2,", 1))
    assert main(["verify", str(model_file), str(changed)]) == 1
    assert "column 'bill_length_mm' has different values" in capsys.readouterr().out
    assert main(["verify", str(model_file), str(changed), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["data_same"] is False


@pytest.mark.parametrize("command", ["predict", "evaluate", "show", "verify"])
def test_what_is_no_model_is_refused(command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "model.creche"
    path.write_text("species,island\n")
    tables = [] if command == "show" else ["penguins"]
    assert main([command, str(path), *tables]) == 2
    out, err = capsys.readouterr()
    assert "is not a model" in err or "no Creche" in err
    assert (out, "Traceback" in err) == ("", False)
    assert main([command, str(tmp_path / "nowhere.creche"), *tables]) == 2
    assert "nowhere.creche" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["train", "predict", "evaluate", "show", "resume", "verify"])
def test_help_teaches_by_example(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command, "--help"]) == 0
    assert f"creche {command} " in capsys.readouterr().out.replace("creche predict", "creche predict")


@pytest.mark.parametrize("command", [["predict", "MODEL", "TABLE"], ["show", "MODEL"]])
def test_a_closed_pipe_gets_no_message(model_file: Path, tmp_path: Path, command: list[str]) -> None:
    table = tmp_path / "many.csv"
    lines = PENGUINS_CSV.read_text().splitlines()
    table.write_text("\n".join([lines[0], *lines[1:] * 100]) + "\n")
    arguments = [{"MODEL": str(model_file), "TABLE": str(table)}.get(word, word) for word in command]
    with subprocess.Popen(
        [*COMMAND, *arguments], env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0
    ) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        child.stdout.close()
        assert child.stderr.read() == b""
        child.wait(60)
    assert child.returncode == 1


COMPLETIONS = {
    "creche ver": {"verify"},
    "creche train --opt": {"--optimizer"},
    "creche train --optimizer ada": {"adagrad", "adadelta", "adam", "adamw"},
    "creche train --preprocessing q": {"quantile"},
    "creche train --duplicates to": {"together"},
    "creche predict --output-format p": {"parquet"},
    "creche evaluate --choose-threshold f": {"f1"},
}


def complete(typed: str, program: str) -> str:
    """What the shell is told after a person has typed this; the program prints it in a process of its own."""
    asked = {"_CRECHE_COMPLETE": "complete_bash", "COMP_WORDS": typed, "COMP_CWORD": str(len(typed.split(" ")) - 1)}
    done = subprocess.run(
        [sys.executable, "-c", program, *COMPLETIONS], env=environment() | asked, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_shell_completes_a_command() -> None:
    printed = complete("creche ver", "import sys; from creche.cli.main import main; sys.exit(main([]))")
    assert set(printed.split()) == COMPLETIONS["creche ver"]


def test_the_shell_completes_commands_options_and_words() -> None:
    program = """
import os, sys
from creche.cli.main import main
for typed in sys.argv[1:]:
    os.environ.update(COMP_WORDS=typed, COMP_CWORD=str(len(typed.split(" ")) - 1))
    main([])
    print("<end>", flush=True)
"""
    *printed, rest = complete("", program).split("<end>\n")
    assert rest == ""
    assert [set(words.split()) for words in printed] == list(COMPLETIONS.values())


@pytest.mark.parametrize("flags", [["--choose-threshold", "f1"], ["--cost-false-positive", "1"]])
def test_no_threshold_for_three_classes(model_file: Path, capsys: pytest.CaptureFixture[str], flags: list[str]) -> None:
    costs = ["--cost-false-negative", "2"] if "positive" in flags[0] else []
    assert main(["evaluate", str(model_file), "penguins", *flags, *costs]) == 2
    assert f"creche: {flags[0]}: this model has 3 classes; " in capsys.readouterr().err


@pytest.mark.parametrize("command", ["train", "fit", "sweep", "find-learning-rate", "compare", "learn"])
def test_a_forgotten_label_lists_the_columns(command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "new.csv").write_text("age;income\n" + "".join(f"{i};{i % 2}\n" for i in range(20)))
    assert main([command, str(tmp_path / "new.csv"), "--separator", ";"]) == 2
    expected = "creche: --label: is missing; name the column to predict: choose one of age, income\n"
    assert capsys.readouterr().err == expected
    assert main([command, str(tmp_path / "none.csv")]) == 2
    assert "there is no such file" in capsys.readouterr().err
    assert main([command, "-"]) == 2
    assert "is missing; name the column to predict, such as --label species" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["glossary"], ["show", "no-such-file.creche"]])
def test_a_command_leaves_the_garbage_collector_as_it_was(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    before = gc.get_threshold()
    main(arguments)
    assert gc.get_threshold() == before
