"""Pictures, one function each: ``creche.plots``. They need matplotlib (``pip install 'creche[plots]'``).

Each draws into the `axes` given, or into a new figure, and returns the Axes: several go side by side, and whatever
matplotlib can do to a picture can be done to it. Colours are told apart by everyone, lines also by their dashes, and
all of it can be read on a dark background (``matplotlib.style.use("dark_background")``).

Names are imported when they are first used.
"""

from __future__ import annotations

from creche._lazy import open_package

__all__ = open_package(__name__)
