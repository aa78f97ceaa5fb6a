"""A person in front of the page: what they see, and what they do, in the words of the page."""

from __future__ import annotations

import base64
import json
import re
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from playwright.sync_api import BrowserContext, Locator, Page, WebSocket, expect

from tests.patience import PATIENCE

__all__ = ["MILLISECONDS", "Screen", "View"]

MILLISECONDS = 1000 * PATIENCE

View = SimpleNamespace
"""A view of the session as the page got it, with numpy arrays."""


def decode(frame: bytes) -> tuple[str, int | None, View]:
    """Read a frame as docs/protocol.md describes it."""
    (size,) = struct.unpack_from("<I", frame)
    header = json.loads(frame[4 : 4 + size])
    arrays, at = [], 4 + size
    for described in header["arrays"]:
        at += -at % 8
        dtype, shape = np.dtype("<" + described["dtype"]), tuple(described["shape"])
        count = int(np.prod(shape))
        arrays.append(np.frombuffer(frame, dtype, count, at).reshape(shape))
        at += count * dtype.itemsize

    def read(value: Any) -> Any:
        if isinstance(value, dict):
            return arrays[value["$array"]] if "$array" in value else View(**{k: read(v) for k, v in value.items()})
        return [read(item) for item in value] if isinstance(value, list) else value

    return header["type"], header["reply"], read(header["body"])


@dataclass
class Heard:
    """What went through the page's sockets: the requests it sent and the views it got, oldest first.

    `answers` holds the views that answer requests, by the number of the request.
    """

    requests: list[dict[str, Any]] = field(default_factory=list)
    views: list[tuple[str, View]] = field(default_factory=list)
    answers: dict[int, tuple[str, View]] = field(default_factory=dict)

    def listen(self, socket: WebSocket) -> None:
        socket.on("framesent", lambda text: self.requests.append(json.loads(text)))
        socket.on("framereceived", self._take)

    def _take(self, frame: str | bytes) -> None:
        assert isinstance(frame, bytes)
        kind, reply, view = decode(frame)
        self.views.append((kind, view))
        if reply is not None:
            self.answers[reply] = kind, view

    def all(self, kind: str) -> list[View]:
        return [view for name, view in self.views if name == kind]

    def newest(self, kind: str) -> View:
        return self.all(kind)[-1]

    def sent(self, kind: str, since: int = 0) -> list[dict[str, Any]]:
        """Return the requests of a kind, of those after the first `since` requests."""
        return [request for request in self.requests[since:] if request["type"] == kind]


