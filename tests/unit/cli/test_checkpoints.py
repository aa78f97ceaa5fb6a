"""What the command line keeps: models, plans, checkpoints; and tables of every sort that it trains on."""

from __future__ import annotations

import json
import os
import signal
from contextlib import nullcontext
from importlib import import_module
from pathlib import Path

import pytest

import creche as cr
from tests.unit.cli.commands import QUICK, big_csv, main, process
from tests.unit.small_runs import PENGUINS_CSV

command = import_module("creche.cli.train")  # not the function of that name


def weights(path: Path) -> bytes:
    return b"".join(w.tobytes() + b.tobytes() for w, b in cr.load(path).weights)


def test_a_plan_is_saved_and_used(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plan, first, second, third = (tmp_path / name for name in ("p.toml", "1.creche", "2.creche", "3.creche"))
    options = ["--dropout", "0.1", "--column", "sex=ignore", "--weight-decay", "0.01", "--preprocessing", "robust"]
    assert main([*QUICK, *options, "--save-plan", str(plan), "-o", str(first)]) == 0
    assert main(["train", "penguins", "--plan", str(plan), "-o", str(second)]) == 0
    assert weights(first) == weights(second)
    assert main(["train", "penguins", "--plan", str(plan), "--seed", "5", "-o", str(third)]) == 0
    assert weights(first) != weights(third)
    assert cr.load(third).plan.seed == 5
    capsys.readouterr()


@pytest.mark.usefixtures("interruptible", "reports_often")
def test_a_run_stopped_by_ctrl_c_is_resumed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stopped: list[int] = []

    def press(run: cr.Run) -> None:
        if run.epoch > 0:
            stopped.append(run.epoch)
            signal.raise_signal(signal.SIGINT)

    arguments = [str(big_csv(tmp_path)), "--label", "y", "--epochs", "300", "--threads", "1", "--early-stopping", "off"]
    whole, again = tmp_path / "whole.creche", tmp_path / "again.creche"
    assert main(["train", *arguments, "-o", str(whole), "--json"]) == 0
    folder = tmp_path / "run"
    monkeypatch.setattr(command, "training_progress", lambda quiet: nullcontext(press))
    assert main(["train", *arguments, "--checkpoint", str(folder), "--checkpoint-every", "1000"]) == 130
    assert stopped[0] < 300
    assert max(path.name for path in folder.glob("epoch-*")).startswith(f"epoch-{stopped[0]:06}.")
    done = process("resume", str(folder), "-o", str(again), "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["status"] == "finished"
    assert weights(whole) == weights(again)


def test_leakage_is_caught(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The rows are copied before the split, as a well-known notebook does: it tests on what it was trained on."""
    lines = PENGUINS_CSV.read_text().splitlines()
    path = tmp_path / "copied.csv"
    path.write_text("\n".join([lines[0], *lines[1:] * 3]) + "\n")
    assert main(["train", str(path), "--label", "species", "--epochs", "2", "--json"]) == 0
    err = capsys.readouterr().err
    assert "stand in both" in err or "on both sides" in err or "leak" in err
    assert main(["train", str(path), "--label", "species", "--epochs", "2", "--duplicates", "drop", "--json"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["training_rows"] == 241
    assert "dropped 688 of 1,032 rows" in err


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "table.csv: is empty"),
        ("a,y\n", "has column names but no rows"),
        ("a,y\n1,u\n2\n", "line 3 has 1 cell, but there are 2 column names"),
        ("a,y\n1,u\n2,u\n3,u\n", "label 'y': has only one class ('u')"),
        ("a,y\n1,u\n2,\n3,v\n", "label 'y': row 2 is empty (1 of 3 rows are)"),
        ("b,y\n,u\n,v\n,u\n,v\n", "no column is left to learn from (b is empty in each row"),
        ("a,y\n1e999,u\n2,v\n3,u\n4,v\n", "row 1, column 'a' is inf"),
        ("a\0b,y\n1,2\n", "NUL byte"),
        ('a,y\n"1,u\n2,v\n', "is opened and never closed"),
        ("a,y\n" + "x" * 2000 + ",u\nb,v\nb,u\nb,v\n", "row 1, column 'a' holds 2,000 characters"),
        ("a,y\n" + "\n".join(f"{i * 1.5},name{i}" for i in range(60)), "label 'y'"),
    ],
    ids=lambda value: value[:20] if value else "empty",
)
def test_tables_that_cannot_be_trained_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, says: str
) -> None:
    path, model = tmp_path / "table.csv", tmp_path / "model.creche"
    path.write_bytes(text.encode())
    model.write_text("precious")
    assert main(["train", str(path), "--label", "y", "--epochs", "2", "-o", str(model)]) == 2
    out, err = capsys.readouterr()
    assert says in err
    assert (out, "Traceback" in err) == ("", False)
    assert model.read_text() == "precious"
    assert sorted(os.listdir(tmp_path)) == ["model.creche", "table.csv"]


def test_a_place_that_cannot_be_written_is_said_before_training(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*QUICK, "-o", "/nowhere/at/all.creche"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "/nowhere/at" in err


def test_standard_input() -> None:
    done = process("train", "-", "--label", "species", "--epochs", "3", "--json", given=PENGUINS_CSV.read_text())
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["training_rows"] == 241


needs_dev_full = pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a disk that is always full")
FULL = "creche: /dev/full: cannot be written: the disk is full; free some space, or write elsewhere"


@needs_dev_full
def test_what_was_trained_is_not_lost_on_a_full_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    folder = tmp_path / "run"
    assert main([*QUICK, "--checkpoint", str(folder), "-o", "/dev/full"]) == 2
    page, err = capsys.readouterr()
    assert "on 103 validation rows" in page
    assert err.startswith(FULL)
    spare = Path(err.rstrip().rpartition("For now, the model is in ")[2])
    assert spare.parent.parent == tmp_path
    assert cr.verify(spare, "penguins", threads=1).same
    ended = cr.load(spare).provenance
    assert main(["resume", str(folder), "-o", "/dev/full", "--json"]) == 2
    out, err = capsys.readouterr()
    assert ended is not None
    assert json.loads(out)["status"] == ended.status
    assert "For now, the model is in" in err


@needs_dev_full
def test_where_nothing_can_be_kept_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    spare = tmp_path / "spare"
    spare.mkdir()
    (spare / "full").symlink_to("/dev/full")
    monkeypatch.setattr("tempfile.mkdtemp", lambda prefix: str(spare))
    assert main([*QUICK, "-o", "/dev/full"]) == 2
    assert capsys.readouterr().err == FULL + "\n"


@needs_dev_full
@pytest.mark.parametrize("format", ["csv", "jsonl", "parquet", "arrow"])
def test_predictions_that_find_no_room(model_file: Path, capsys: pytest.CaptureFixture[str], format: str) -> None:
    assert main(["predict", str(model_file), "penguins", "-o", "/dev/full", "--output-format", format]) == 2
    assert capsys.readouterr().err == FULL + "\n"


def test_checkpoint_every_needs_a_folder(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*QUICK, "--checkpoint-every", "5"]) == 2
    assert "--checkpoint-every: needs a folder for the checkpoints" in capsys.readouterr().err
    assert main([*QUICK, "--resume"]) == 2
    assert "resume: there is no checkpoint to continue from" in capsys.readouterr().err


def test_classes_that_are_numbers_can_be_weighed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table, plan = big_csv(tmp_path), tmp_path / "plan.toml"
    arguments = ["train", str(table), "--label", "y", "--epochs", "2", "--threads", "1"]
    first, second = tmp_path / "first.creche", tmp_path / "second.creche"
    assert main([*arguments, "--class-weight", "0=1,1=3", "--save-plan", str(plan), "-o", str(first)]) == 0
    assert main(["train", str(table), "--plan", str(plan), "-o", str(second)]) == 0
    assert weights(first) == weights(second)
    with pytest.warns(cr.CrecheWarning, match="constant in the training rows"):
        expected = cr.train(table, label="y", epochs=2, threads=1, class_weight={0: 1, 1: 3}).model
    assert weights(first) == b"".join(w.tobytes() + b.tobytes() for w, b in expected.weights)
    capsys.readouterr()
