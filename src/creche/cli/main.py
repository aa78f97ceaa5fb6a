"""The ``creche`` command: its commands, and how it reports errors.

Exit codes: 0 done, 1 the job failed, 2 a wrong call (arguments, plan, table, file), 130 Ctrl-C.
"""

from __future__ import annotations

import gc
import re
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
from typing import TYPE_CHECKING, Annotated

import typer

from creche._advice import use_words
from creche._progress import watch_steps
from creche._version import __version__
from creche.cli.files import check_files
from creche.cli.messages import print_message, wrap_command
from creche.cli.narrow_help import PANEL_WIDTH, NarrowCommand, use_narrow_help
from creche.cli.output import naming_terms
from creche.errors import SYNONYMS, CrecheError, CrecheWarning, DivergedError, FileError, ProcessError, closest
from creche.render.text import terminal_width

if TYPE_CHECKING:
    from click import ClickException, Command

    from creche.explain.divergence import Divergence

__all__ = ["create_app", "main"]

# In the order in which they are listed; each is a function in a module of its name.
COMMANDS = (
    "fit", "train", "encode", "sweep", "find_learning_rate", "compare", "columns", "recipe", "predict", "evaluate",
    "show", "export", "plot", "report", "explain", "partial_dependence", "trace", "loss_against_weight", "learn",
    "datasets", "glossary", "resume", "verify", "studio", "serve",
)  # fmt: skip

FIRST_STEPS = (
    "Try:  creche train penguins --label species",
    "New to neural networks?  creche learn",
    "What does a term mean?  creche glossary",
)

WITHOUT_ARGUMENTS = ("learn", "datasets", "glossary", "studio")  # commands that do something when nothing more is typed

NEW_OBJECTS_BEFORE_COLLECTING = 50_000

# Arguments whose option has another name.
OPTIONS_OF_ARGUMENTS = {"rows": ("row",)}


def create_app(arguments: Sequence[str]) -> typer.Typer:
    """Create the command line for these arguments, with only the command that they name, if they name one.

    Importing the other commands and reading their options takes longer than training on the penguins.
    """
    has_panels = terminal_width() >= PANEL_WIDTH
    app = typer.Typer(
        name="creche",
        help="Train deep neural networks on tables, and see how they learn.",
        epilog="\n\n".join(FIRST_STEPS),
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        suggest_commands=False,  # `_describe_misuse` does it
        context_settings={"help_option_names": ["-h", "--help"]},
        rich_markup_mode="rich" if has_panels else None,
    )
    if not has_panels:
        use_narrow_help()
    app.callback()(_creche)
    named = [name for name in COMMANDS if arguments and arguments[0] == name.replace("_", "-")]
    for name in named or COMMANDS:
        command = getattr(import_module(f"creche.cli.{name}"), name)
        shows_help = name not in WITHOUT_ARGUMENTS
        own_help = _join_lines(command.__doc__ or "", has_panels)
        # Without panels, Click would cut the first sentence in the list of commands.
        look = None if has_panels else NarrowCommand
        first = None if has_panels else own_help.partition("\n")[0]
        app.command(no_args_is_help=shows_help, help=own_help, short_help=first, cls=look)(check_files(command))
    return app


def _join_lines(text: str, has_panels: bool) -> str:
    """Join the lines of each paragraph, which the terminal breaks anew, and put each example on its own line."""
    paragraphs = "\n\n".join(" ".join(paragraph.split()) for paragraph in text.split("\n\n"))
    if not has_panels:
        room = terminal_width() - 3  # Click indents the text by two, and leaves the last place empty
        return re.sub(  # after \b, Click leaves the lines of a paragraph as they are
            "(?<=\n\n)creche .*", lambda example: f"\b\n{wrap_command(example[0], room)}", paragraphs
        )
    return re.sub("\n\n(?=creche )", "\n", paragraphs).replace("For example:\n", "For example:\n\n")


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"creche {__version__}")
        raise typer.Exit


