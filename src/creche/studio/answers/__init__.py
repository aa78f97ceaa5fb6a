"""The answers to requests, one module for each subject; each function registers itself by `answers`."""

from creche.studio.answers import connection, rows, settings, table, training

__all__ = ["connection", "rows", "settings", "table", "training"]
