"""Pages of results, one module for each subject: the command line prints them, and results show them by themselves.

Names are imported when they are first used; `__init__.pyi` lists them.
"""

from __future__ import annotations

from creche._lazy import open_package

__all__ = open_package(__name__)
