"""The widget of a notebook: the page's messages as custom messages, without a notebook."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from creche.errors import CrecheError
from creche.studio import open as open_studio
from creche.studio.open import SessionMaker, studio
from creche.studio.widget import StudioWidget
from tests.patience import PATIENCE

pytest.importorskip("anywidget")


class Notebook:
    """The front end of a widget: it collects what is sent, and waits for it."""

    def __init__(self, widget: StudioWidget, monkeypatch: pytest.MonkeyPatch) -> None:
        self.widget = widget
        self.sent: list[tuple[dict[str, Any], list[bytes]]] = []
        self._arrived = threading.Condition()
        monkeypatch.setattr(widget, "send", self._take)

    def _take(self, content: dict[str, Any], buffers: list[bytes]) -> None:
        with self._arrived:
            self.sent.append((content, buffers))
            self._arrived.notify_all()

    def ask(self, number: int, type_: str, **fields: Any) -> tuple[dict[str, Any], list[bytes]]:
        self.widget._handle_custom_msg({"type": type_, "id": number, **fields}, [])
        return self.wait_for(lambda content: content["reply"] == number)

    def wait_for(self, condition: Any) -> tuple[dict[str, Any], list[bytes]]:
        def found() -> list[tuple[dict[str, Any], list[bytes]]]:
            return [message for message in self.sent if condition(message[0])]

        with self._arrived:
            assert self._arrived.wait_for(found, PATIENCE)
            return found()[0]


@pytest.fixture
def notebook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Notebook]:
    module = tmp_path / "widget.js"
    module.write_text("export default { render() {} };")
    widget = StudioWidget(SessionMaker("penguins", threads=1)(), module)
    yield Notebook(widget, monkeypatch)
    widget.close()


def test_requests_are_answered_with_arrays_as_buffers(notebook: Notebook) -> None:
    content, buffers = notebook.ask(1, "Connect", version=1)
    assert content["type"] == "Welcome"
    edges = content["body"]["network"]["edges"]["$array"]
    described = content["arrays"][edges]
    assert described["dtype"] == "i4"
    assert np.frombuffer(buffers[edges], dtype="<i4").reshape(described["shape"]).shape[1] == 3


def test_training_is_pushed(notebook: Notebook) -> None:
    notebook.ask(1, "Connect", version=1)
    notebook.ask(2, "Step", unit="epoch", count=2)
    notebook.wait_for(lambda content: content["type"] == "Tick" and content["body"]["epoch"] == 2)


def test_what_is_no_request_is_refused(notebook: Notebook) -> None:
    notebook.widget._handle_custom_msg("nonsense", [])
    content, _ = notebook.wait_for(lambda content: content["type"] == "Failure")
    assert content["body"]["code"] == "bad_request"


def test_closing_ends_the_session(notebook: Notebook) -> None:
    notebook.ask(1, "Connect", version=1)
    notebook.widget.close()
    content, _ = notebook.wait_for(lambda content: content["type"] == "Closing")
    assert content["body"]["text"] == "The widget was closed in the notebook."


def test_in_a_notebook_studio_returns_the_widget(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "widget.js").write_text("export default {};")
    monkeypatch.setattr(open_studio, "widget_file", lambda: tmp_path / "widget.js")
    widget = studio("penguins", label="species", in_notebook=True, threads=1)
    assert isinstance(widget, StudioWidget)
    widget.close()


def test_a_missing_library_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(open_studio, "find_spec", lambda _: None)
    with pytest.raises(CrecheError, match="pip install anywidget"):
        studio("penguins", in_notebook=True, threads=1)
