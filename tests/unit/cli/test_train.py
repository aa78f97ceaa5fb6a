from __future__ import annotations

import json
import signal
import subprocess
from pathlib import Path

import numpy as np
import pytest

import creche as cr
from creche.evaluation.metrics import metric_name
from tests.unit.cli.commands import (
    COMMAND,
    PENGUINS,
    QUICK,
    SECONDS_OF_A_HANG,
    big_csv,
    environment,
    main,
    process,
    wait_until,
)
from tests.unit.small_runs import MEASUREMENTS, quick

SAME_AS_QUICK = {"label": "species", "hidden": [5, 5], "activation": "tanh", "learning_rate": 0.01, "epochs": 40}


def test_the_page_has_the_facts(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(QUICK) == 0
    page, err = capsys.readouterr()
    run = quick(cr.datasets.penguins(), None, **SAME_AS_QUICK)
    assert run.prepared.validation is not None
    rows = run.prepared.validation.observations
    evaluation = run.model.evaluate_rows(rows)
    assert isinstance(evaluation, cr.ClassificationEvaluation)
    for fact in (
        "241 for training, 103 for validation", "species: Adelie, Chinstrap, Gentoo", "14-5-5-3, 123 parameters",
        "Adam, learning rate 0.01, batch size 32", f"{run.step} steps in ", "on 103 validation rows",
    ):  # fmt: skip
        assert fact in page
    lines = page.splitlines()
    for column in run.prepared.schema.columns:  # type: ignore[union-attr]
        shown = next(text.split() for text in lines if text.split()[:2] == [column.name, column.role])
        assert shown[2:4] == [str(column.missing), str(column.distinct)]
    for name, value in evaluation.metrics().items():
        low, high = evaluation.intervals[name]
        title = metric_name(name)
        shown = next(text.strip().removeprefix(title).split() for text in lines if text.strip().startswith(title))
        assert [f"{number:.4f}" for number in (value, low, high)] == [w for w in shown if w[0].isdigit()][:3]
    matrix = next(i for i, text in enumerate(lines) if "predicted →" in text) + 1
    for name, counts in zip(evaluation.classes, evaluation.confusion, strict=True):
        shown = next(text.split() for text in lines[matrix:] if text.split()[0] == name)
        assert [int(number) for number in shown[1:5]] == [*counts, counts.sum()]
    for mistake in evaluation.largest_errors():
        expected = [f"{rows.row_numbers[mistake.row]}", str(mistake.true), str(mistake.predicted)]
        assert any(text.split()[:4] == ["row", *expected] for text in lines)
    probabilities = run.model.predict_proba(rows.take(np.arange(1)).x)[0]
    assert f"Row {rows.row_numbers[0]} of the table, a validation row: island " in page
    for name, probability in zip(evaluation.classes, probabilities, strict=True):
        shown = next(text.split() for text in lines if text.split()[:1] == [name] and ("█" in text or "░" in text))
        assert shown[1] == f"{probability:.3f}"
        assert (shown[-2:] == ["true", "class"]) is (name == rows.y[0])
    assert err == ""


def test_the_epochs_shown_are_those_of_the_history(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(QUICK) == 0
    page = capsys.readouterr().out.splitlines()
    run = quick(cr.datasets.penguins(), None, **SAME_AS_QUICK)
    head = next(i for i, text in enumerate(page) if text.split()[:2] == ["epoch", "loss"])
    table = [text.split() for text in page[head + 1 : page.index("", head)]]
    assert [int(row[0]) for row in (table[0], table[-1])] == [1, run.epoch]
    for row in table:
        epoch = int(row[0]) - 1
        history = run.history
        expected = [history.train_loss, history.train_metric, history.validation_loss, history.validation_metric]
        assert row[1:5] == [f"{column[epoch]:.4f}" for column in expected]
        assert (row[5:] == ["best"]) is (epoch == history.best_epoch)


def test_json_has_the_same_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*QUICK, "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    run = quick(cr.datasets.penguins(), None, **SAME_AS_QUICK)
    assert run.prepared.validation is not None
    assert cr.Plan.from_dict(data["plan"]) == run.plan
    assert (data["status"], data["steps"], data["training_rows"]) == (run.status, run.step, 241)
    assert data["kept_epoch"] == run.kept_epoch < run.epoch
    assert data["features"] == ["island", *MEASUREMENTS, "sex"]
    assert (data["label"], data["evaluated_on"]) == ("species", "validation")
    assert data["history"]["train_loss"] == run.history.train_loss.tolist()
    assert data["history"]["validation_metric"] == run.history.validation_metric.tolist()
    evaluation = run.model.evaluate_rows(run.prepared.validation.observations)
    assert data["evaluation"] == json.loads(json.dumps(evaluation.to_dict()))
    assert data["schema"] == json.loads(json.dumps(run.prepared.schema.to_dict()))  # type: ignore[union-attr]


def test_numbers_to_predict(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = big_csv(tmp_path)
    arguments = ["train", str(path), "--label", "a", "--epochs", "2", "--threads", "1", "--validation-fraction", "0"]
    assert main(arguments) == 0
    page = capsys.readouterr().out
    assert "a: a number" in page
    assert "on 3,000 training rows" in page
    assert main([*arguments, "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["evaluated_on"] == "training"
    assert data["history"]["validation_loss"] == [None, None]
    assert f"{data['evaluation']['r2']:.4f}" in next(
        text for text in page.splitlines() if text.strip().startswith("R²")
    )


def test_quotes_that_are_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "pipes.csv"
    path.write_text("pipe,bent,y\n" + '"5,1,p\n6,2,q\n' * 10)
    arguments = ["train", str(path), "--label", "y", "--epochs", "1", "--threads", "1", "--validation-fraction", "0"]
    assert main(arguments) == 2
    assert "or --quote none if there are no quotes" in capsys.readouterr().err
    assert main([*arguments, "--quote", "none"]) == 0
    assert any(text.split()[:4] == ["pipe", "categorical", "0", "2"] for text in capsys.readouterr().out.splitlines())


def test_very_many_columns_are_cut(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "wide.csv"
    rows = np.random.default_rng(0).standard_normal((20, 130)).round(3)
    lines = [",".join([*(f"c{i}" for i in range(130)), "flag", "y"])]
    lines += [",".join([*map(str, row), "yes" if i % 3 else "no", "ab"[i % 2]]) for i, row in enumerate(rows.tolist())]
    path.write_text("\n".join(lines))
    assert main(["train", str(path), "--label", "y", "--epochs", "1", "--threads", "1"]) == 0
    table = [text.split() for text in capsys.readouterr().out.splitlines()]
    assert ["…", "31", "more"] in table
    assert ["numeric", "30", "columns"] in table
    assert ["boolean", "1", "column"] in table
    assert any(text[:2] == ["c99", "numeric"] for text in table)
    assert not any(text[:2] == ["c100", "numeric"] for text in table)


def test_a_table_of_hundreds_of_columns_is_summarized(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "wide.csv"
    rows = np.random.default_rng(0).standard_normal((20, 300)).round(3).astype(str)
    rows[[2, 5], 250] = ""
    lines = [",".join([*(f"c{i}" for i in range(300)), "y"])]
    lines += [",".join([*row, "ab"[i % 2]]) for i, row in enumerate(rows)]
    path.write_text("\n".join(lines))
    assert main(["train", str(path), "--label", "y", "--epochs", "1", "--threads", "1"]) == 0
    page = capsys.readouterr().out.splitlines()
    table = [text.split() for text in page]
    assert ["…", "280", "more"] in table
    assert ["numeric", "2", "280", "columns"] in table  # two values are missing
    assert any(text[:2] == ["c19", "numeric"] for text in table)
    assert not any(text[:2] == ["c20", "numeric"] for text in table)
    assert len(page) < 100


def test_no_epochs_and_no_hidden_layer(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*PENGUINS, "--epochs", "0", "--hidden", "none"]) == 0
    assert "14-3, 45 parameters" in capsys.readouterr().out


def test_stopping_early_is_reported(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """With the epoch it stopped after, the one it kept, and why."""
    monkeypatch.setenv("COLUMNS", "200")
    assert main([*PENGUINS, "--epochs", "2000", "--learning-rate", "0.05", "--early-stopping", "3"]) == 0
    run = cr.train("penguins", label="species", epochs=2000, learning_rate=0.05, early_stopping=3, threads=1)
    assert run.kept_epoch == run.epoch - 3
    assert_page_tells(capsys.readouterr().out, run, "validation loss")


def assert_page_tells(page: str, run: cr.Run, watched: str) -> None:
    if run.status == "early_stopped":
        assert f", stopped early after epoch {run.epoch} of {run.plan.epochs}\n" in page
    assert f"\nweights    of epoch {run.kept_epoch}, the best by {watched}\n" in page


def test_training_stops_early_by_default_and_can_be_told_not_to(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    assert main(PENGUINS) == 0
    assert_page_tells(capsys.readouterr().out, cr.train("penguins", label="species", threads=1), "validation loss")
    assert main([*PENGUINS, "--early-stopping", "off"]) == 0
    kept = cr.train("penguins", label="species", early_stopping=False, threads=1)
    assert kept.is_at_best
    assert_page_tells(capsys.readouterr().out, kept, "validation loss")
    assert main([*PENGUINS, "--early-stopping", "off", "--keep", "last", "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert (data["status"], data["kept_epoch"], data["plan"]["keep"]) == ("finished", 100, "last")
    assert main([*PENGUINS, "--early-stopping", "soon"]) == 2
    assert "--early-stopping: got 'soon'; needs a whole number of epochs" in capsys.readouterr().err


def test_any_metric_can_be_watched(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    assert main([*PENGUINS, "--watch", "balanced_accuracy", "--early-stopping", "5"]) == 0
    stopping = cr.EarlyStopping(5, watch="balanced_accuracy")
    run = cr.train("penguins", label="species", early_stopping=stopping, threads=1)
    assert_page_tells(capsys.readouterr().out, run, "validation balanced accuracy")
    assert main([*PENGUINS, "--watch", "acuracy"]) == 2
    assert "did you mean 'accuracy'?" in capsys.readouterr().err
    assert main([*PENGUINS, "--watch", "auc", "--early-stopping", "off"]) == 2
    assert "--watch: has no effect without early stopping" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (
            [*PENGUINS, "--hidden", "abc"],
            "creche: --hidden: got 'abc'; needs whole numbers separated by commas, such as",
        ),
        ([*PENGUINS, "--hidden", "5,0"], "got 0; needs a whole number of at least 1"),
        (
            [*PENGUINS, "--optimizer", "adma"],
            "creche: --optimizer: got 'adma'; did you mean 'adam'? Choose one of sgd, ",
        ),
        ([*PENGUINS, "--loss", "huber"], "huber"),
        ([*PENGUINS, "--activation", "rellu"], "did you mean 'relu'"),
        ([*PENGUINS, "--schedule", "cosin"], "did you mean 'cosine'"),
        ([*PENGUINS, "--epochs", "-1"], "--epochs: got -1; needs a whole number of at least 0"),
        ([*PENGUINS, "--epochs", "many"], "'many'"),
        ([*PENGUINS, "--batch-size", "0"], "--batch-size: got 0"),
        ([*PENGUINS, "--learning-rate", "-1"], "--learning-rate: got -1"),
        ([*PENGUINS, "--learning-rate", "nan"], "--learning-rate: got nan"),
        ([*PENGUINS, "--validation-fraction", "1"], "--validation-fraction: got 1"),
        ([*PENGUINS, "--threads", "0"], "threads: got 0"),
        ([*PENGUINS, "--seed", "-1"], "seed: got -1"),
        ([*PENGUINS, "--bogus"], "--bogus"),
        (["train", "penguins", "--label", "spices"], "has no column 'spices'; did you mean 'species'"),
        (["train", "penguins"], "--label"),
        (["train", "nowhere.csv", "--label", "y"], "creche: nowhere.csv: there is no such file"),
        (["trian"], "trian"),
    ],
    ids=lambda value: " ".join(value[-2:]) if isinstance(value, list) else "",
)
def test_wrong_calls_end_with_2_and_a_sentence(
    capsys: pytest.CaptureFixture[str], arguments: list[str], says: str
) -> None:
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert says in err
    assert "Traceback" not in err
    assert out == ""


def test_a_job_that_fails_ends_with_1() -> None:
    done = process(*PENGUINS, "--activation", "relu", "--optimizer", "sgd", "--learning-rate", "1e12")
    assert done.returncode == 1
    assert "creche: training diverged in epoch 1, batch " in done.stderr
    assert "with learning rate 1e+12" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("option", ["--help", "-h"])
def test_help(capsys: pytest.CaptureFixture[str], option: str) -> None:
    assert main([option]) == 0
    out = capsys.readouterr().out
    assert "train" in out
    assert "creche train penguins --label species" in out
    assert main(["train", option]) == 0
    out = capsys.readouterr().out
    for name in ("--label", "--hidden", "--optimizer", "--learning-rate", "--epochs", "--threads", "--json", "--seed"):
        assert name in out
    assert "TABLE is a file (CSV, Parquet, Arrow, JSON or Excel" in out


def test_a_command_mistyped_gets_the_nearest_one_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predcit"]) == 2
    assert capsys.readouterr().err == "creche: predcit: there is no such command; did you mean 'predict'?\n"


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"creche {cr.__version__}\n"


def test_as_a_process() -> None:
    done = process(*QUICK, "--json", command=COMMAND)
    assert done.returncode == 0
    assert json.loads(done.stdout)["evaluation"]["accuracy"] > 0.95
    assert done.stderr == ""
    page = process(*QUICK)
    assert page.returncode == 0
    assert "on 103 validation rows" in page.stdout
    assert "\x1b" not in page.stdout
    wrong = process(*PENGUINS, "--hidden", "abc", command=COMMAND)
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert process("--version", command=COMMAND).stdout == f"creche {cr.__version__}\n"


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("form", [[], ["--json"]], ids=["page", "json"])
def test_ctrl_c_shows_what_there_is_and_ends_with_130(tmp_path: Path, form: list[str]) -> None:
    arguments = ["train", str(big_csv(tmp_path)), "--label", "y", "--epochs", "1000000", "--threads", "1", *form]
    arguments += ["--checkpoint", str(tmp_path / "run"), "--checkpoint-every", "20"]
    child = subprocess.Popen(
        [*COMMAND, *arguments], env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert child.stderr is not None
        assert "constant in the training rows" in child.stderr.readline()
        wait_until(lambda: any((tmp_path / "run").glob("epoch-*[1-9]*.*")))  # epoch-000000 is there before it trains
        child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=SECONDS_OF_A_HANG)
    finally:
        child.kill()
        child.wait()
    assert child.returncode == 130
    assert "Traceback" not in err
    if form:
        data = json.loads(out)
        assert data["status"] == "interrupted"
        assert len(data["history"]["train_loss"]) >= 20
    else:
        assert ", interrupted" in out
        assert "on 900 validation rows" in out


@pytest.mark.parametrize(
    ("values", "note", "label"),
    [
        (
            [3, 4, 5, 6, 7, 8, 9],
            "label 'quality' is treated as a number, because its 7 different whole numbers lie close together, from 3 "
            "to 9; --task classification treats it as 7 classes",
            "quality: a number",
        ),
        (
            [1, 2, 3, 5, 6, 7],
            "label 'quality' is treated as 6 classes, because its values are numbered from 1 to 7; --task regression "
            "treats it as a number",
            "quality: 1, 2, 3, 5, 6, 7",
        ),
    ],
    ids=["number", "classes"],
)
def test_an_uncertain_task_is_on_the_page(
    values: list[int], note: str, label: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "wines.csv"
    rng = np.random.default_rng(0)
    path.write_text("a,quality\n" + "".join(f"{rng.standard_normal()},{v}\n" for v in values * 20))
    quick_run = ["train", str(path), "--label", "quality", "--epochs", "2", "--threads", "1"]
    assert main(quick_run) == 0
    page, err = capsys.readouterr()
    shown = " ".join(page.split())
    assert f"label {label}" in shown
    assert f"task {note}" in shown
    assert f"creche: {note}\n" in err
    assert main([*quick_run, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["task"] == found["plan"]["task"]
    assert found["task_note"].startswith("label 'quality' is treated as ")
    for task in ("classification", "regression"):
        assert main([*quick_run, "--task", task]) == 0
        page, err = capsys.readouterr()
        assert ("learnt as" in page, "learnt as" in err) == (False, False)


def test_predictions_of_classes_written_as_floats(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table, model, out = (tmp_path / name for name in ("table.csv", "m.creche", "out.csv"))
    rng = np.random.default_rng(0)
    table.write_text("a,survived\n" + "".join(f"{x},{float(x > 0)}\n" for x in rng.standard_normal(80)))
    assert main(["train", str(table), "--label", "survived", "--epochs", "2", "-o", str(model)]) == 0
    assert "survived: 0, 1" in capsys.readouterr().out
    assert main(["predict", str(model), str(table), "-o", str(out)]) == 0
    header, first, *_ = out.read_text().splitlines()
    assert header == "a,survived,predicted_survived,probability_0,probability_1"
    assert first.split(",")[2] in ("0", "1")
    assert main(["evaluate", str(model), str(table)]) == 0
