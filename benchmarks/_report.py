"""The output of every benchmark: Markdown on standard output, and the same text in results/ with --save."""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from _compare import Spread, significant
from _machine import busy_share, describe_machine

ONE_THREAD = "Contenders use one thread unless their name says otherwise."
RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True)
class Options:
    quick: bool
    save: bool
    check: bool
    rounds: int
    tables: Path | None = None


def parse_options(description: str, rounds: int, takes_tables: bool = False) -> Options:
    """Parse the options that all benchmarks share; some also take a folder of tables."""
    parser = argparse.ArgumentParser(description=description.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="small jobs and two rounds, to check that everything runs")
    parser.add_argument("--save", action="store_true", help="also write the output to benchmarks/results/")
    parser.add_argument("--check", action="store_true", help="exit with 1 if a claim is not met")
    parser.add_argument("--rounds", type=int, help=f"measurements of each contender (default {rounds})")
    if takes_tables:
        parser.add_argument("--tables", type=Path, help="a folder with the tables, adult.csv and so on")
    arguments = parser.parse_args()
    tables = getattr(arguments, "tables", None)
    if tables is not None and not any(tables.glob("*.csv")):
        parser.error(f"--tables: {tables} holds no .csv file")
    n_rounds = arguments.rounds or (2 if arguments.quick else rounds)
    return Options(arguments.quick, arguments.save, arguments.check, n_rounds, tables)


class Report:
    """Print lines at once and keep a copy of them."""

    def __init__(self, title: str, options: Options) -> None:
        self.name = Path(sys.argv[0]).stem
        self.options = options
        self.lines: list[str] = []
        self.unmet = 0
        self.say(f"# {title}", "")
        self.say(*(f"- {fact}" for fact in describe_machine()))
        self.say(f"- {options.rounds} rounds, contenders in turns; each figure is a median (minimum–maximum)")
        self.say_load("start")
        if options.quick:
            self.say("- **Quick run: small jobs, few rounds. The figures are meaningless.**")

    def say(self, *lines: str) -> None:
        self.lines += lines
        print(*lines, sep="\n", flush=True)

    def say_load(self, when: str) -> None:
        """Print the load on the cores. Contenders are asleep when this is called, so that other processes cause it."""
        share = busy_share()
        self.say(f"- Load from other processes at the {when}: {share:.0%} of the cores' time{self._warning(share)}")

    @staticmethod
    def _warning(share: float) -> str:
        return ". **Not idle: this slows down threads that wait for each other most.**" if share > 0.05 else ""

    def section(self, title: str) -> None:
        self.say("", f"## {title}", "")

    def table(self, head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Print a Markdown table, readable as text; all columns but the first are right-aligned."""
        widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
        self.say(self._row(head, widths))
        self.say("|" + "|".join("-" * (width + 1) + ("-" if i == 0 else ":") for i, width in enumerate(widths)) + "|")
        for row in rows:
            self.say(self._row(row, widths))

    @staticmethod
    def _row(cells: Sequence[str], widths: Sequence[int]) -> str:
        aligned = [cells[0].ljust(widths[0])]
        aligned += [cell.rjust(width) for cell, width in zip(cells[1:], widths[1:], strict=True)]
        return "| " + " | ".join(aligned) + " |"

    def claim_ratio(self, text: str, ratio: Spread, at_least: float, possible: float | None = None) -> None:
        """Check the claim that a ratio is at least `at_least`; `possible` is the largest possible ratio."""
        met = ratio.median >= at_least
        bound = "" if possible is None else f"; at the multiply-add peak it would be {significant(possible)}"
        self._claim(f"{text}: {ratio.show()} times; claimed: at least {at_least:g}{bound}", met)

    def claim_below(self, text: str, value: Spread, below: float, unit: str = "") -> None:
        """Check the claim that a value is below a limit."""
        met = value.median < below
        self._claim(f"{text}: {value.show()}{unit}; claimed: under {significant(below)}{unit}", met)

    def claim_at_least(self, text: str, value: Spread, at_least: float, unit: str = "") -> None:
        """Check the claim that a value reaches a limit."""
        met = value.median >= at_least
        self._claim(f"{text}: {value.show()}{unit}; claimed: at least {significant(at_least)}{unit}", met)

    def _claim(self, text: str, met: bool) -> None:
        if self.options.quick:
            self.say(f"- {text} (not checked in quick runs)")
            return
        self.unmet += not met
        self.say(f"- {text}: {'met' if met else '**not met**'}")

    def finish(self) -> int:
        """Save the report if --save was given, and return the exit status."""
        self.say("")
        self.say_load("end")
        if self.options.save:
            RESULTS.mkdir(exist_ok=True)
            (RESULTS / f"{self.name}.md").write_text("\n".join(self.lines) + "\n")
        return 1 if self.options.check and self.unmet else 0
