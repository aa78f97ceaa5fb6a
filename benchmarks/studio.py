"""The studio: frames shown and epochs trained at once on the penguins, in Chromium, and what watching costs.

The server is a process of its own, as `creche studio` starts it. Epochs are counted by the session, frames by the page:
it acknowledges each state that it has drawn. A run without a window is measured by closing its window for a while.
The browser draws on the same processor as the network trains, by software where there is no GPU. It has been started
before; the first view is there when the page has drawn the state of training, counted from the call of the link.
"""

import gzip
import json
import math
import os
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

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

WORK_PARTS = ("page", "script", "layout", "server")  # of `Work`


# Notes in the page when it has drawn the number of epochs.
NOTE_FIRST_VIEW = """
new MutationObserver((_, observer) => {
  if (!document.querySelector("[data-testid=epoch]")) return;
  observer.disconnect();
  requestAnimationFrame(() => setTimeout(() => { window.firstView = performance.now(); }));
}).observe(document, { childList: true, subtree: true });
"""


@dataclass
class Window:
    """A window on a session, which counts what it has drawn."""

    page: Page
    drawn: int = 0

    def count(self, text: str) -> None:
        self.drawn += json.loads(text)["type"] == "Acknowledge"

    def epoch(self) -> int:
        return int(self.page.get_by_test_id("epoch").inner_text().replace(",", ""))

    def first_view(self) -> float:
        """After how many seconds it had drawn the state of training."""
        return float(self.page.wait_for_function("() => window.firstView").json_value()) / 1000


@dataclass(frozen=True)
class Served:
    """A running server."""

    link: str
    process: int

    def loop_seconds(self) -> float:
        """The processor time of its event loop, which is the first thread of the process; NaN where it is not told."""
        path = Path(f"/proc/{self.process}/task/{self.process}/stat")
        if not path.exists():
            return math.nan
        numbers = path.read_text().rpartition(")")[2].split()
        return (int(numbers[11]) + int(numbers[12])) / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Work:
    """Processor time, in milliseconds for each frame that is shown."""

    page: float  # the whole main thread of the page
    script: float
    layout: float  # with styles
    server: float

    @classmethod
    def between(cls, before: dict[str, float], after: dict[str, float], frames: int) -> "Work":
        def spent(*names: str) -> float:
            return 1000 * sum(after[name] - before[name] for name in names) / max(frames, 1)

        return cls(
            spent("TaskDuration"),
            spent("ScriptDuration"),
            spent("LayoutDuration", "RecalcStyleDuration"),
            spent("server"),
        )


@dataclass(frozen=True)
class Speeds:
    frames: float
    epochs: float
    work: Work | None = None


def main() -> int:
    options = parse_options(__doc__, rounds=5)
    report = Report("The studio: the penguins in Chromium", options)
    seconds = 1.0 if options.quick else 5.0
    opening: list[float] = []
    speeds: dict[str, list[Speeds]] = {"no window": [], "one window": [], f"{WATCHERS} more connections": []}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        browser.new_page().wait_for_timeout(2000)  # it loads pages of its own when it begins
        for _ in range(options.rounds):
            with serving() as served:
                measure(browser, served, seconds, opening, speeds)
        browser.close()
    report_speeds(report, options, opening, speeds)
    return report.finish()


def measure(
    browser: Browser, served: Served, seconds: float, opening: list[float], speeds: dict[str, list[Speeds]]
) -> None:
    """Open a window, train at full speed, and note the speeds with and without watchers."""
    context = browser.new_context(viewport={"width": 1400, "height": 900})
    context.add_init_script(NOTE_FIRST_VIEW)
    window = open_window(context, served.link)
    opening.append(window.first_view())
    train_endlessly(window.page)
    unwatched, one, many = speeds.values()
    one.append(observe(window, seconds, served))
    address = window.page.url
    before, start = window.epoch(), time.perf_counter()
    window.page.close()
    time.sleep(seconds)
    window = open_window(context, address)
    unwatched.append(Speeds(0, (window.epoch() - before) / (time.perf_counter() - start)))
    cookie = "; ".join(f"{each['name']}={each['value']}" for each in context.cookies())
    with watching(address, cookie):
        many.append(observe(window, seconds, served))
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


def observe(window: Window, seconds: float, served: Served) -> Speeds:
    debugger = window.page.context.new_cdp_session(window.page)
    debugger.send("Performance.enable", {"timeDomain": "threadTicks"})

    def meters() -> dict[str, float]:
        found = debugger.send("Performance.getMetrics")["metrics"]
        return {each["name"]: each["value"] for each in found} | {"server": served.loop_seconds()}

    epoch, drawn, before, start = window.epoch(), window.drawn, meters(), time.perf_counter()
    window.page.wait_for_timeout(1000 * seconds)
    elapsed, frames = time.perf_counter() - start, window.drawn - drawn
    work = Work.between(before, meters(), frames)
    debugger.detach()
    return Speeds(frames / elapsed, (window.epoch() - epoch) / elapsed, work)


@contextmanager
def serving() -> Iterator[Served]:
    """Run `creche studio` on one thread, and give its link once it answers."""
    command = [*creche_command(), "studio", "penguins", "--no-browser", "--port", "0", "--threads", "1"]
    process = subprocess.Popen(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        assert process.stdout is not None
        told = ""
        for line in process.stdout:
            told += line
            if found := re.search(r"http://\S+token=\S+", told):
                yield Served(found[0], process.pid)
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
    report.section("Processor time for a frame, in ms")
    work = {name: [s.work for s in found if s.work] for name, found in speeds.items()}
    report.table(
        ["watched by", "page's main thread", "of it scripts", "of it layout", "event loop of the server"],
        [
            [name, *(Spread.of([getattr(w, part) for w in found]).show() for part in WORK_PARTS)]
            for name, found in work.items()
            if found
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
    report.claim_below("From the call of the link to the first view", Spread.of(opening), FIRST_VIEW_BELOW, " s")
    report.claim_at_least("Frames shown a second", Spread.of([s.frames for s in one]), FRAMES_AT_LEAST)
    report.claim_at_least("Epochs trained a second meanwhile", Spread.of([s.epochs for s in one]), EPOCHS_AT_LEAST)
    for name, size in sizes.items():
        report.claim_below(f"The {name}, compressed", Spread.of([size]), PAGE_BELOW, " kB")


def compressed(content: bytes) -> float:
    return len(gzip.compress(content, 9, mtime=0)) / 1000


if __name__ == "__main__":
    raise SystemExit(main())
