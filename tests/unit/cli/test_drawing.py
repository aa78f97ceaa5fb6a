"""A command imports matplotlib without its lists of properties, and changes nothing else of it."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytest.importorskip("matplotlib")

PROGRAM = """
from creche.cli.drawing import import_matplotlib
import_matplotlib()
import_matplotlib()
import matplotlib.artist
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
print("markersize" in (Line2D.set.__doc__ or ""), "markersize" in matplotlib.artist.kwdoc(Line2D))
line, = Figure().subplots().plot([1, 2], lw=3)
print(line.set(markersize=2), line.get_markersize(), line.get_linewidth())
"""


def test_only_the_lists_of_properties_are_missing() -> None:
    ran = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert ran.stdout.split("\n") == ["False True", "[None] 2.0 3.0", ""]
