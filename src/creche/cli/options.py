"""The options of the command line, as data: those of `creche.train` from the table of arguments, and the others."""

from __future__ import annotations

import csv
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer

from creche._system.output_files import EVENT_FILES, Input, Output
from creche.errors import PlanError
from creche.plan.arguments import ARGUMENTS, FILES, NETWORK, ROWS, TABLE, TRAINING, Group

__all__ = [
    "CLUSTER",
    "COLUMNS",
    "DATABASE",
    "DEVICE",
    "DROP_UNLABELLED",
    "FILES",
    "JSON",
    "LAYOUT",
    "NETWORK",
    "NO",
    "PREDICTING_CLUSTER",
    "PREDICTING_DEVICE",
    "READING",
    "REFIT",
    "ROWS",
    "TABLE",
    "TENSORBOARD",
    "THREADS",
    "TRAINING",
    "YES",
    "Option",
    "create_read_options",
    "import_object",
    "option_of",
    "options_of",
    "parse_arguments",
    "parse_patience",
    "parse_row_order",
    "parse_words",
    "with_options",
]

YES, NO = ("yes", "true"), ("no", "false")

# Where the words of an option that is not an argument of `creche.train` are listed: imported when a shell asks for
# them.
WORDS = {
    "effort": "creche.plan.words:EFFORTS",
    "metric": "creche.evaluation.metrics:METRICS",
    "choose_threshold": "creche.evaluation.threshold:THRESHOLD_METRICS",
    "format": "creche.table.reading.options:FORMATS",
    "output_format": "creche.table.reading.options:OUTPUT_FORMATS",
    "picture_format": "creche.plots.save:FORMATS",
    "table_format": "creche.table.reading.options:FORMATS",
}


@dataclass(frozen=True, slots=True)
class Option:
    """An option of the command line.

    Attributes
    ----------
    name : str
        The parameter; ``learning_rate`` is typed ``--learning-rate``.
    kind : type
        The type of its value. What is typed is text if there is a parser from text to a number.
    panel, help : str
        The heading it appears under, and its line there.
    default : str
        What the help shows as the default; empty for nothing.
    typed : str
        How it is typed, if not by its name.
    parse : callable, optional
        Turns what was typed into the argument's value.
    words : str
        Where the words lie that a shell may complete, as ``module:name``.
    metavar : str
        What the help shows for its value, if not its type.
    file : Input or Output, optional
        What it is if it names a file; required for a path.

    """

    name: str
    kind: Any
    panel: str
    help: str
    default: str = ""
    typed: str = ""
    parse: Callable[[Any], Any] | None = None
    words: str = ""
    metavar: str = ""
    file: Input | Output | None = None

    @property
    def flag(self) -> str:
        """How it is typed: ``--learning-rate``."""
        return self.typed.split()[0].partition("/")[0] if self.typed else f"--{self.name.replace('_', '-')}"

    @property
    def can_be_denied(self) -> bool:
        """Whether it has two forms, such as ``--header`` and ``--no-header``."""
        return "/" in self.typed

    @property
    def parameter(self) -> inspect.Parameter:
        """The parameter that Typer understands; None is the default, so that one can tell whether it was typed."""
        repeated, words = self.kind is list, self.words or WORDS.get(self.name, "")
        option = typer.Option(
            *(self.typed.split() or [self.flag]), help=self.help, show_default=self.default or False,
            rich_help_panel=self.panel, metavar=self.metavar or None,
            autocompletion=_completion(words) if words else None,
        )  # fmt: skip
        is_text = self.parse is not None and self.kind in (int, float)
        kind = list[str] if repeated else str if is_text else self.kind
        default: Any = False if self.kind is bool and not self.can_be_denied else None
        return inspect.Parameter(
            self.name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[kind | None, option, self]
        )


def _completion(words: str) -> Callable[[str], list[str]]:
    """Return the function that a shell's completion calls with the beginning of a word."""

    def complete(incomplete: str) -> list[str]:
        listed = import_object(words)
        return [word for word in getattr(listed, "words", listed) if word.startswith(incomplete)]

    return complete


def import_object(path: str) -> Any:
    """Return what lies at ``module:name``."""
    module, name = path.split(":")
    return getattr(import_module(module), name)


def option_of(name: str) -> Option:
    """Return the option for an argument of `creche.train`."""
    command = ARGUMENTS[name].command
    assert command is not None
    parse = import_object(command.parser) if command.parser else None
    return Option(
        name, command.kind, command.panel, command.help, command.default, command.flag, parse, command.words,
        command.metavar, command.file,
    )  # fmt: skip


