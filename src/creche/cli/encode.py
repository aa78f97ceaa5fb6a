"""``creche encode``: encodes a table of any size into a folder, from which networks are trained."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from creche._system.output_files import Output
from creche.cli.files import TableArgument
from creche.cli.label import check_label
from creche.cli.options import (
    DROP_UNLABELLED,
    READING,
    ROWS,
    Option,
    create_read_options,
    option_of,
    options_of,
    parse_arguments,
    with_options,
)
from creche.cli.progress import encoding_progress
from creche.plan.arguments import ENCODED_FILES

__all__ = ["encode"]

ENCODE_OPTIONS = (
    *options_of("preparation"),
    option_of("task"),
    option_of("loss"),
    option_of("seed"),
    option_of("memory"),
    Option(
        "shuffle", bool, ROWS, "Put training rows in a random order, once for all epochs.", "yes",
        typed="--shuffle/--no-shuffle",
    ),
)  # fmt: skip


@with_options(*ENCODE_OPTIONS, *READING, DROP_UNLABELLED)
def encode(
    table: TableArgument,
    to: Annotated[
        Path,
        typer.Argument(show_default=False, metavar="FOLDER"),
        Output("folder of encoded rows", patterns=ENCODED_FILES),
    ],
    **given: Any,
) -> None:
    """Encode a table of any size into a folder, for training.

    TABLE is a file, a folder of files, or a pattern such as 'parts/*.parquet'; FOLDER is new. For example:

    creche encode visits.parquet visits.rows --label ill

    creche encode 'parts/*.csv.gz' visits.rows --label ill --memory 8GB

    creche train visits.rows --epochs 20
    """
    arguments = parse_arguments(ENCODE_OPTIONS, given)
    read_options = create_read_options(given)
    if read_options:
        arguments["read_options"] = read_options
    if given.get("drop_unlabelled"):
        arguments["missing_label"] = "drop"
    check_label(arguments, table, read_options)
    from creche.training.encode import encode as encode_table

    with encoding_progress() as on_progress:
        encoded = encode_table(table, to, **arguments, on_progress=on_progress)
    print(encoded)
