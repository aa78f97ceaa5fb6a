"""The answers to requests, one module for each subject; each function registers itself by `answers`."""

from creche.studio.answers import (
    colony,
    connection,
    fitting,
    inside,
    keeping,
    prediction,
    rows,
    settings,
    table,
    training,
)

__all__ = [
    "colony",
    "connection",
    "fitting",
    "inside",
    "keeping",
    "prediction",
    "rows",
    "settings",
    "table",
    "training",
]
