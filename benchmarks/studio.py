"""The studio: frames shown and epochs trained at once on the penguins, in Chromium, and what watching costs.

The server is a process of its own, as `creche studio` starts it. Epochs are counted by the session, frames by the page:
it acknowledges each state that it has drawn. A run without a window is measured by closing its window for a while.
The browser draws on the same processor as the network trains, by software where there is no GPU.
"""

import gzip
import json
import os
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from _compare import Spread
from _report import Options, Report, parse_options
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from start import creche_command
from websockets.sync.client import connect

from creche.studio.page_files import page_folder, widget_file
from creche.studio.protocol.views import VERSION

CHROMIUM = os.environ.get("CRECHE_CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
FULL_SPEED = "0"
ENDLESS = 100_000_000  # epochs
WATCHERS = 20

FIRST_VIEW_BELOW = 1.0  # seconds
FRAMES_AT_LEAST, EPOCHS_AT_LEAST = 28.5, 200.0  # thirty a second, but for the first and last of a measurement
PAGE_BELOW = 300.0  # kB, compressed


@dataclass
class Window:
    """A window on a session, which counts what it has drawn."""

    page: Page
    drawn: int = 0

    def count(self, text: str) -> None:
        self.drawn += json.loads(text)["type"] == "Acknowledge"

    def epoch(self) -> int:
        return int(self.page.get_by_test_id("epoch").inner_text().replace(",", ""))


@dataclass(frozen=True)
class Speeds:
    frames: float
    epochs: float


def main() -> int:
    options = parse_options(__doc__, rounds=5)
    report = Report("The studio: the penguins in Chromium", options)
    seconds = 1.0 if options.quick else 5.0
    opening: list[float] = []
    speeds: dict[str, list[Speeds]] = {"no window": [], "one window": [], f"{WATCHERS} more connections": []}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        for _ in range(options.rounds):
            with serving() as link:
                measure(browser, link, seconds, opening, speeds)
        browser.close()
    report_speeds(report, options, opening, speeds)
    return report.finish()


def measure(browser: Browser, link: str, seconds: float, opening: list[float], speeds: dict[str, list[Speeds]]) -> None:
    """Open a window, train at full speed, and note the speeds with and without watchers."""
    context = browser.new_context(viewport={"width": 1400, "height": 900})
    start = time.perf_counter()
    window = open_window(context, link)
    opening.append(time.perf_counter() - start)
    train_endlessly(window.page)
    unwatched, one, many = speeds.values()
    one.append(observe(window, seconds))
    address = window.page.url
    before, start = window.epoch(), time.perf_counter()
    window.page.close()
    time.sleep(seconds)
    window = open_window(context, address)
    unwatched.append(Speeds(0, (window.epoch() - before) / (time.perf_counter() - start)))
    cookie = "; ".join(f"{each['name']}={each['value']}" for each in context.cookies())
    with watching(address, cookie):
        many.append(observe(window, seconds))
    context.close()


def open_window(context: BrowserContext, address: str) -> Window:
    """Open an address, and wait until the state of training is shown."""
    window = Window(context.new_page())
    window.page.on("websocket", lambda socket: socket.on("framesent", window.count))
    window.page.goto(address)
    window.page.get_by_test_id("epoch").wait_for()
    return window


def train_endlessly(page: Page) -> None:
    page.evaluate("() => document.querySelectorAll('.settings details').forEach((group) => { group.open = true; })")
    epochs = page.locator("section.settings").get_by_label("Epochs", exact=True)
    epochs.fill(str(ENDLESS))
    epochs.press("Enter")
    page.get_by_label("Speed").select_option(FULL_SPEED)
    page.get_by_role("button", name="Play").click()
    page.wait_for_function("() => Number(document.querySelector('[data-testid=epoch]').textContent) > 0")


def observe(window: Window, seconds: float) -> Speeds:
    epoch, drawn, start = window.epoch(), window.drawn, time.perf_counter()
    window.page.wait_for_timeout(1000 * seconds)
    elapsed = time.perf_counter() - start
    return Speeds((window.drawn - drawn) / elapsed, (window.epoch() - epoch) / elapsed)


@contextmanager
def serving() -> Iterator[str]:
    """Run `creche studio` on one thread, and give its link once it answers."""
    command = [*creche_command(), "studio", "penguins", "--no-browser", "--port", "0", "--threads", "1"]
    process = subprocess.Popen(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        assert process.stdout is not None
        told = ""
        for line in process.stdout:
            told += line
            if found := re.search(r"http://\S+token=\S+", told):
                yield found[0]
                break
        else:
            raise RuntimeError(told)
    finally:
        process.kill()
        process.communicate()


@contextmanager
def watching(address: str, cookie: str) -> Iterator[None]:
    """Connect further watchers, which take all that is sent and acknowledge it."""
    ended = threading.Event()

    def watch() -> None:
        target, origin = re.sub("^http", "ws", address.partition("#")[0]) + "ws", re.match(r"http://[^/]+", address)
        assert origin is not None
        with connect(
            target, additional_headers={"Cookie": cookie}, origin=origin[0], subprotocols=["creche.1"], max_size=None,
            compression=None, proxy=None,
        ) as socket:  # fmt: skip
            socket.send(json.dumps({"type": "Connect", "id": 0, "version": VERSION}))
            while not ended.is_set():
                frame = socket.recv()
                if found := re.search(rb'"type":"Tick".*?"sequence":(\d+)', frame[:200]):
                    socket.send(json.dumps({"type": "Acknowledge", "id": 1, "sequence": int(found[1])}))

    threads = [threading.Thread(target=watch) for _ in range(WATCHERS)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        ended.set()
        for thread in threads:
            thread.join()


def report_speeds(report: Report, options: Options, opening: list[float], speeds: dict[str, list[Speeds]]) -> None:
    report.section("Training at full speed, on one thread")
    report.table(
        ["watched by", "frames shown a second", "epochs trained a second"],
        [
            [name, Spread.of([s.frames for s in found]).show(), Spread.of([s.epochs for s in found]).show()]
            for name, found in speeds.items()
        ],
    )
    report.section("Sizes, in kB")
    page = [path for path in (page_folder() / "assets").iterdir() if path.suffix in (".js", ".css")]
    files = {"page": page, "widget": [widget_file()]}
    sizes = {name: sum(compressed(path.read_bytes()) for path in paths) for name, paths in files.items()}
    report.table(
        ["what", "raw", "compressed"],
        [
            [name, f"{sum(path.stat().st_size for path in paths) / 1000:.1f}", f"{sizes[name]:.1f}"]
            for name, paths in files.items()
        ],
    )
    report.section("Claims")
    one = speeds["one window"]
    report.claim_below("From the answering server to the first view", Spread.of(opening), FIRST_VIEW_BELOW, " s")
    report.claim_at_least("Frames shown a second", Spread.of([s.frames for s in one]), FRAMES_AT_LEAST)
    report.claim_at_least("Epochs trained a second meanwhile", Spread.of([s.epochs for s in one]), EPOCHS_AT_LEAST)
    for name, size in sizes.items():
        report.claim_below(f"The {name}, compressed", Spread.of([size]), PAGE_BELOW, " kB")


def compressed(content: bytes) -> float:
    return len(gzip.compress(content, 9, mtime=0)) / 1000


if __name__ == "__main__":
    raise SystemExit(main())
