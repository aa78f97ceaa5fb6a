"""``creche glossary``: what the words of the pages mean."""

from __future__ import annotations

from typing import Annotated

import typer

from creche.cli.output import print_page
from creche.render.text import sections_text

__all__ = ["glossary"]


def glossary(term: Annotated[list[str] | None, typer.Argument(show_default=False)] = None) -> None:
    """Explain terms, or list all terms.

    For example:

    creche glossary

    creche glossary log loss

    creche glossary AUC, F1, Brier score
    """
    from creche.pages.glossary import describe_glossary, describe_terms

    sections = describe_terms(" ".join(term)) if term else describe_glossary()
    print_page(sections_text(sections), explains_itself=True)
