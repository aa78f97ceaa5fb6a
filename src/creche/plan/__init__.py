"""A training run as plain data: frozen dataclasses that check themselves, print well and go to JSON and back.

Its names are imported when they are first used, so that a command that only prints its help, from the table in
`creche.plan.arguments`, does not wait for the components and NumPy; ``__init__.pyi`` lists them.
"""

from __future__ import annotations

from creche._lazy import open_package

__all__ = open_package(__name__)