def options_of(*groups: Group, without: tuple[str, ...] = ()) -> tuple[Option, ...]:
    """Return the options for the arguments in these groups, in the order of the table."""
    return tuple(
        option_of(argument.name)
        for argument in ARGUMENTS.values()
        if argument.group in groups and argument.command is not None and argument.name not in without
    )


def with_options(*options: Option) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give these options to a command, a function of its arguments and ``**given``."""

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        own = [p for p in inspect.signature(command, eval_str=True).parameters.values() if p.kind is not p.VAR_KEYWORD]
        parameters = [*own, *(option.parameter for option in options)]
        command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        command.__annotations__ = {p.name: p.annotation for p in parameters}
        return command

    return decorate


def parse_arguments(options: tuple[Option, ...], given: dict[str, Any]) -> dict[str, Any]:
    """Return the value of each option that was typed, by name."""
    found = {}
    for option in options:
        value = given.get(option.name)
        if value is not None and value != [] and (value is not False or option.can_be_denied):
            found[option.name] = option.parse(value) if option.parse else value
    return found


def parse_widths(text: str) -> list[int]:
    """Parse ``10,10`` as a list of widths, and ``none`` as an empty one."""
    if text.strip().lower() in ("none", ""):
        return []
    try:
        return [int(width) for width in text.split(",")]
    except ValueError:
        raise PlanError(
            f"--hidden: got {text!r}; needs whole numbers separated by commas, such as 10,10", argument="hidden"
        ) from None


def parse_words(text: str) -> str | list[str]:
    """Parse one word, or several separated by commas."""
    parts = [part.strip() for part in text.split(",")]
    return parts[0] if len(parts) == 1 else parts


def parse_shares(text: str) -> float | list[float]:
    """Parse one number, or several separated by commas."""
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        raise PlanError(
            f"--dropout: got {text!r}; needs a number, or several separated by commas", argument="dropout"
        ) from None
    return numbers[0] if len(numbers) == 1 else numbers


def parse_quantiles(text: str) -> list[float]:
    """Parse numbers separated by commas."""
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise PlanError(
            f"--quantiles: got {text!r}; needs numbers above 0 and below 1, separated by commas, such as 0.05,0.5,0.95",
            argument="quantiles",
        ) from None


def parse_roles(given: list[str]) -> dict[str, str]:
    """Parse ``name=role`` of each."""
    found = {}
    for text in given:
        name, equals, role = text.rpartition("=")
        if not equals or not name:
            raise PlanError(
                f"--column: got {text!r}; needs a column and its role, such as body_mass_g=numeric", argument="schema"
            )
        found[name] = role
    return found


def parse_class_weight(text: str) -> Any:
    """Parse ``balanced``, or ``Adelie=2,Gentoo=1`` as a dict from class to weight."""
    if text.strip().lower() == "balanced":
        return "balanced"
    found: dict[Any, float] = {}
    for part in text.split(","):
        name, equals, weight = part.strip().rpartition("=")
        try:
            found[name] = float(weight)
        except ValueError:
            equals = ""
        if not equals or not name:
            raise PlanError(
                f"--class-weight: got {part!r}; needs 'balanced', or weights such as Adelie=2,Gentoo=1",
                argument="class_weight",
            )
    return found


def parse_classes(text: str) -> list[str] | list[list[str]]:
    """Parse ``Adelie,Gentoo`` as a list of classes, and ``0=Adelie,1=Gentoo`` as pairs of a value and its name."""
    parts = [part.strip() for part in next(csv.reader([text], skipinitialspace=True), [])]
    if not any(parts):
        raise PlanError(
            "--classes: got none; needs the classes, separated by commas, or a name for each value, such as "
            "0=Adelie,1=Gentoo",
            argument="classes",
        )
    pairs = [part.partition("=") for part in parts]
    if not any(equals for _, equals, _ in pairs):
        return parts
    unnamed = next((value for value, equals, name in pairs if not equals or not name.strip()), None)
    if unnamed is not None:
        raise PlanError(
            f"--classes: got {unnamed!r} without a name; name all classes, such as 0=Adelie,1=Gentoo, or none",
            argument="classes",
        )
    return [[value.strip(), name.strip()] for value, _, name in pairs]


def parse_patience(text: str) -> int | bool:
    """Parse a number of epochs, or ``off``."""
    if text.strip().lower() in ("off", "no", "never", "false"):
        return False
    try:
        return int(text)
    except ValueError:
        raise PlanError(
            f"--early-stopping: got {text!r}; needs a whole number of epochs without improvement, such as 20, or 'off'",
            argument="early_stopping",
        ) from None


def parse_row_order(text: str) -> bool | str:
    """Parse ``yes``, ``no`` or ``windows``, with numbers perhaps."""
    word = text.strip().lower()
    return word in YES if word in YES + NO else text


def parse_separator(text: str) -> str:
    """Parse a character, or the word tab."""
    return {"tab": "\t", "\\t": "\t"}.get(text, text)


def parse_names(text: str) -> list[str]:
    """Parse names separated by commas, also between quotes."""
    return next(csv.reader([text], skipinitialspace=True))


def parse_rows(given: list[str]) -> list[int]:
    """Parse the numbers of rows."""
    try:
        return [int(number) for number in given]
    except ValueError:
        raise PlanError(
            f"--drop-row: got {', '.join(given)}; needs numbers of rows, such as 401, or -1 for the last",
            argument="drop_rows",
        ) from None


def parse_quote(text: str) -> str:
    """Parse a character, or the word none."""
    return "" if text == "none" else text


THREADS = option_of("threads")
DEVICE = option_of("device")
CLUSTER = option_of("cluster")
PREDICTING_CLUSTER = Option(
    "cluster", str, TRAINING, "Cluster of Ray that predicts: auto, or the address of its head, host:port or "
                              "ray://host:port.",
)  # fmt: skip
PREDICTING_DEVICE = Option(
    "predicting_device", str, TRAINING, "Device that predicts: cpu, cuda, cuda:1 or mps.", "cpu", "--device",
    words="creche.plan.words:DEVICES",
)  # fmt: skip
TENSORBOARD = Option(
    "tensorboard", Path, FILES, "Write losses and metrics of each epoch to this folder for TensorBoard, also while it "
                                "trains: runs/first.",
    file=Output("TensorBoard folder", patterns=EVENT_FILES),
)  # fmt: skip
JSON = Option("as_json", bool, FILES, "Print the result as JSON.", typed="--json")
DROP_UNLABELLED = Option("drop_unlabelled", bool, TABLE, "Drop rows without a label.")
COLUMNS = option_of("schema")
REFIT = Option(
    "refit",
    bool,
    ROWS,
    "With --folds and -o: keep one network, trained on all rows for the median of the folds' epochs, rather than the "
    "ensemble of the folds' networks.",
)
DATABASE = (
    Option("database_table", str, TABLE, "Table of a database, or schema.name.", typed="--table", metavar="NAME"),
    Option("database_query", str, TABLE, "Query whose rows are read from a database.", typed="--query", metavar="SQL"),
    Option(
        "database_order", str, TABLE, "Columns that order the rows of --table, separated by commas.",
        "the primary key", "--order-by", parse=parse_names, metavar="NAMES",
    ),
)  # fmt: skip
LAYOUT = (
    Option("format", str, TABLE, "Format of the file: csv, parquet, arrow, jsonl, json or excel.", "by content"),
    Option(
        "separator", str, TABLE, "Character between the cells of a CSV file: ',', ';', tab, …", "detected",
        parse=parse_separator,
    ),
    Option(
        "quote", str, TABLE, "Character around cells of a CSV file that hold separators; 'none' for none.", "detected",
        parse=parse_quote,
    ),
    Option("text_encoding", str, TABLE, "Text encoding of a CSV file: utf-8, latin-1, …", "detected"),
    Option(
        "decimal_comma", bool, TABLE, "Read numbers as 1.234,5, or as 1,234.5.", "detected",
        typed="--decimal-comma/--no-decimal-comma",
    ),
    Option(
        "day_first", bool, TABLE, "Read 3/4/2020 as 3 April, or as 4 March.", "detected",
        typed="--day-first/--no-day-first",
    ),
    Option("sheet", str, TABLE, "Sheet of an Excel file: its name, or its number from 1.", "the first with data"),
    Option("missing_values", list, TABLE, "A word or number that stands for a missing value, in addition to the usual "
                                          "ones.",
           typed="--missing", metavar="WORD"),
    Option("default_missing", bool, TABLE, "Read NA, null, None, ? and the like as missing values, or as words.", "yes",
           typed="--default-missing/--no-default-missing"),
    Option("header", bool, TABLE, "Read the first line as column names, or as a row.", "detected",
           typed="--header/--no-header"),
    Option("names", str, TABLE, "Names of the columns, separated by commas; the first line is then a row.",
           parse=parse_names),
    Option("skip_rows", int, TABLE, "Number of lines to skip at the top of a CSV file.", "detected"),
    Option("comment", str, TABLE, "Character that begins a comment line of a CSV file; 'none' for none.", "detected",
           parse=parse_quote),
    Option("drop_rows", list, TABLE, "Number of a row to drop, counted from 1; -1 is the last.", typed="--drop-row",
           parse=parse_rows, metavar="ROW"),
)  # fmt: skip
READING = (*DATABASE, *LAYOUT)


def create_read_options(given: dict[str, Any]) -> dict[str, Any]:
    """Return the read options that were typed."""
    return parse_arguments(LAYOUT, given)
