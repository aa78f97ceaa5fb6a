"""The reference of the command line, and that of plan files, from the parser and from the table of arguments."""

from __future__ import annotations

import re
from dataclasses import MISSING, fields
from typing import Any

from tools.site.structure import GENERATED

__all__ = ["command_pages"]

PANELLESS = "Options"


def command_pages() -> dict[str, str]:
    """Return the pages of the command line and of plan files, by their paths on the site."""
    command_line, plan_files = GENERATED["Reference"]
    return {command_line: _command_line(), plan_files: _plan_files()}


def _command_line() -> str:
    from typer.main import get_command

    from creche.cli.main import create_app

    app: Any = get_command(create_app([]))
    parts = [
        "# Command line",
        "Exit codes: 0 done, 1 the job failed, 2 a wrong call (arguments, plan, table or file), 130 Ctrl-C. "
        "`creche COMMAND --help` prints what is listed here, and `creche --install-completion` lets the shell "
        "complete commands, options and their values.",
        _list_of_commands(app),
    ]
    parts += [_command(name, command) for name, command in app.commands.items()]
    return "\n\n".join(parts) + "\n"


def _list_of_commands(app: Any) -> str:
    rows = [
        f"| [`{name}`](#{name}) | {_cell(_first_sentence(command.help))} |" for name, command in app.commands.items()
    ]
    return "\n".join(["| command | what it does |", "|---|---|", *rows])


def _first_sentence(text: str) -> str:
    return re.split(r"(?<=\.)\s", " ".join(text.split()), maxsplit=1)[0]


def _command(name: str, command: Any) -> str:
    about, _, examples = command.help.replace("\b\n", "").partition("For example:")
    usage = " ".join(["creche", name, *(_metavar(p) for p in command.params if p.param_type_name == "argument")])
    parts = [f"## `creche {name}` {{ #{name} }}", f"```text\n{usage} [OPTIONS]\n```", _escape(about.strip())]
    if examples.strip():
        parts.append(
            "```text\n" + "\n".join(line.strip() for line in examples.strip().splitlines() if line.strip()) + "\n```"
        )
    panels: dict[str, list[str]] = {}
    for param in command.params:
        if param.param_type_name == "argument":
            panels.setdefault("Arguments", []).append(f"| `{_metavar(param)}` | {_cell(param.help or '')} |")
        elif not param.hidden:
            panel = getattr(param, "rich_help_panel", None) or PANELLESS
            panels.setdefault(panel, []).append(f"| {_flags(param)} | {_cell(_help(param))} |")
    for panel, rows in panels.items():
        parts.append("\n".join([f"| {panel} | what it is |", "|---|---|", *rows]))
    return "\n\n".join(part for part in parts if part)


def _metavar(param: Any) -> str:
    return str(param.metavar or param.name.upper())


def _flags(param: Any) -> str:
    flags = [f"`{flag}`" for flag in (*param.opts, *param.secondary_opts)]
    value = "" if param.is_flag else f" *{_escape(param.metavar or param.type.name.upper())}*"
    return ", ".join(flags) + value


def _help(param: Any) -> str:
    default = param.show_default if isinstance(param.show_default, str) else ""
    return f"{param.help or ''} (default: {default})" if default else param.help or ""


def _plan_files() -> str:
    from creche.plan.activations import ACTIVATIONS
    from creche.plan.arguments import ARGUMENTS, REQUIRED
    from creche.plan.initializers import INITIALIZERS
    from creche.plan.losses import LOSSES
    from creche.plan.optimizers import OPTIMIZERS
    from creche.plan.schedules import SCHEDULES

    rows = []
    for argument in ARGUMENTS.values():
        if argument.group not in ("plan", "preparation", "data") or argument.command is None:
            continue
        option = argument.command
        flag = option.flag or f"--{argument.name.replace('_', '-')}"
        default = "required" if argument.default is REQUIRED else f"`{argument.default!r}`"
        rows.append(f"| `{argument.name}` | {_cell(default)} | `{flag}` | {_cell(option.help)} |")
    parts = [
        "# Plan files",
        "`creche train … --save-plan plan.toml` writes every setting of a run, and `creche train --plan plan.toml` "
        "carries it out again; options of the command line override it. A plan file is TOML, and its keys are the "
        "arguments of [`creche.train`](python/training.md#creche.train):",
        "\n".join(["| key | default | option | what it is |", "|---|---|---|---|", *rows]),
        "Optimizer, loss, schedule, activation and initializer are a word, or a table with a `kind` and numbers. "
        "These are the words, and the numbers of each with their defaults:",
    ]
    for registry in (ACTIVATIONS, LOSSES, OPTIMIZERS, SCHEDULES, INITIALIZERS):
        rows = [f"| `{key}` | {_numbers(component)} |" for key, component in registry.members.items()]
        parts.append("\n".join([f"| {registry.name} | numbers |", "|---|---|", *rows]))
    return "\n\n".join(parts) + "\n"


def _numbers(component: Any) -> str:
    shown = [
        f"`{field.name} = {field.default!r}`"
        for field in fields(component)
        if field.init and field.default is not MISSING
    ]
    return _cell(", ".join(shown))


def _cell(text: str) -> str:
    parts = re.split(r"(`[^`\n]+`)", " ".join(text.split()))
    return "".join(part.replace("|", "\\|") if part.startswith("`") else _escape(part) for part in parts)


def _escape(text: str) -> str:
    return re.sub(r"([*_<\[\]|])", r"\\\1", text)
