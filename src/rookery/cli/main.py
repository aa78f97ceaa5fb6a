"""The ``rookery`` command: its commands, and what becomes of errors.

Exit codes: 0 done, 1 the job failed, 2 a wrong call (arguments, plan, table, file), 130 Ctrl-C.
"""

from __future__ import annotations

import re
import sys
import warnings
from contextlib import suppress
from typing import Annotated

import typer

from rookery import __version__
from rookery.cli.evaluate import evaluate
from rookery.cli.explain import explain
from rookery.cli.find_learning_rate import find_learning_rate
from rookery.cli.loss_against_weight import loss_against_weight
from rookery.cli.partial_dependence import partial_dependence
from rookery.cli.plot import plot
from rookery.cli.predict import predict
from rookery.cli.report import report
from rookery.cli.resume import resume
from rookery.cli.show import show
from rookery.cli.sweep import sweep
from rookery.cli.trace import trace
from rookery.cli.train import train
from rookery.cli.verify import verify
from rookery.errors import DivergedError, RookeryError, RookeryWarning

__all__ = ["app", "main"]

QUOTE = "'"
ARGUMENT = re.compile(r"\b(duplicates|samples|task|validation_fraction)=('\w+'|[0-9.]*[0-9])")

app = typer.Typer(
    name="rookery",
    help="Train deep neural networks on tables, and see how they learn.",
    epilog="Try:  rookery train penguins --label species",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    suggest_commands=False,  # Click does it already
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _flowing(text: str) -> str:
    """Paragraphs whose lines the terminal breaks, and examples each on a line of its own."""
    paragraphs = [" ".join(paragraph.split()) for paragraph in text.split("\n\n")]
    flowing = "\n\n".join(paragraphs)
    return re.sub("\n\n(?=rookery )", "\n", flowing).replace("For example:\n", "For example:\n\n")


COMMANDS = (
    train, sweep, find_learning_rate, predict, evaluate, show, plot, report, explain, partial_dependence, trace,
    loss_against_weight, resume, verify,
)  # fmt: skip

for command in COMMANDS:
    app.command(no_args_is_help=True, help=_flowing(command.__doc__ or ""))(command)


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"rookery {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    """Train deep neural networks on tables, and see how they learn."""


def main(arguments: list[str] | None = None) -> int:
    """Runs a command and returns its exit code."""
    with warnings.catch_warnings():
        warnings.simplefilter("always", RookeryWarning)
        warnings.showwarning = _print_warning
        try:
            app(arguments, prog_name="rookery")
            sys.stdout.flush()
        except SystemExit as end:
            return end.code if isinstance(end.code, int) else 1
        except RookeryError as error:
            print(f"rookery: {as_typed(str(error))}", file=sys.stderr)
            if isinstance(error, DivergedError):
                _say_why(error)
            return 1 if isinstance(error, ArithmeticError) else 2
        except BrokenPipeError:
            sys.stdout = None  # whoever read our output has gone: there is nobody to tell, and nothing to flush
            return 1
        except OSError as error:
            print(f"rookery: the output cannot be written: {error.strerror or error}", file=sys.stderr)
            return 1
    return 0


def _say_why(diverged: DivergedError) -> None:
    """Where and why training diverged, if its run is still here."""
    from rookery.explain.diverging import divergence

    with suppress(RookeryError):
        print(f"rookery: {divergence(diverged)}", file=sys.stderr)


def _print_warning(message: Warning | str, *_: object, **__: object) -> None:
    print(f"rookery: {as_typed(str(message))}", file=sys.stderr)


def as_typed(message: str) -> str:
    """Advice about arguments of Python as advice about options.

    Examples
    --------
    >>> as_typed("leave such rows out with missing_label='drop'; duplicates='together' keeps copies on one side")
    'leave such rows out with --drop-unlabelled; --duplicates together keeps copies on one side'

    """
    message = message.replace("missing_label='drop'", "--drop-unlabelled").replace("resume=True (--resume)", "--resume")
    message = message.replace("encoding='standard'", "--scaling standard")
    message = message.replace("log_range(1e-6, 10, 48)", "1e-6..10/48")
    return ARGUMENT.sub(lambda found: f"--{found[1].replace('_', '-')} {found[2].strip(QUOTE)}", message)