def _creche(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Train deep neural networks on tables, and see how they learn."""


def main(arguments: list[str] | None = None) -> int:
    """Run a command and return its exit code."""
    from click import ClickException

    app = create_app(sys.argv[1:] if arguments is None else arguments)
    with warnings.catch_warnings():
        warnings.simplefilter("always", CrecheWarning)
        warnings.showwarning = _print_warning
        try:
            # Each command says what progress it shows.
            with _collecting_rarely(), use_words(_write_as_option), naming_terms(), watch_steps(False):
                code = app(arguments, prog_name="creche", standalone_mode=False)
            sys.stdout.flush()
        except SystemExit as end:
            return end.code if isinstance(end.code, int) else 1
        except ClickException as error:
            if message := _describe_misuse(error):
                print_message(str(message))
            return error.exit_code
        except CrecheError as error:
            explanation = _explain_divergence(error) if isinstance(error, DivergedError) else None
            message = _describe_error(error, app)
            if explanation and explanation.is_above_edge:  # which comes with better advice
                message = re.sub(r"\. Try a learning rate of \S+ or lower$", "", message)
            for text in filter(None, (message, explanation)):
                print_message(str(text))
            return 1 if isinstance(error, DivergedError | ProcessError) else 2
        except BrokenPipeError:
            sys.stdout = None  # the reader of the output has gone: no error can reach it, and nothing is left to flush
            return 1
        except OSError as error:
            print_message(f"the output cannot be written: {error.strerror or error}")
            return 1
    return code if isinstance(code, int) else 0


@contextmanager
def _collecting_rarely() -> Iterator[None]:
    """Let the garbage collector look less often: most of what a command makes, lives until it ends."""
    usual = gc.get_threshold()
    gc.set_threshold(max(usual[0], NEW_OBJECTS_BEFORE_COLLECTING), *usual[1:])
    try:
        yield
    finally:
        gc.set_threshold(*usual)


def _describe_misuse(error: ClickException) -> str:
    """Describe a call that Click refused, with a suggestion; print the help for a call without arguments."""
    from click.exceptions import BadParameter, NoArgsIsHelpError, NoSuchOption, UsageError

    context = error.ctx if isinstance(error, UsageError) else None
    if context is None:
        message = error.format_message().rstrip(".")
        return f"{message[:1].lower()}{message[1:]}"
    if isinstance(error, NoArgsIsHelpError):
        context.get_help()
        return ""
    see = f"see {context.command_path} --help"
    if isinstance(error, NoSuchOption):
        flags = [flag for param in context.command.get_params(context) for flag in param.opts if flag.startswith("-")]
        names = {_parameter_name(flag): flag for flag in flags}
        close = closest(_parameter_name(error.option_name), names)
        return f"{error.option_name}: there is no such option; {f'did you mean {names[close]}?' if close else see}"
    typed = re.fullmatch(r"No such command '(.*?)'\..*", error.format_message(), re.DOTALL)
    if typed is not None:
        close = closest(_parameter_name(typed[1]), COMMANDS)
        command = close and close.replace("_", "-")
        return f"{typed[1]}: there is no such command; {f'did you mean {command!r}?' if command else see}"
    refused = re.fullmatch(r"(?:.*: )?('.*') is not a valid (integer|float)\.?", error.format_message(), re.DOTALL)
    if isinstance(error, BadParameter) and error.param is not None and refused is not None:
        wanted = "a whole number" if refused[2] == "integer" else "a number"
        return f"{error.param.opts[0]}: got {refused[1]}; needs {wanted}"
    message = error.format_message().rstrip(".")
    return f"{message[:1].lower()}{message[1:]}; {see}"


def _parameter_name(flag: str) -> str:
    return flag.lstrip("-").replace("-", "_")


def _explain_divergence(diverged: DivergedError) -> Divergence | None:
    """Return where and why training diverged, if its run is still there."""
    from creche.explain.divergence import divergence

    with suppress(CrecheError):
        return divergence(diverged)
    return None


def _write_as_option(argument: str, value: object) -> str:
    from creche.cli.advice import write_as_option  # only now: most commands advise nothing

    return write_as_option(argument, value)


def _print_warning(message: Warning | str, *_: object, **__: object) -> None:
    print_message(str(message))


def _describe_error(error: CrecheError, app: typer.Typer) -> str:
    """Describe an error of the library in the words of the command line: options instead of arguments."""
    message = re.sub(r"(got -?\d+)\.0(?!\d)", r"\1", str(error))  # typed as 30, which is a float by now
    argument = error.argument or _leading_argument(error)
    flag = argument and _find_flag(argument, typer.main.get_command(app))
    # "epochs: …", or "Plan.epochs: …" for a parameter of a component
    return re.sub(rf"^(?:\w+\.)?{argument}: ", f"{flag}: ", message) if flag else message


def _leading_argument(error: CrecheError) -> str | None:
    """Return the word that a message begins with, which is an argument unless the error is about a file."""
    found = None if isinstance(error, FileError) else re.match(r"(?:\w+\.)?(\w+): ", str(error))
    return None if found is None else found[1]


def _find_flag(argument: str, app: Command) -> str | None:
    """Return how an argument is typed, or None if it is not an option of a command of the app."""
    flags: dict[str | None, str] = {}
    for command in (app, *getattr(app, "commands", {}).values()):
        options = [param for param in command.params if param.opts[0].startswith("-")]
        flags |= {_parameter_name(param.opts[0]): param.opts[0] for param in options}
        flags |= {param.name: param.opts[0] for param in options}
    words = (argument, *SYNONYMS.get(argument, ()), *OPTIONS_OF_ARGUMENTS.get(argument, ()))
    return next((flags[word] for word in words if word in flags), None)
