"""The answers to requests, one module for each subject; each function registers itself by `answers`."""

from creche.studio.answers import (
    connection,
    inside,
    prediction,
    rows,
    settings,
    table,
    training,
)

__all__ = [
    "connection",
    "inside",
    "prediction",
    "rows",
    "settings",
    "table",
    "training",
]
