"""The ``creche`` command: its commands, and what becomes of errors.

Exit codes: 0 done, 1 the job failed, 2 a wrong call (arguments, plan, table, file), 130 Ctrl-C.
"""

from __future__ import annotations

import re
import sys
import warnings
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from typing import Annotated

import typer

from creche._version import __version__
from creche.errors import CrecheError, CrecheWarning, DivergedError

__all__ = ["create_app", "main"]

QUOTE = "'"
ARGUMENT = re.compile(r"\b(duplicates|samples|task|validation_fraction)=('\w+'|[0-9.]*[0-9])")

# In the order in which they are listed; each is a function in a module of its name.
COMMANDS = (
    "train", "sweep", "find_learning_rate", "predict", "evaluate", "show", "plot", "report", "explain",
    "partial_dependence", "trace", "loss_against_weight", "resume", "verify",
)  # fmt: skip


def create_app(arguments: Sequence[str]) -> typer.Typer:
    """The command line for these arguments: with the command they name alone, if they name one.

    Importing the others, and reading their options, takes longer than training on the penguins.
    """
    app = typer.Typer(
        name="creche",
        help="Train deep neural networks on tables, and see how they learn.",
        epilog="Try:  creche train penguins --label species",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        suggest_commands=False,  # Click does it already
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_options)
    named = [name for name in COMMANDS if arguments and arguments[0] == name.replace("_", "-")]
    for name in named or COMMANDS:
        command = getattr(import_module(f"creche.cli.{name}"), name)
        app.command(no_args_is_help=True, help=_flowing(command.__doc__ or ""))(command)
    return app


def _flowing(text: str) -> str:
    """Paragraphs whose lines the terminal breaks, and examples each on a line of its own."""
    paragraphs = [" ".join(paragraph.split()) for paragraph in text.split("\n\n")]
    flowing = "\n\n".join(paragraphs)
    return re.sub("\n\n(?=creche )", "\n", flowing).replace("For example:\n", "For example:\n\n")


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"creche {__version__}")
        raise typer.Exit


def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    """Train deep neural networks on tables, and see how they learn."""


def main(arguments: list[str] | None = None) -> int:
    """Runs a command and returns its exit code."""
    with warnings.catch_warnings():
        warnings.simplefilter("always", CrecheWarning)
        warnings.showwarning = _print_warning
        try:
            create_app(sys.argv[1:] if arguments is None else arguments)(arguments, prog_name="creche")
            sys.stdout.flush()
        except SystemExit as end:
            return end.code if isinstance(end.code, int) else 1
        except CrecheError as error:
            print(f"creche: {translate_arguments(str(error))}", file=sys.stderr)
            if isinstance(error, DivergedError):
                _say_why(error)
            return 1 if isinstance(error, ArithmeticError) else 2
        except BrokenPipeError:
            sys.stdout = None  # whoever read our output has gone: there is nobody to tell, and nothing to flush
            return 1
        except OSError as error:
            print(f"creche: the output cannot be written: {error.strerror or error}", file=sys.stderr)
            return 1
    return 0


def _say_why(diverged: DivergedError) -> None:
    """Where and why training diverged, if its run is still here."""
    from creche.explain.divergence import divergence

    with suppress(CrecheError):
        print(f"creche: {divergence(diverged)}", file=sys.stderr)


def _print_warning(message: Warning | str, *_: object, **__: object) -> None:
    print(f"creche: {translate_arguments(str(message))}", file=sys.stderr)


def translate_arguments(message: str) -> str:
    """Advice about arguments of Python as advice about options.

    Examples
    --------
    >>> translate_arguments("leave such rows out with missing_label='drop'; duplicates='together' keeps copies on one side")
    'leave such rows out with --drop-unlabelled; --duplicates together keeps copies on one side'

    """
    message = message.replace("missing_label='drop'", "--drop-unlabelled").replace("resume=True (--resume)", "--resume")
    message = message.replace("preprocessing='standard'", "--preprocessing standard")
    message = message.replace("log_range(1e-6, 10, 48)", "1e-6..10/48")
    return ARGUMENT.sub(lambda found: f"--{found[1].replace('_', '-')} {found[2].strip(QUOTE)}", message)
