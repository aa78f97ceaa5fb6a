"""How a network learns and what it uses, on the user's own data: ``creche.explain``.

Names are imported when they are first used.
"""

from __future__ import annotations

from creche._lazy import open_package

__all__ = open_package(__name__)
