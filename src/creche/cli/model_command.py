"""What the commands that read a model have in common: their arguments, their options, and what these name."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from creche._system.output_files import Output
from creche.cli.files import ModelArgument, OptionalTableArgument, TableArgument
from creche.cli.options import (
    DROP_UNLABELLED,
    FILES,
    JSON,
    PREDICTING_DEVICE,
    READING,
    ROWS,
    THREADS,
    Option,
    create_read_options,
    parse_arguments,
    with_options,
)
from creche.cli.progress import show_activity
from creche.errors import PlanError

if TYPE_CHECKING:
    from creche.model.ensemble import Ensemble
    from creche.model.model import Model
    from creche.plan.words import DeviceName, MissingLabel
    from creche.table.observations import Observations
    from creche.table.reading.options import ReadOptions
    from creche.table.table import Table

__all__ = ["PLOT", "SAMPLE_WEIGHT", "ModelCommand", "model_command"]

PLOT = Option(
    "plot", Path, FILES, "Draw the result to this file: .png, .svg or .pdf.",
    file=Output("picture", resolved_by="creche.cli.drawing:resolve_picture"),
)  # fmt: skip
SAMPLE_WEIGHT = Option("sample_weight", str, ROWS, "Column with the weight of each row.", "every row counts 1")
SHARED = (DROP_UNLABELLED, THREADS, PREDICTING_DEVICE, PLOT, JSON)


@dataclass(frozen=True, eq=False)
class ModelCommand:
    """A call of a command that reads a model.

    Attributes
    ----------
    model_path : Path
    table : str
        A file, ``-`` for standard input, or the name of a bundled table; empty for a command that reads none.
    options : dict
        The command's own options, as far as they were typed, parsed.
    drop_unlabelled, as_json : bool
    threads : int or None
    device : str or None
        What predicts.
    picture : Path or None
        The file for ``--plot``.

    """

    model_path: Path
    table: str
    options: dict[str, Any]
    drop_unlabelled: bool
    as_json: bool
    threads: int | None
    device: DeviceName | None
    picture: Path | None
    _reading: dict[str, Any]

    @classmethod
    def parse(cls, options: Iterable[Option], model_path: Path, table: str, typed: dict[str, Any]) -> ModelCommand:
        """Parse what was typed.

        Raises
        ------
        CrecheError
            If an option cannot have its value.

        """
        found = parse_arguments(tuple(options), typed)
        shared = {option.name: found.pop(option.name, None) for option in SHARED}
        if "table_format" in typed:  # where --format means something else
            typed = {**typed, "format": typed["table_format"]}
            found.pop("table_format", None)
        return cls(
            model_path, table, found, bool(shared["drop_unlabelled"]), bool(shared["as_json"]), shared["threads"],
            shared["predicting_device"], shared["plot"], typed,
        )  # fmt: skip

    @property
    def missing_label(self) -> MissingLabel:
        """What to do with rows without a label, as `Predictor.evaluate` takes it."""
        return "drop" if self.drop_unlabelled else "error"

    @cached_property
    def read_options(self) -> ReadOptions:
        """How the table is written, as far as it was typed."""
        from creche.table.reading.options import ReadOptions

        return ReadOptions(**create_read_options(self._reading))

    def load(self) -> Model | Ensemble:
        """Load the model or ensemble."""
        from creche.model.file import load

        return load(self.model_path, threads=self.threads, device=self.device)

    def load_single(self) -> Model:
        """Load the model of one network.

        Raises
        ------
        PlanError
            If the file holds an ensemble.

        """
        from creche.model.model import Model

        loaded = self.load()
        if not isinstance(loaded, Model):
            raise PlanError(f"{self.model_path}: holds an ensemble of {len(loaded)} networks; give the model of one")
        return loaded

    def read_labelled_rows(self, model: Model | Ensemble) -> Observations:
        """Read the rows of the table with their labels, and warn where they differ from the training rows."""
        rows = model.read_observations(
            self.table, read_options=self.read_options, missing_label=self.missing_label,
            memory=self.options.get("memory"),
        )  # fmt: skip
        _warn_of_differences(model, rows.x)
        return rows

    def read_any_rows(self, model: Model | Ensemble) -> Observations | Table:
        """Read the rows of the table, with their labels if it has them, and warn as `read_labelled_rows` does."""
        from creche.explain.rows import read_labels_if_any
        from creche.table.observations import Observations

        rows: Observations | Table = read_labels_if_any(
            model, self.table, read_options=self.read_options, missing_label=self.missing_label
        )
        _warn_of_differences(model, rows.x if isinstance(rows, Observations) else rows)
        return rows

    def read_table(self, model: Model | Ensemble) -> Table:
        """Read the table, whose label need not be there, and warn as `read_labelled_rows` does."""
        from creche.table.reading.read import read_table

        table = read_table(self.table, self.read_options, model.features.expected)
        _warn_of_differences(model, table)
        return table

    def show_activity(self, activity: str) -> AbstractContextManager[None]:
        """Show on a terminal what is being done while it lasts."""
        return show_activity(activity, quiet=self.as_json)

    def save_picture(self, draw: Callable[[], Any]) -> None:
        """Draw to the file of ``--plot``, if it was typed."""
        if self.picture is not None:
            from creche.plots.save import save_picture

            save_picture(draw, self.picture)

    def print_json(self, data: Any) -> None:
        """Print plain data as JSON."""
        print(json.dumps(data, allow_nan=False, default=str))


def _warn_of_differences(model: Model | Ensemble, rows: Any) -> None:
    """Warn of values that the model did not meet in training, such as lengths in another unit."""
    from creche.table.checks import warn

    for message in model.check_data(rows).messages():
        warn(message)


def model_command(
    *options: Option, reads_table: bool = True, needs_table: bool = True, reading: tuple[Option, ...] = READING
) -> Callable[[Callable[[ModelCommand], None]], Callable[..., None]]:
    """Turn a function of a `ModelCommand` into a command with the arguments MODEL and TABLE and these options.

    Parameters
    ----------
    *options : Option
    reads_table : bool, default True
        Whether there is an argument TABLE, and the options that say how it is written.
    needs_table : bool, default True
        Whether TABLE must be given.
    reading : tuple of Option
        The latter options.

    """
    everything = (*options, *reading) if reads_table else options

    def decorate(run: Callable[[ModelCommand], None]) -> Callable[..., None]:
        def run_on_table(model: ModelArgument, table: TableArgument, **typed: Any) -> None:
            run(ModelCommand.parse(options, model, table, typed))

        def run_on_any_table(model: ModelArgument, table: OptionalTableArgument = None, **typed: Any) -> None:
            run(ModelCommand.parse(options, model, table or "", typed))

        def run_alone(model: ModelArgument, **typed: Any) -> None:
            run(ModelCommand.parse(options, model, "", typed))

        command = (run_on_table if needs_table else run_on_any_table) if reads_table else run_alone
        command.__name__, command.__doc__, command.__module__ = run.__name__, run.__doc__, run.__module__
        return with_options(*everything)(command)

    return decorate
