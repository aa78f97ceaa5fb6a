"""``creche glossary``: what the words of the pages mean."""

from __future__ import annotations

from typing import Annotated

import typer

from creche.cli.output import print_page
from creche.render.text import sections_text

__all__ = ["glossary"]


def glossary(term: Annotated[list[str] | None, typer.Argument(show_default=False)] = None) -> None:
    """Explain a term, or list all terms.

    For example:

    creche glossary

    creche glossary log loss
    """
    from creche.learn.glossary import describe_glossary, describe_term

    print_page(sections_text([describe_term(" ".join(term))] if term else describe_glossary()))
