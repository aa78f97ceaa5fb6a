"""The tables that come with Creche: what ``creche datasets`` and docs/datasets.md show."""

from __future__ import annotations

from creche.errors import PlanError, nearest
from creche.render.document import Section
from creche.table.dataset_cards import CARDS, DatasetCard

__all__ = ["datasets_markdown", "describe_dataset", "describe_datasets"]


def describe_datasets() -> list[Section]:
    """Return the page that lists all tables."""
    lines = [
        f"{card.name} ({card.rows:,} rows, label {', '.join(card.labels)}): {card.about}" for card in CARDS.values()
    ]
    return [Section("Tables to learn on", [*lines, "creche datasets NAME shows the card of a table."])]


def describe_dataset(name: str) -> list[Section]:
    """Return the card of a table.

    Raises
    ------
    PlanError
        If no table has that name; the message suggests the nearest one.

    """
    if name not in CARDS:
        raise PlanError(f"there is no bundled table {name!r}; {nearest(name, tuple(CARDS))}")
    card = CARDS[name]
    facts = [f"{what}: {text}" for what, text in _facts(card)]
    return [Section(card.name, [card.about, *facts, f"Begin with: {card.command}"])]


def datasets_markdown() -> str:
    """Return docs/datasets.md."""
    parts = [
        "# Tables to learn on",
        "These tables come with Creche. Their names can be used wherever a table is wanted, in Python and on the "
        "command line, unless a file has that name; `cr.datasets.houses()` is a DataFrame. `creche datasets` lists "
        "them, and `creche datasets NAME` shows a card.",
    ]
    for card in CARDS.values():
        parts.append(f"## {card.name}")
        parts.append(card.about)
        parts.append("\n".join(f"- **{what}:** {text}" for what, text in _facts(card)))
        parts.append(f"```\n{card.command}\n```")
    return "\n\n".join(parts) + "\n"


def _facts(card: DatasetCard) -> list[tuple[str, str]]:
    return [
        ("Rows", f"{card.rows:,}"),
        ("Label", f"{', '.join(card.labels)} ({card.task})"),
        ("What to learn", card.lesson),
        ("Source", card.source),
        ("Licence", card.licence),
    ]
