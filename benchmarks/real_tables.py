"""Real tables on the command line: train, evaluate, predict and verify as whole processes, from file to file.

The bundled penguins, and every table of TABLES that is in the folder given by --tables.
"""

import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass

from _compare import Spread
from _report import Options, Report, parse_options


@dataclass(frozen=True)
class Task:
    """A table and its label."""

    table: str
    label: str
    options: tuple[str, ...] = ()


TABLES = (
    Task("penguins", "species"),
    Task("iris.csv", "species"),
    Task("wine.csv", "WineVariety"),
    Task("breast_cancer.csv", "diagnosis"),
    Task("german_credit.csv", "credit_risk"),
    Task("phoneme.csv", "label"),
    Task("adult.csv", "income"),
    Task("abalone.csv", "Rings", ("--task", "regression")),
    Task("daily_bike_share.csv", "rentals", ("--task", "regression")),
)
TRAINING = ("--test-fraction", "0.2", "--validation-fraction", "0.2", "--early-stopping", "15", "--epochs", "200")


def main() -> int:
    options = parse_options(__doc__, rounds=3, takes_tables=True)
    report = Report("Real tables: from file to file by the command line", options)
    if options.tables is None:
        report.say("- No folder of tables was given (--tables): the bundled table only")
    report.section("Seconds of whole processes, and metrics on the test rows")
    rows = [measure_task(task, options) for task in TABLES if is_available(task, options)]
    head = ["table", "rows", "inputs", "train, s", "predict, s", "verify, s", "metric", "test", "baseline", "same bits"]
    report.table(head, rows)
    return report.finish()


def is_available(task: Task, options: Options) -> bool:
    return task.table == "penguins" or (options.tables is not None and (options.tables / task.table).is_file())


def measure_task(task: Task, options: Options) -> list[str]:
    table = task.table if task.table == "penguins" else str((options.tables / task.table).absolute())
    training = (*TRAINING[:-1], "3") if options.quick else TRAINING
    train_s, predict_s, verify_s = [], [], []
    with tempfile.TemporaryDirectory() as folder:
        model, out = f"{folder}/model.creche", f"{folder}/predictions.csv"
        for _ in range(options.rounds):
            command = ["train", table, "--label", task.label, *task.options, *training, "-o", model, "--json"]
            seconds, page = run_command(command)
            train_s.append(seconds)
            predict_s.append(run_command(["predict", model, table, "-o", out])[0])
            seconds, verified = run_command(["verify", model, table, "--json"])
            verify_s.append(seconds)
        with open(out, encoding="utf-8") as file:
            lines = sum(1 for _ in file) - 1
    facts, verdict = json.loads(page), json.loads(verified)
    metric = "accuracy" if "accuracy" in facts["evaluation"] else "rmse"
    return [
        task.table.removesuffix(".csv"),
        f"{lines:,}",
        str(facts["plan"]["network"]["inputs"]),
        Spread.of(train_s).show(),
        Spread.of(predict_s).show(),
        Spread.of(verify_s).show(),
        metric,
        f"{facts['evaluation'][metric]:.4g}",
        f"{facts['evaluation']['baseline'][metric]:.4g}",
        "yes" if verdict["same"] else "**no**",
    ]


def run_command(arguments: list[str]) -> tuple[float, str]:
    begin = time.perf_counter()
    done = subprocess.run([sys.executable, "-m", "creche", *arguments], capture_output=True, text=True)
    seconds = time.perf_counter() - begin
    if done.returncode:
        raise SystemExit(f"creche {' '.join(arguments)} ended with {done.returncode}: {done.stderr}")
    return seconds, done.stdout


if __name__ == "__main__":
    raise SystemExit(main())
