"""Look at the site in Chromium, as `make docs-test` does: python -m tools.site.browser_check [PAGE …].

Every page is opened from a server on this machine, in light and in dark, in a wide window and in one of 390 pixels. A
console error, a request that fails or goes to another machine, a picture that does not load, a page wider
than its window, and each violation that axe-core finds are printed, and the exit code is 1. ``--pictures`` keeps
pictures of the pages.
"""

from __future__ import annotations

import argparse
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tools.site.structure import ROOT
from tools.site.studio_pictures import open_browser

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

__all__ = ["check_pages", "serve"]

SITE = ROOT / "build" / "docs" / "site"
# What the guidelines for accessible pages (WCAG 2.1, A and AA) demand. The best practices that axe-core knows as well
# ask for names of landmarks that Zensical's own scripts make.
RULES: dict[str, Any] = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"], "resultTypes": ["violations"]}
CONTRAST: dict[str, Any] = {"runOnly": ["color-contrast"], "resultTypes": ["violations"]}
# The widths of the windows in each scheme, and what axe-core is asked there: in dark, only colours differ.
HEIGHT = 900
LOOKS: dict[str, dict[str, tuple[int, dict[str, Any]]]] = {
    "light": {"wide": (1280, RULES), "narrow": (390, RULES)},
    "dark": {"wide": (1280, CONTRAST), "narrow": (390, CONTRAST)},
}
# Pictures of the other scheme are not shown, and not loaded; the others are, wherever on the page they are.
LOAD_PICTURES = """async () => {
  const shown = [...document.images].filter((image) => image.checkVisibility());
  shown.forEach((image) => { image.loading = "eager"; });
  await Promise.all(shown.map((image) => image.decode().catch(() => {})));
  return shown.filter((image) => !image.naturalWidth).map((image) => image.currentSrc || image.src);
}"""
WIDER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
SETTLED = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
# A colour on its way from light to dark has too little contrast.
AT_ONCE = "*, *::before, *::after { transition: none !important; animation: none !important; }"


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
        server.server_close()
        thread.join()


def check_pages(browser: Browser, address: str, names: list[str], pictures: Path | None = None) -> list[str]:
    """Open pages in light and in dark, in a window that is wide and then narrow, and return what is wrong with them.

    Parameters
    ----------
    browser : Browser
    address : str
        Where the site is served.
    names : list of str
        The paths of the pages on it.
    pictures : Path, optional
        A folder for pictures of the pages.

    """
    found: list[str] = []
    for scheme, looks in LOOKS.items():
        context = browser.new_context(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
        for name in names:
            page = context.new_page()
            here: list[str] = []
            _watch(page, address, here)
            for number, (look, (width, rules)) in enumerate(looks.items()):
                page.set_viewport_size({"width": width, "height": HEIGHT})
                if not number:
                    page.goto(f"{address}/{name}", wait_until="load")
                    page.add_style_tag(content=AT_ONCE)
                here += _look(page, rules)
                found += [f"{name}: {scheme}, {look}: {what}" for what in here]
                here.clear()
                if pictures is not None:
                    _keep(page, pictures, f"{name}-{scheme}-{look}")
            page.close()
        context.close()
    return found


def _watch(page: Page, address: str, found: list[str]) -> None:
    """Note errors of a page, and requests that fail or go to another machine; the latter do not leave this one."""

    def answer(route: Any) -> None:
        if route.request.url.startswith((address, "data:", "blob:")):
            route.continue_()
        else:
            found.append(f"asks for {route.request.url}")
            route.abort()

    page.route("**/*", answer)

    def note_console(message: Any) -> None:
        if message.type == "error":
            found.append(f"console: {message.text}")

    def note_response(response: Any) -> None:
        if response.status >= 400:
            found.append(f"{response.status} for {response.url}")

    page.on("console", note_console)
    page.on("response", note_response)
    page.on("pageerror", lambda error: found.append(f"exception: {error}"))


def _look(page: Page, rules: dict[str, Any]) -> list[str]:
    from axe_playwright_python.sync_playwright import Axe

    page.evaluate(SETTLED)
    found = [f"broken picture {source}" for source in page.evaluate(LOAD_PICTURES)]
    if (wider := page.evaluate(WIDER)) > 0:
        found.append(f"{wider} pixels wider than the window")
    for violation in Axe().run(page, options=rules).response["violations"]:
        where = "; ".join(str(node["target"]) for node in violation["nodes"][:3])
        found.append(f"axe: {violation['id']}: {len(violation['nodes'])} times: {where}")
    return found


def _keep(page: Page, folder: Path, name: str) -> None:
    path = folder / f"{name.replace('/', '-').replace('.html', '')}.png"
    page.screenshot(path=path, full_page="reference" not in name)


def _check_part(address: str, names: list[str], pictures: Path | None) -> list[str] | None:
    with open_browser() as browser:
        return None if browser is None else check_pages(browser, address, names, pictures)


def main(arguments: list[str]) -> int:
    """Look at all pages, or at those that are named; 1 if anything is wrong."""
    parser = argparse.ArgumentParser(prog="python -m tools.site.browser_check")
    parser.add_argument("--pictures", type=Path, metavar="FOLDER", help="keep pictures of the pages here")
    parser.add_argument("pages", nargs="*", metavar="PAGE", help="paths on the site; without any, all pages")
    given = parser.parse_args(arguments)
    names = given.pages or sorted(path.relative_to(SITE).as_posix() for path in SITE.rglob("*.html"))
    if not names:
        print("the site is not built; run make docs", file=sys.stderr)
        return 1
    if given.pictures:
        given.pictures.mkdir(parents=True, exist_ok=True)
    with serve(SITE) as address, ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        parts = list(pool.map(partial(_check_part, address, pictures=given.pictures), [names[::2], names[1::2]]))
    if None in parts:
        return 1
    found = [line for part in parts for line in part or ()]
    print("\n".join(found) or f"{len(names)} pages, nothing to complain about")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
