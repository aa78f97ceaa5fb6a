"""``creche datasets``: the tables that come with Creche."""

from __future__ import annotations

from typing import Annotated

import typer

from creche.cli.output import print_page
from creche.render.text import sections_text

__all__ = ["datasets"]


def datasets(name: Annotated[str, typer.Argument(show_default=False)] = "") -> None:
    """List the tables that come with Creche, or show the card of one: its source, licence, and what to learn on it.

    For example:

    creche datasets

    creche datasets houses
    """
    from creche.pages.datasets import describe_dataset, describe_datasets

    print_page(sections_text(describe_dataset(name) if name else describe_datasets()), explains_itself=True)