@dataclass
class Screen:
    """The page in a window of its own, with all that it complained of in `faults`."""

    page: Page
    heard: Heard = field(default_factory=Heard)
    faults: list[str] = field(default_factory=list)
    may_lose_connection: bool = False
    """Whether the browser may complain that nothing answers: the test ends the server."""
    may_be_refused: bool = False
    """Whether the browser may complain that an upload is refused, as it does of each answer that is an error."""

    @classmethod
    def open(cls, context: BrowserContext, address: str) -> Screen:
        """Open an address in a new window, and wait until it shows the state of the session."""
        screen = cls(context.new_page())
        page = screen.page
        page.set_default_timeout(MILLISECONDS)
        page.on("pageerror", lambda error: screen.faults.append(f"exception: {error}"))
        page.on("console", lambda message: screen._note_console(message.type, message.text))
        page.on("request", lambda request: screen._note_request(request.url))
        page.on("websocket", screen.heard.listen)
        page.goto(address)
        expect(page.locator("main h2").first).to_be_visible()
        screen.wait_until(lambda: screen.heard.all("Tick"))  # comes after what the view is drawn from
        return screen

    def _note_console(self, kind: str, text: str) -> None:
        is_expected = (self.may_lose_connection and ("WebSocket" in text or "ERR_CONNECTION" in text)) or (
            self.may_be_refused and "the server responded with a status of" in text
        )
        if kind in ("error", "warning") and not is_expected:
            self.faults.append(f"console: {text}")

    def _note_request(self, address: str) -> None:
        if not re.match(r"(http|ws)://127\.0\.0\.1:\d+/|data:|blob:", address):
            self.faults.append(f"a request off this machine: {address}")

    # -- what is known -----------------------------------------------------------------------------------------------

    @property
    def settings(self) -> View:
        """The settings in force, with what was changed."""
        for kind, view in reversed(self.heard.views):
            if kind == "SettingsView" or (kind == "Welcome" and view.settings is not None):
                return view if kind == "SettingsView" else view.settings
        raise AssertionError("the page was told of no settings")

    @property
    def tick(self) -> View:
        """The newest state of training."""
        return self.heard.newest("Tick")

    @property
    def network(self) -> View:
        """The network as the page knows it."""
        for kind, view in reversed(self.heard.views):
            if kind == "NetworkView" or (kind == "Welcome" and view.network is not None):
                return view if kind == "NetworkView" else view.network
        raise AssertionError("the page was told of no network")

    # -- what is seen -----------------------------------------------------------------------------------------------

    def button(self, name: str | re.Pattern[str], inside: Locator | None = None) -> Locator:
        return (inside or self.page).get_by_role("button", name=name, exact=isinstance(name, str))

    def region(self, name: str) -> Locator:
        return self.page.get_by_role("region", name=name, exact=True)

    def number(self, name: str) -> int:
        """The number of completed epochs, or of steps, that is shown now; see `expect_number`."""
        return int(self.page.get_by_test_id(name).inner_text().replace(",", ""))

    def expect_number(self, name: str, number: int) -> None:
        """Wait until the page shows this number of completed epochs, or of steps."""
        self.wait_for_number(name, f"n === {number}")

    def failures(self) -> Locator:
        return self.page.locator(".notice.is-failure")

    def expect_failure(self, words: str) -> str:
        """Wait for a message with these words, close it, and return its text."""
        notice = self.failures().filter(has_text=re.compile(words))
        try:
            expect(notice).to_be_visible()
        except AssertionError as error:
            shown = self.page.locator(".notice").all_inner_texts()
            raise AssertionError(f"no message has the words {words!r}; the page says {shown}") from error
        text = notice.inner_text()
        notice.get_by_role("button", name="Close the message").click()
        return text

    # -- what is done -----------------------------------------------------------------------------------------------

    def show(self, view: str) -> None:
        """Change to a view by its tab."""
        tab = self.page.get_by_role("navigation", name="Views").get_by_role("button", name=view, exact=True)
        tab.click()
        expect(tab).to_have_attribute("aria-current", "page")

    def play(self) -> None:
        self.button("Play").click()

    def pause(self) -> None:
        self.button("Pause").click()
        expect(self.button("Play")).to_be_visible()

    def step(self, unit: str, times: int = 1) -> None:
        """Train batches or epochs by their button, one after the other."""
        for _ in range(times):
            before = self.number("step")
            with self.carrying_out("Step"):
                self.button(unit).click()
            self.wait_for_number("step", f"n > {before}")
            expect(self.button(unit)).to_be_enabled()  # as soon as the last batch of the step is shown

    def train(self, epochs: int) -> None:
        """Let training run to an epoch at which it ends by itself, as the settings say then."""
        self.set_number("Epochs", epochs)
        self.play()
        self.expect_number("epoch", epochs)
        expect(self.button("Play")).to_be_visible()

    def wait_for_number(self, name: str, condition: str) -> None:
        """Wait until the number of epochs or steps, `n`, meets a condition in JavaScript."""
        self.page.wait_for_function(
            f"(name) => {{ const shown = document.querySelector(`[data-testid=${{name}}]`); "
            f"const n = shown ? Number(shown.textContent.replaceAll(',', '')) : NaN; return {condition}; }}",
            arg=name,
        )

    def setting(self, name: str) -> Locator:
        """The field of a setting; its group is unfolded."""
        found = self.page.locator("section.settings").get_by_label(name)
        found.first.evaluate("(element) => { const group = element.closest('details'); if (group) group.open = true; }")
        return found

    def set_number(self, name: str, value: float | str) -> None:
        """Type a number into the field of a setting, and wait until the session has taken it."""
        field_ = self.setting(name).first
        with self.carrying_out("ChangeSettings"):
            field_.fill(str(value))
            field_.press("Enter")

    def set_text(self, name: str, text: str) -> None:
        """Type a text into the field of a setting that begins training anew, and agree if it asks."""
        self.set_number(name, text)

    def drop(self, path: Path) -> None:
        """Drop a file on the page, and wait until it is open."""
        content = base64.b64encode(path.read_bytes()).decode()
        transfer = self.page.evaluate_handle(
            "([name, content]) => { const bytes = Uint8Array.from(atob(content), (c) => c.charCodeAt(0)); "
            "const transfer = new DataTransfer(); transfer.items.add(new File([bytes], name)); return transfer; }",
            [path.name, content],
        )
        with self.carrying_out("OpenTable"):
            self.page.locator(".drop").dispatch_event("drop", {"dataTransfer": transfer})

    def choose_file(self, path: Path) -> None:
        """Choose a file in the dialog of the browser."""
        self.page.get_by_label("Choose a file with a table").set_input_files(path)

    def set_rate(self, rate: float) -> View:
        """Type the learning rate, wait until it is in force, and return the settings."""
        field_ = self.page.get_by_label("Learning rate as a number")
        with self.carrying_out("ChangeSettings") as answers:
            field_.fill(f"{rate:g}")
            field_.press("Enter")
        assert np.float32(answers[-1].settings.learning_rate) == np.float32(rate)
        return answers[-1]

    def choose(self, name: str, option: str) -> None:
        """Choose an option of a setting, and wait until the session has taken it."""
        with self.carrying_out("ChangeSettings"):
            self.setting(name).first.select_option(option)

    def agree(self) -> None:
        """Say yes to the question whether weights may be lost."""
        dialog = self.page.get_by_role("dialog")
        dialog.locator("button.primary").click()
        expect(dialog).to_be_hidden()

    @contextmanager
    def carrying_out(self, kind: str) -> Iterator[list[View]]:
        """Wait, at the end of a block, until the session has carried out a request of this kind that the block caused.

        The list that it gives holds the answer then.
        """
        before = len(self.heard.requests)
        answers: list[View] = []

        def find() -> bool:
            known = [self.heard.answers.get(request["id"]) for request in self.heard.sent(kind, before)]
            answers[:] = [view for answer, view in filter(None, known) if answer != "Failure"]
            return bool(answers)

        yield answers
        self.wait_until(find)

    def wait_until(self, condition: Any) -> None:
        """Wait until a condition on what went through the sockets holds, while the browser goes on."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            with suppress(IndexError):  # nothing of the kind has come yet
                if condition():
                    return
            self.page.wait_for_timeout(20)
        raise AssertionError(f"it never came; the page says: {self.page.locator('.notice').all_inner_texts()}")

    def download(self, name: str | re.Pattern[str], path: Path) -> Path:
        """Press a button that hands over a file, and save it."""
        with self.page.expect_download() as waiting:
            self.page.locator("main").get_by_role("button", name=name, exact=isinstance(name, str)).click()
        saved = path / waiting.value.suggested_filename
        waiting.value.save_as(saved)
        return saved
