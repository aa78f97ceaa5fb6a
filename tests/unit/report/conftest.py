from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

import pytest

import creche as cr

pytest.importorskip("matplotlib")
from creche.reporting import figures


@pytest.fixture
def without_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures are put together but not turned into SVG twice, which is nearly all of the time that a page takes."""
    content = b'<svg xmlns="http://www.w3.org/2000/svg" width="9pt" height="9pt"/>'

    def drawn(draw: Callable[[], Any], *_: Any, **__: Any) -> bytes:
        pyplot = import_module("matplotlib.pyplot")
        pyplot.close(draw().figure)
        return content

    monkeypatch.setattr(figures, "rendered", drawn)


@pytest.fixture(scope="session")
def model() -> cr.Model:
    return cr.train("penguins", label="species", hidden=[4], learning_rate=0.01, epochs=20, threads=1).model
