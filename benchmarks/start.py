"""Start: the time of `import creche`, and of a whole command as a process, compared with scripts that do the same.

A process is timed from outside, from its start to its end, with its imports: the time a person waits.
"""

import subprocess
import sys
import tempfile
import time
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from statistics import median

from _compare import HERE, Spread, time_in_turns
from _report import Options, Report, parse_options

IMPORT_BELOW = 150.0  # ms beyond NumPy
PROCESS_RATIO = 4.0  # under a quarter of the peers' time

# A name is used after the import, so that lazy imports are counted.
IMPORTS = (
    "import creche",
    "import creche; creche.train",
    "import sklearn.neural_network",
    "import torch",
    "import jax",
)

# The job of all of them, passed to each.
SETTINGS = ["--hidden", "5,5", "--batch-size", "20", "--learning-rate", "0.01", "--epochs", "100"]
OWN_SETTINGS = ["--early-stopping", "off", "--keep", "last"]  # as the scripts do
CRECHE = "creche train penguins --label species"
REPORT, REPORT_BELOW = "creche report MODEL penguins", 3.0  # seconds
PICTURES, REPORT_RATIO = "scikit-learn and matplotlib script", 1.5


def main() -> int:
    options = parse_options(__doc__, rounds=15)
    report = Report("Start: importing, and a whole job as a process", options)
    imports = measure_imports(report, options)
    processes = measure_processes(report, options)
    reports = measure_report(report, options)
    report.section("Claims")
    for name in ("import creche", "import creche; creche.train"):
        report.claim_below(f"`{name}` beyond `import numpy`", Spread.of(imports[name]), IMPORT_BELOW, " ms")
    creche = processes.pop(CRECHE)
    for name, seconds in processes.items():
        ratio = Spread.of(slow / fast for slow, fast in zip(seconds, creche, strict=True))
        report.claim_ratio(f"{name} takes longer than `{CRECHE}` by", ratio, PROCESS_RATIO)
    own = reports.pop(REPORT)
    report.claim_below(f"`{REPORT}`", Spread.of(own), REPORT_BELOW, " s")
    for name, seconds in reports.items():
        ratio = Spread.of(slow / fast for slow, fast in zip(seconds, own, strict=True))
        report.claim_ratio(f"{name} takes longer than `{REPORT}` by", ratio, REPORT_RATIO)
    return report.finish()


def measure_imports(report: Report, options: Options) -> dict[str, list[float]]:
    """Print the table; return the milliseconds of each import, turn by turn, and none for a missing library."""
    report.section("Importing, in a new process that has already imported NumPy")
    found: dict[str, list[float]] = {name: [] for name in IMPORTS}
    for turn in range(options.rounds + 1):
        for name in IMPORTS:
            program = f"import numpy, time; t = time.perf_counter(); {name}; print(time.perf_counter() - t)"
            child = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
            if child.returncode == 0 and turn > 0:  # the first turn fills the disk's cache
                found[name].append(float(child.stdout) * 1e3)
    report.table(["import", "ms"], [[name, Spread.of(times).show()] for name, times in found.items() if times])
    for name, times in found.items():
        if not times:
            report.say(f"{name}: left out, not installed.")
    return found


def measure_processes(report: Report, options: Options) -> dict[str, list[float]]:
    """Print the table; return the seconds of each command, turn by turn."""
    report.section(f"Whole processes: read the penguins, train ({' '.join(SETTINGS)}), print the confusion matrix")
    with tempfile.TemporaryDirectory(prefix="creche-benchmark-") as folder:
        table = Path(folder) / "penguins.csv"
        write_penguins(table)
        peers = {"scikit-learn script": "penguins_scikit_learn.py", "PyTorch script": "penguins_torch.py"}
        commands = {CRECHE: [*creche_command(), *CRECHE.split()[1:], *SETTINGS, *OWN_SETTINGS]}
        for name, script in peers.items():
            commands[name] = [sys.executable, str(HERE / "peers" / script), str(table), *SETTINGS]
        seconds = time_in_turns(
            {name: partial(run_timed, command, folder) for name, command in commands.items()}, options.rounds
        )
    creche = median(seconds[CRECHE])
    report.table(
        ["process", "seconds", "times Creche"],
        [[name, Spread.of(times).show(), f"{median(times) / creche:.2f}"] for name, times in seconds.items()],
    )
    return seconds


def measure_report(report: Report, options: Options) -> dict[str, list[float]]:
    """Print the table; return the seconds of the report of a model, and of the script that draws as many pictures."""
    report.section("A report as a whole process: evaluate, explain and draw a network trained before on the penguins")
    script = str(HERE / "peers" / "penguins_pictures.py")
    with tempfile.TemporaryDirectory(prefix="creche-benchmark-") as folder:
        write_penguins(Path(folder) / "penguins.csv")
        run_timed([*creche_command(), *CRECHE.split()[1:], "-o", "penguins.creche"], folder)
        commands = {REPORT: [*creche_command(), "report", "penguins.creche", "penguins", "-o", "report.html"]}
        if find_spec("sklearn") is not None:
            pictures = [sys.executable, script, "penguins.csv", "pipeline"]
            run_timed([*pictures, "--train"], folder)
            commands[PICTURES] = pictures
        seconds = time_in_turns(
            {name: partial(run_timed, command, folder) for name, command in commands.items()}, options.rounds
        )
        counts = {REPORT: (Path(folder) / "report.html").read_text().count("<svg")}
        counts[PICTURES] = len(list(Path(folder).glob("*.svg")))
    own = median(seconds[REPORT])
    report.table(
        ["process", "pictures", "seconds", "times Creche"],
        [
            [name, str(counts[name]), Spread.of(times).show(), f"{median(times) / own:.2f}"]
            for name, times in seconds.items()
        ],
    )
    return seconds


def creche_command() -> list[str]:
    script = Path(sys.executable).with_name("creche")
    return [str(script)] if script.exists() else [sys.executable, "-m", "creche"]


def run_timed(command: list[str], folder: str) -> float:
    start = time.perf_counter()
    child = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    elapsed = time.perf_counter() - start
    if child.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{child.stderr[-2000:]}")
    return elapsed


def write_penguins(path: Path) -> None:
    import creche as cr

    cr.datasets.penguins().write_csv(path)


if __name__ == "__main__":
    raise SystemExit(main())
