"""Options as data: one line each says its type, its help and what becomes of the word a user typed."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer

from creche.errors import FileError, PlanError

__all__ = [
    "COLUMNS",
    "DROP_UNLABELLED",
    "JSON",
    "READING",
    "THREADS",
    "Option",
    "check_writable",
    "create_read_options",
    "parse_arguments",
    "with_options",
]

# Where the words of an option are listed: imported when a shell asks for them.
WORDS = {
    "activation": "creche.plan:ACTIVATIONS",
    "choose_threshold": "creche.evaluation.threshold:METRICS_OF_DECISIONS",
    "duplicates": "creche.table.preparation:DUPLICATES",
    "preprocessing": "creche.table.encoders.preprocessing:SCALINGS",
    "format": "creche.table.reading.options:FORMATS",
    "initializer": "creche.plan:INITIALIZERS",
    "loss": "creche.plan:LOSSES",
    "optimizer": "creche.plan:OPTIMIZERS",
    "output_format": "creche.table.reading.options:FORMATS",
    "picture_format": "creche.plots.save:FORMATS",
    "schedule": "creche.plan:SCHEDULES",
    "table_format": "creche.table.reading.options:FORMATS",
}
TABLE, NETWORK, TRAINING, ROWS, FILES = "The table", "The network", "Training", "Which rows", "Files and output"


@dataclass(frozen=True, slots=True)
class Option:
    """An option of the command line.

    Attributes
    ----------
    name : str
        As the parameter; ``learning_rate`` is typed ``--learning-rate``.
    kind : type
        Of the word typed.
    panel, help : str
    default : str
        What to say of it where it is not given; empty for nothing.
    typed : str
        How it is typed, if not by its name.
    parse : callable, optional
        From the word typed to the argument's value.

    """

    name: str
    kind: Any
    panel: str
    help: str
    default: str = ""
    typed: str = ""
    parse: Callable[[Any], Any] | None = None

    @property
    def parameter(self) -> inspect.Parameter:
        """As a parameter that Typer understands; None where it is not given, so that one can tell."""
        flag, several = self.kind is bool, self.kind is list
        names = self.typed.split() or [f"--{self.name.replace('_', '-')}"]
        metavar = "NAME=ROLE" if several else None
        shown = typer.Option(
            *names, help=self.help, show_default=self.default or False, rich_help_panel=self.panel, metavar=metavar,
            autocompletion=self._beginning_with if self.name in WORDS else None,
        )  # fmt: skip
        kind = list[str] if several else self.kind
        default: Any = False if flag else None
        return inspect.Parameter(
            self.name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[kind | None, shown]
        )

    def _beginning_with(self, incomplete: str) -> list[str]:
        """What the shell may complete."""
        module, name = WORDS[self.name].split(":")
        listed = getattr(import_module(module), name)
        return [word for word in getattr(listed, "words", listed) if word.startswith(incomplete)]


def with_options(*options: Option) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Gives a command, a function of its arguments and ``**given``, these options."""

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        own = [p for p in inspect.signature(command, eval_str=True).parameters.values() if p.kind is not p.VAR_KEYWORD]
        parameters = [*own, *(option.parameter for option in options)]
        command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        command.__annotations__ = {p.name: p.annotation for p in parameters}
        return command

    return decorate


def parse_arguments(options: tuple[Option, ...], given: dict[str, Any]) -> dict[str, Any]:
    """What was typed, each word as its option's value; options that were not given are left out."""
    found = {}
    for option in options:
        value = given.get(option.name)
        if value is not None and value is not False and value != []:
            found[option.name] = option.parse(value) if option.parse else value
    return found


def parse_widths(text: str) -> list[int]:
    """``10,10`` as a list; ``none`` as an empty one."""
    if text.strip().lower() in ("none", ""):
        return []
    try:
        return [int(width) for width in text.split(",")]
    except ValueError:
        raise PlanError(f"--hidden: got {text!r}; needs whole numbers with commas between, such as 10,10") from None


def parse_words(text: str) -> str | list[str]:
    """One word, or several with commas between."""
    parts = [part.strip() for part in text.split(",")]
    return parts[0] if len(parts) == 1 else parts


def parse_shares(text: str) -> float | list[float]:
    """One number, or several with commas between."""
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        raise PlanError(f"--dropout: got {text!r}; needs a number, or several with commas between") from None
    return numbers[0] if len(numbers) == 1 else numbers


def parse_roles(given: list[str]) -> dict[str, str]:
    """``name=role`` each."""
    found = {}
    for text in given:
        name, equals, role = text.rpartition("=")
        if not equals or not name:
            raise PlanError(f"--column: got {text!r}; needs a column and its role, such as body_mass_g=number")
        found[name] = role
    return found


def parse_class_weight(text: str) -> Any:
    """``balanced``, or ``Adelie=2,Gentoo=1`` as a dict from class to weight."""
    if text.strip() == "balanced":
        return "balanced"
    found: dict[Any, float] = {}
    for part in text.split(","):
        name, equals, weight = part.strip().rpartition("=")
        try:
            found[name] = float(weight)
        except ValueError:
            equals = ""
        if not equals or not name:
            raise PlanError(f"--class-weight: got {part!r}; needs 'balanced', or such as Adelie=2,Gentoo=1")
    return found


def parse_separator(text: str) -> str:
    """A character, or the word tab."""
    return {"tab": "\t", "\\t": "\t"}.get(text, text)


def parse_quote(text: str) -> str:
    """A character, or the word none."""
    return "" if text == "none" else text


def check_writable(path: Path) -> Path:
    """A file that is to be written later: if it cannot be, that is said before any work is done."""
    folder = path.absolute().parent
    if str(path) != "-" and not folder.is_dir():
        raise FileError(f"{path}: there is no folder {folder}; make it first")
    if path.is_dir():
        raise FileError(f"{path}: is a folder; give the name of a file")
    if str(path) != "-" and not os.access(path if path.exists() else folder, os.W_OK):
        raise FileError(f"{path}: may not be written; permit it (chmod u+w), or choose another place")
    return path


THREADS = Option("threads", int, TRAINING, "Threads to use.", "all cores")
JSON = Option("as_json", bool, FILES, "Print the result as JSON.", typed="--json")
DROP_UNLABELLED = Option("drop_unlabelled", bool, TABLE, "Leave out rows without a label.")
COLUMNS = Option(
    "schema", list, TABLE, "What a column is: numeric, categorical, boolean, datetime, text, identifier, ignore. As often as needed.",
    "inferred", "--column", parse_roles,
)  # fmt: skip
READING = (
    Option("format", str, TABLE, "csv, parquet, arrow or jsonl.", "by content"),
    Option(
        "separator", str, TABLE, "Between the cells of a CSV file: ',', ';', tab, …", "detected", parse=parse_separator
    ),
    Option("quote", str, TABLE, "Around cells that hold separators; 'none' for none.", "detected", parse=parse_quote),
    Option("text_encoding", str, TABLE, "Of a CSV file: utf-8, latin-1, …", "detected"),
    Option("decimal_comma", bool, TABLE, "Whether numbers are written 1,5.", "detected"),
)


def create_read_options(given: dict[str, Any]) -> dict[str, Any]:
    """How a file is written, as far as it was said."""
    said = parse_arguments(READING, given)
    return said
