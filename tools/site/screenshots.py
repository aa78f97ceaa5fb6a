"""Look at the site in Chromium: python -m tools.site.screenshots [FOLDER], after `make docs`.

Every page is opened from a server on this machine, light and dark, wide and 390 pixels narrow. A console error, a
request to any other host, a picture that does not load, a page wider than its window, and each violation that axe-core
finds are printed, and pictures of all pages are kept in FOLDER.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tools.site.structure import ROOT

SITE = ROOT / "build" / "docs" / "site"
WIDE, NARROW = (1280, 900), (390, 844)
LOOKS = [("light", WIDE), ("dark", WIDE), ("light", NARROW), ("dark", NARROW)]
# What the guidelines for accessible pages (WCAG 2.1, A and AA) demand. The best practices that axe-core knows as well
# ask for names of landmarks that Zensical's own scripts make.
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}
BROKEN_PICTURES = "[...document.images].filter(i => i.complete && !i.naturalWidth).map(i => i.src)"
PICTURED = ("index.html", "tutorial.html", "gallery.html", "coming_from.html", "reference/python/training.html")


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def serve(folder: Path) -> Iterator[str]:
    """Serve a folder on this machine, and give its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()


def watch(page: Any, address: str, found: list[str]) -> None:
    """Note each console error of a page, and each request to any other host."""

    def note_console(message: Any) -> None:
        if message.type == "error":
            found.append(message.text)

    def note_request(request: Any) -> None:
        if not request.url.startswith((address, "data:", "blob:")):
            found.append(f"asks for {request.url}")

    page.on("console", note_console)
    page.on("request", note_request)


def look(address: str, folder: Path, names: list[str]) -> list[str]:
    """Open the pages in every look, and return what is wrong with them."""
    from axe_playwright_python.sync_playwright import Axe
    from playwright.sync_api import sync_playwright
    from tests.conftest import CHROMIUM, FLAGS

    found: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        for scheme, (width, height) in LOOKS:
            page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)  # type: ignore[arg-type]
            here: list[str] = []
            watch(page, address, here)
            for name in names:
                here.clear()
                page.goto(f"{address}/{name}", wait_until="load")
                here += [f"broken picture {source}" for source in page.evaluate(BROKEN_PICTURES)]
                wider = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
                if wider > 0:
                    here.append(f"{wider} pixels wider than the window")
                for violation in Axe().run(page, options=RULES).response["violations"]:
                    where = "; ".join(str(node["target"]) for node in violation["nodes"][:3])
                    here.append(f"axe: {violation['id']}: {len(violation['nodes'])} times: {where}")
                found += [f"{name}, {scheme}, {width}: {what}" for what in here]
                if name in PICTURED:
                    path = folder / f"{name.replace('/', '-').removesuffix('.html')}-{scheme}-{width}.png"
                    page.screenshot(path=path, full_page=width == NARROW[0] or name != PICTURED[-1])
            page.close()
        browser.close()
    return found


def main(arguments: list[str]) -> int:
    """Look at all pages, or at those named after the folder of the pictures; 1 if anything is wrong."""
    folder = Path(arguments[0]) if arguments else SITE.parent / "screenshots"
    folder.mkdir(parents=True, exist_ok=True)
    names = arguments[1:] or sorted(path.relative_to(SITE).as_posix() for path in SITE.rglob("*.html"))
    with serve(SITE) as address:
        found = look(address, folder, names)
    print("\n".join(found) or f"{len(names)} pages, nothing to complain about")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
