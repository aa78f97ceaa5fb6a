"""The studio as a widget of a notebook: the page's own messages, as custom messages of anywidget."""

from __future__ import annotations

import json
import logging
import threading
from pathlib import Path
from typing import Any

import anywidget

from creche.studio.connection import Connection
from creche.studio.protocol.frames import to_json
from creche.studio.protocol.views import Closing
from creche.studio.session import Session

__all__ = ["StudioWidget"]

LOGGER = logging.getLogger(__name__)


class StudioWidget(anywidget.AnyWidget):
    """A session of the studio, shown in a notebook.

    Training goes on in a thread of its own while cells run. The page is shown wherever the widget is.

    Parameters
    ----------
    session : Session
    module : Path
        The page as one module of JavaScript.

    """

    def __init__(self, session: Session, module: Path) -> None:
        super().__init__(_esm=module.read_text(encoding="utf-8"))
        self._session = session
        self._wakened = threading.Event()
        self._connection = Connection(session, self._wakened.set)
        self._is_open = True
        self.on_msg(self._receive)
        self._sender = threading.Thread(target=self._send_all, name="creche-studio-widget", daemon=True)
        self._sender.start()

    def close(self) -> None:
        """End the session, and remove the widget from the notebook."""
        if self._is_open:
            self._is_open = False
            self._session.close("The widget was closed in the notebook.")
            self._sender.join()  # it ends once it has sent that
            self._connection.close()
        super().close()

    def _receive(self, _: Any, content: Any, buffers: Any) -> None:
        """Pass a request on; the kernel calls this on the thread that runs the cells."""
        self._connection.receive(json.dumps(content))

    def _send_all(self) -> None:
        outbox = self._connection.outbox
        while True:
            self._wakened.clear()
            while (outgoing := outbox.take()) is not None:
                header, arrays = to_json(*outgoing)
                try:
                    self.send(header, [array.tobytes() for array in arrays])
                except Exception:
                    LOGGER.exception("a view could not be sent to the notebook")
                if isinstance(outgoing.view, Closing):
                    return
            self._wakened.wait(outbox.seconds_to_wait())
