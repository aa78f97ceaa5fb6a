"""Plots, one function each: ``creche.plots``. They need matplotlib (``pip install '.[plots]'``).

Each function draws into its argument `axes`, or into a new figure, and returns the Axes: several plots can share a
figure, and all of matplotlib can be used on them. Colours are distinguishable for colour-blind readers, lines differ in
their dashes too, and everything is readable on a dark background (``matplotlib.style.use("dark_background")``).

Names are imported when they are first used; `__init__.pyi` lists them.
"""

from __future__ import annotations

from creche._lazy import open_package

__all__ = open_package(__name__)
