"""Read randomly corrupted model files and report failures: python tools/fuzz_archive.py --seconds 60.

Each corrupted file is loaded, shown and used for predictions. It may raise nothing but a CrecheError, within seconds,
and loading may take no more memory than twice the size of the file and a constant. Files that fail are kept in
build/fuzz/, and the exit code is 1.
"""

from __future__ import annotations

import argparse
import gc
import io
import json
import multiprocessing
import signal
import sys
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.unit._system.mutations import mutated  # noqa: E402
from tests.unit.model.kept import model_files  # noqa: E402

import creche as cr  # noqa: E402
from creche.cli.output import print_page  # noqa: E402
from creche.pages.run import model_data, model_page  # noqa: E402

FAILURES = ROOT / "build" / "fuzz"
# Memory for a header of the largest allowed size and for the growth of the interpreter.
ALLOWANCE = 200 * 2**20
SECONDS_FOR_A_FILE = 10
FAILURE_LIMIT = 20


class TooSlowError(BaseException):
    """Derived from BaseException, so that the code under test does not catch it."""


@dataclass
class Tally:
    """The outcomes of all files."""

    tried: int = 0
    refused: int = 0
    unusable: int = 0
    accidents: Counter[str] = field(default_factory=Counter)
    peak_memory: int = 0
    slowest: float = 0.0
    failures: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        usable = self.tried - self.refused - self.unusable
        lines = [
            f"{self.tried:,} files tried: {self.refused:,} refused when loaded, {self.unusable:,} when used, "
            f"{usable:,} usable",
            f"peak memory beyond twice the file: {self.peak_memory / 2**20:,.1f} MiB; slowest: {self.slowest:.2f} s",
        ]
        lines += [
            f"refused by an unexpected error, {count} times: {what}" for what, count in self.accidents.most_common(15)
        ]
        return "\n".join([*lines, *self.failures, f"{len(self.failures)} failures"])


def try_file(path: Path, rows: Path, tally: Tally) -> None:
    """Load and use a file."""
    size = path.stat().st_size
    try:
        with peak_memory() as peak:
            model = cr.load(path, threads=1)
    except cr.CrecheError as error:
        tally.refused += 1
        if error.__cause__ is not None and not isinstance(error.__cause__, ValueError | OSError):
            tally.accidents[f"{type(error.__cause__).__name__}: {error.__cause__}"[:150]] += 1
        return
    finally:
        beyond = peak[0] - 2 * size
        tally.peak_memory = max(tally.peak_memory, beyond)
        if beyond > ALLOWANCE:
            raise MemoryError(f"{peak[0] / 2**20:,.0f} MiB for a file of {size / 2**20:,.1f} MiB")
    with redirect_stdout(io.StringIO()) as page:
        print_page(model_page(model))
    if not page.getvalue().replace("\n", "").isprintable():
        raise ValueError("the page contains control characters for the terminal")
    json.dumps(model_data(model), allow_nan=False)
    try:
        model.predict(rows)
        if model.classes is not None:
            model.predict_proba(rows)
    except cr.CrecheError:
        tally.unusable += 1


@contextmanager
def peak_memory() -> Iterator[list[int]]:
    """Measure the largest growth of the process's memory, in bytes."""
    out = [0]
    Path("/proc/self/clear_refs").write_text("5")  # resets the peak
    before = _status("VmRSS")
    try:
        yield out
    finally:
        out[0] = max(0, _status("VmHWM") - before)


def _status(name: str) -> int:
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith(name))


def stop_slow_file(*_: object) -> None:
    raise TooSlowError(f"takes longer than {SECONDS_FOR_A_FILE} s")


def fuzz(seconds: float, seed: int, file: Path, out: Any) -> None:
    """Try files until the time is over, and send the tally."""
    warnings.simplefilter("ignore")
    signal.signal(signal.SIGALRM, stop_slow_file)
    random, tally = Random(seed), Tally()
    originals = [(path.read_bytes(), path.with_suffix(".csv")) for path in model_files()]
    contents = [content for content, _ in originals]
    end = time.monotonic() + seconds
    while time.monotonic() < end and len(tally.failures) < FAILURE_LIMIT:
        content, rows = random.choice(originals)
        file.write_bytes(mutated(random, content, contents))
        begin = time.perf_counter()
        signal.alarm(SECONDS_FOR_A_FILE)
        try:
            try_file(file, rows, tally)
        except (Exception, TooSlowError) as error:
            kept = keep(file, len(tally.failures))
            where = traceback.extract_tb(error.__traceback__)[-1]
            tally.failures.append(
                f"{kept}: {type(error).__name__}: {str(error)[:200]} ({where.filename}:{where.lineno})"
            )
        finally:
            signal.alarm(0)
        tally.tried += 1
        tally.slowest = max(tally.slowest, time.perf_counter() - begin)
        if tally.tried % 500 == 0:
            gc.collect()
    out.send(tally)


def keep(file: Path, number: int) -> Path:
    FAILURES.mkdir(parents=True, exist_ok=True)
    kept = FAILURES / f"{number}.creche"
    kept.write_bytes(file.read_bytes())
    return kept


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with TemporaryDirectory() as folder:
        file = Path(folder) / "changed.creche"
        # In its own process, so that a crash is noticed and its file kept.
        receiver, sender = multiprocessing.Pipe(duplex=False)
        child = multiprocessing.get_context("fork").Process(
            target=fuzz, args=(options.seconds, options.seed, file, sender)
        )
        child.start()
        sender.close()
        try:
            tally = receiver.recv()
        except EOFError:
            child.join()
            print(f"{keep(file, 0)}: crashes the process (exit code {child.exitcode})")
            return 1
        child.join()
    print(tally)
    return 1 if tally.failures else 0


if __name__ == "__main__":
    sys.exit(main())
