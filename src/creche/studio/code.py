"""The code that makes the network of a session again, to the bit: in Python, and as a command."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from creche.plan.arguments import ARGUMENTS, DEFAULTS, CommandOption
from creche.plan.changes import Change, join_changes
from creche.plan.plan import Plan
from creche.studio.settings import OPTIMIZER_NUMBERS, build_loss, build_optimizer
from creche.studio.state import SessionState
from creche.table.reading.options import ReadOptions
from creche.training.arguments import default_loss

__all__ = ["compact_plan", "kept_name", "write_command", "write_python"]


def kept_name(state: SessionState, ending: str) -> str:
    """Return the name of a file to keep: that of the table, with this ending."""
    return f"{Path(state.need_source().name).stem or 'network'}{ending}"


def compact_plan(state: SessionState) -> Plan:
    """Return the plan of the network with as few changes as do the same."""
    plan = state.need_live().run.plan
    return replace(plan, changes=join_changes(plan.changes))


def write_python(state: SessionState) -> str:
    """Return a program in Python that trains the same network and saves it."""
    arguments = _list_arguments(state)
    options = state.need_source().read_options
    if options != ReadOptions():
        given = {name: value for name, value in options.to_dict().items() if not options.has_default(name)}
        arguments["read_options"] = given
    lines = ["import creche as cr", "", "run = cr.train(", f"    {state.need_source().argument!r},"]
    if state.need_source().argument == "data":
        lines[-1] = "    data,  # the table that the studio was opened with"
    for name, value in arguments.items():
        lines += _write_argument(name, value)
    lines += [")", f"run.model.save({kept_name(state, '.creche')!r})", ""]
    return "\n".join(lines)


def _write_argument(name: str, value: Any) -> list[str]:
    if name == "changes":
        return ["    changes=[", *(f"        {_write_change(change)}," for change in value), "    ],"]
    if name == "optimizer" and not isinstance(value, str):
        return [f"    optimizer=cr.{value!r},"]
    return [f"    {name}={value!r},"]


def _write_change(change: Change) -> str:
    """Write a change as a dict of plain values, which `creche.train` takes, too."""
    return repr(change.to_dict())


def write_command(state: SessionState) -> str:
    """Return a command that trains the same network and saves it."""
    source, arguments = state.need_source(), _list_arguments(state)
    table = source.argument if source.argument != "data" else "data.csv"
    ending = f"-o {shlex.quote(kept_name(state, '.creche'))}"
    if source.read_options != ReadOptions() or not _can_be_typed(arguments):
        # A plan file can say how a file is read, and all numbers of an optimizer.
        plan = shlex.quote(kept_name(state, ".toml"))
        steps = f" --steps {arguments['steps']}" if "steps" in arguments else ""
        command = f"creche train {shlex.quote(table)} --plan {plan}{steps} {ending}"
        return f"# {plan} is the plan that the page saves.\n{command}\n"
    parts = [f"creche train {shlex.quote(table)}"]
    for name, value in arguments.items():
        parts += [f"{flag} {shlex.quote(text)}" if text else flag for flag, text in _type(name, value)]
    return " \\\n    ".join([*parts, ending]) + "\n"


def _list_arguments(state: SessionState) -> dict[str, Any]:
    """Return the arguments of `creche.train` that differ from its defaults, in the order of its signature."""
    run, settings = state.need_live().run, state.beginning
    assert settings is not None
    loss, optimizer = build_loss(settings), build_optimizer(settings)
    smoothing = f":{settings.label_smoothing!r}" if settings.label_smoothing else ""
    wanted: dict[str, Any] = {
        "label": state.label[0] if len(state.label) == 1 else list(state.label),
        "task": state.chosen_task,
        "schema": dict(state.roles) or None,
        "hidden": settings.hidden,
        "activation": settings.activation,
        "dropout": settings.dropout,
        "loss": None if loss == default_loss(run.plan.task) else f"{settings.loss}{smoothing}",
        "optimizer": settings.optimizer,
        "schedule": settings.schedule,
        "batch_size": settings.batch_size,
        "epochs": settings.epochs,
        "early_stopping": False,
        "keep": "last",
        "seed": settings.seed,
        "preprocessing": None if settings.preprocessing == "auto" else settings.preprocessing,
        "validation_fraction": settings.validation_fraction,
        "test_fraction": settings.test_fraction,
        "split_seed": None if settings.split_seed == settings.seed else settings.split_seed,
        "missing_label": "drop" if len(state.prepared.labelled) < state.prepared.labelled.n_table_rows else "error",
        "changes": compact_plan(state).changes or None,
        "steps": None if run.status == "finished" else run.step,
    }
    own = type(optimizer)()
    if (optimizer.weight_decay, optimizer.l1) != (own.weight_decay, own.l1):
        wanted["optimizer"] = optimizer
    elif optimizer.learning_rate != own.learning_rate:
        wanted["learning_rate"] = optimizer.learning_rate
    given = {name: value for name, value in wanted.items() if value is not None and value != DEFAULTS[name]}
    return {name: given[name] for name in ARGUMENTS if name in given}


def _can_be_typed(arguments: Mapping[str, Any]) -> bool:
    """Return whether the command line has an option for each argument."""
    return all(ARGUMENTS[name].command is not None for name in arguments if name != "missing_label")


def _type(name: str, value: Any) -> list[tuple[str, str]]:
    """Return what is typed for an argument: flags with their values."""
    command = ARGUMENTS[name].command
    if name == "missing_label":
        return [("--drop-unlabelled", "")]
    assert isinstance(command, CommandOption)
    flag = command.flag or f"--{name.replace('_', '-')}"
    if name == "optimizer" and not isinstance(value, str):
        own = type(value)()
        numbers = [(n, getattr(value, n)) for n in OPTIMIZER_NUMBERS]
        typed = [(f"--{n.replace('_', '-')}", repr(number)) for n, number in numbers if number != getattr(own, n)]
        return [(flag, value.key), *typed]
    if name == "changes":
        return [(flag, change.typed()) for change in value]
    if name == "schema":
        return [(flag, f"{column}={role}") for column, role in value.items()]
    if value is False:
        return [(flag, "off")]
    if isinstance(value, list | tuple):
        return [(flag, ",".join(map(str, value)) or "none")]
    return [(flag, str(value))]
