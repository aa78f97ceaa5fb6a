"""How advice names arguments on the command line: as options, quoted so that a shell takes them as they are."""

from __future__ import annotations

from collections.abc import Mapping

from creche._advice import NAME_ONLY
from creche._system.shell import shell_command
from creche.cli.options import DROP_UNLABELLED, READING, Option, option_of
from creche.model_selection.search_space import Range
from creche.plan.arguments import ARGUMENTS, OPTIMIZER_FIELDS
from creche.plan.component import Component

__all__ = ["write_as_option"]

READ_OPTIONS = {option.name: option for option in READING}

# What the command line calls an argument that has another name there.
FLAGS = {"row": "--row", "rows": "--row", "data": "--table", "parts": "--leave-out"}

# Commands that do not have the name of their function.
COMMANDS = {
    "creche.cross_validate": "creche train --folds", "creche.inspect_columns": "creche columns",
    "Model.save": "creche train -o",
}  # fmt: skip

# What an option is typed as where its value is not the argument's.
TYPED = {
    ("missing_label", "drop"): DROP_UNLABELLED.flag,
    ("if_table_exists", "append"): "--append",
    ("if_table_exists", "replace"): "--replace",
    ("early_stopping", False): "--early-stopping off",
    ("ReadOptions.quote", ""): "--quote none",
    ("ReadOptions.comment", ""): "--comment none",
    ("ReadOptions.separator", "\t"): "--separator tab",
}


def write_as_option(argument: str, value: object) -> str:
    """Write an argument and its value as an option.

    Examples
    --------
    >>> write_as_option("task", "regression"), write_as_option("ReadOptions.header", False)
    ('--task regression', '--no-header')
    >>> write_as_option("schema", {"Unnamed: 0": "numeric", "zip": "ignore"})
    "--column 'Unnamed: 0=numeric' --column zip=ignore"
    >>> write_as_option("learning_rate", [0.001, 0.01]), write_as_option("label", ...), write_as_option("x", NAME_ONLY)
    ('--learning-rate 0.001,0.01', '--label NAME', '--x')

    """
    if isinstance(value, str | bool) and (typed := TYPED.get((argument, value))):
        return typed
    if isinstance(value, Component):  # an optimizer, whose fields are options
        changed = [name for name in OPTIMIZER_FIELDS if hasattr(value, name) and not value.has_default(name)]
        return " ".join(write_as_option(name, getattr(value, name)) for name in changed)
    owner, _, name = argument.rpartition(".")
    if owner == "creche" or argument in COMMANDS:
        return COMMANDS.get(argument, f"creche {name.replace('_', '-')}")
    option = _find_option(argument)
    flag = option.flag if option else FLAGS.get(name, f"--{name.replace('_', '-')}")
    if value is NAME_ONLY or value is True:
        return flag
    if value is False:
        return f"--no-{flag[2:]}"
    if value is ...:
        return f"{flag} {(option and option.metavar) or name.upper()}"
    if option is not None and option.kind is list:
        items = [f"{key}={item}" for key, item in value.items()] if isinstance(value, Mapping) else _as_list(value)
        return " ".join(shell_command(flag, item) for item in items)
    return shell_command(flag, _write_value(value))


def _find_option(argument: str) -> Option | None:
    owner, _, name = argument.rpartition(".")
    if owner == "ReadOptions":
        return READ_OPTIONS.get(name)
    return option_of(name) if name in ARGUMENTS and ARGUMENTS[name].command is not None else None


def _as_list(value: object) -> list[object]:
    return list(value) if isinstance(value, list | tuple) else [value]


def _write_value(value: object) -> object:
    if isinstance(value, Mapping):
        return ",".join(f"{key}={item}" for key, item in value.items())
    if isinstance(value, list | tuple):
        return ",".join(f"{item:g}" if isinstance(item, float) else str(item) for item in value)
    if isinstance(value, Range):
        ends = "..".join(f"{end:g}".replace("e-0", "e-") for end in (value.low, value.high))
        return f"{ends}/{value.count}" if value.count else ends
    return value
