"""Pictures of the studio, which the build takes in Chromium: wide and narrow, light and dark.

A page of docs/ asks for one by a comment, ``<!-- picture: NAME -->``, which those who read the page as text do not see.
"""

from __future__ import annotations

import io
import re
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from tools.site.code_blocks import PageError

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

__all__ = ["SCENES", "Scene", "find_asked", "open_browser", "place_pictures", "serving", "take_pictures"]

ASKED = re.compile(r"^<!-- picture: (studio-[\w-]+) -->$", re.MULTILINE)
SCHEMES = ("light", "dark")
SIZES = {"wide": (1280, 860), "narrow": (420, 960)}  # pixels of a window
NARROW = "(max-width: 44rem)"
PIXEL_RATIO = 1.5  # so that letters are sharp on most screens
QUALITY = 88  # of WebP; below it, the edges of letters blur
EPOCHS = 12  # trained before the pictures: the network has learned something, and its curves have a shape


class Scene(NamedTuple):
    """What a picture shows: its description, what a person does in the page to see it, and the part that is shown."""

    description: str
    act: Callable[[Page], None]
    part: str | None = None


def show(page: Page, view: str) -> None:
    page.get_by_role("navigation", name="Views").get_by_role("button", name=view, exact=True).click()


def act_network(page: Page) -> None:
    show(page, "Network")


def act_weight(page: Page) -> None:
    show(page, "Network")
    page.get_by_role("button", name="Steepest weight").click()
    page.get_by_role("slider", name="Value of the weight").wait_for()


def act_table(page: Page) -> None:
    show(page, "Table")
    page.get_by_role("heading", name="Columns").wait_for()


def act_step(page: Page) -> None:
    show(page, "One step")
    page.locator(".stage-title").wait_for()
    stages = page.locator(".walk select").first
    stages.select_option(stages.locator("option", has_text="Gradients at the sums of layer 1").get_attribute("value"))
    page.locator(".stage-title", has_text="Gradients at the sums of layer 1").wait_for()


def act_colony(page: Page) -> None:
    show(page, "Colony")
    page.get_by_label("how many").fill("12")
    page.get_by_role("button", name=re.compile("^Train .* networks$")).click()
    page.get_by_text(re.compile("networks were trained")).wait_for()


def act_predict(page: Page) -> None:
    show(page, "Predict")
    page.get_by_test_id("predicted").wait_for()


# In this order they are taken, in one session.
SCENES = {
    "studio-network": Scene(
        "The studio after twelve epochs: settings, the network with a row on its way through, loss and accuracy",
        act_network,
    ),
    "studio-weight": Scene(
        "The loss against one weight: the curve, its tangent, and where the next step leads",
        act_weight,
        ".weight-panel",
    ),
    "studio-table": Scene("The table: label and task, and each column with a histogram and its role", act_table),
    "studio-step": Scene("One step, taken apart: the gradients at the sums of a layer", act_step),
    "studio-colony": Scene("A colony: the validation losses of 120 networks, by optimizer and rate", act_colony),
    "studio-predict": Scene("The form: four features, and the probabilities of the species", act_predict, "main"),
}


def find_asked(text: str) -> list[str]:
    """Return the names of the pictures of the studio that a page asks for.

    Examples
    --------
    >>> find_asked("# Page\\n\\n<!-- picture: studio-network -->\\n")
    ['studio-network']

    """
    return ASKED.findall(text)


def place_pictures(text: str, to_images: str, sizes: Mapping[str, tuple[int, int]]) -> str:
    """Put pictures where a page asks for them, each as a light or a dark screen, a wide or a narrow one needs it.

    Parameters
    ----------
    text : str
        A page.
    to_images : str
        The folder of the pictures, seen from the page.
    sizes : mapping of str to (int, int)
        Width and height of each picture that was taken. The comment that asks for another is left out.

    Examples
    --------
    >>> place_pictures("<!-- picture: studio-network -->", "images", {})
    ''

    """

    def place(found: re.Match[str]) -> str:
        name = found[1]
        if name not in sizes:
            return ""
        width, height = sizes[name]
        shown = "".join(
            f'<picture class="only-{scheme}"><source media="{NARROW}" srcset="{to_images}/{name}-narrow-{scheme}.webp">'
            f'<img src="{to_images}/{name}-wide-{scheme}.webp" alt="{SCENES[name].description}" '
            f'width="{width}" height="{height}" loading="lazy"></picture>'
            for scheme in SCHEMES
        )
        return f'<figure class="creche-picture">{shown}</figure>'

    return ASKED.sub(place, text)


def take_pictures(names: Iterable[str], folder: Path) -> dict[str, tuple[int, int]]:
    """Take pictures of the studio in Chromium, write them to a folder, and return the sizes of the wide ones.

    Where there is no Chromium, a warning says so, and no picture is taken.

    Raises
    ------
    PageError
        If there is no such picture, if what it shows cannot be reached, or if the page of the studio complains.

    """
    from creche.errors import FileError

    names = set(names)
    if unknown := names - set(SCENES):
        raise PageError(f"there is no picture {min(unknown)!r}; choose one of {', '.join(SCENES)}")
    if not names:
        return {}
    with open_browser() as browser:
        if browser is None:
            return {}
        try:
            with serving() as link:
                return _take_all(browser, link, [name for name in SCENES if name in names], folder)
        except FileError as error:  # the page of the studio is not built
            raise PageError(f"no pictures of the studio: {error}") from error


@contextmanager
def open_browser() -> Iterator[Browser | None]:
    """Start Chromium; where it is missing, a warning says so."""
    from tests.conftest import CHROMIUM, FLAGS

    missing = None if Path(CHROMIUM).exists() else f"there is no Chromium at {CHROMIUM}; set CRECHE_CHROMIUM"
    if find_spec("playwright") is None:
        missing = "Playwright is not installed: pip install '.[dev]'"
    if missing:
        warnings.warn(f"no picture is taken, and no page is looked at: {missing}", stacklevel=3)
        yield None
        return
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


def _take_all(browser: Browser, link: str, names: list[str], folder: Path) -> dict[str, tuple[int, int]]:
    from playwright.sync_api import Error

    folder.mkdir(parents=True, exist_ok=True)
    context = browser.new_context(device_scale_factor=PIXEL_RATIO, reduced_motion="reduce")
    complaints: list[str] = []
    sizes = {}
    name = "the first page"
    try:
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.goto(link)
        _train(page)
        for name in names:
            _resize(page, "wide")
            SCENES[name].act(page)
            for size, scheme in product(SIZES, SCHEMES):
                _resize(page, size)
                page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
                page.locator(f".creche-studio[data-scheme={scheme}]").wait_for()
                picture = _picture(page, SCENES[name].part)
                picture.save(folder / f"{name}-{size}-{scheme}.webp", "WEBP", quality=QUALITY, method=4)
                sizes.setdefault(name, (round(picture.width / PIXEL_RATIO), round(picture.height / PIXEL_RATIO)))
            if complaints:
                raise PageError(f"{name}: the page of the studio complains: {'; '.join(complaints)}")
    except Error as error:
        raise PageError(f"{name}: {error}") from error
    finally:
        context.close()
    return sizes


def _train(page: Page) -> None:
    """Train the same epochs each time; the weights after them are the same, too."""
    page.get_by_test_id("epoch").wait_for()
    for epoch in range(1, EPOCHS + 1):
        page.keyboard.press(",")
        page.wait_for_function(
            "(epoch) => document.querySelector('[data-testid=epoch]').textContent === String(epoch)", arg=epoch
        )


def _resize(page: Page, size: str) -> None:
    width, height = SIZES[size]
    page.set_viewport_size({"width": width, "height": height})
    page.mouse.move(0, 0)
    page.evaluate("document.activeElement.blur(); window.scrollTo(0, 0);")
    # What is drawn anew at another size is drawn in the next frame.
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def _picture(page: Page, part: str | None) -> Any:
    from PIL import Image

    if part is None:
        shot = page.screenshot(animations="disabled")
    else:
        shot = page.locator(part).screenshot(animations="disabled")
    return Image.open(io.BytesIO(shot)).convert("RGB")


@contextmanager
def serving() -> Iterator[str]:
    """Serve the studio with the penguins, and give the link that begins a session."""
    from creche.studio.page_files import page_folder
    from creche.studio.server.run import Server, ServerOptions
    from creche.studio.session import Session
    from creche.studio.table_source import open_bundled

    server = Server(lambda: Session(open_bundled("penguins-four"), threads=1), page_folder(), ServerOptions(port=0))
    started = threading.Event()
    thread = threading.Thread(target=server.run, args=(started.set,))
    thread.start()
    started.wait()
    try:
        yield server.link
    finally:
        server.stop()
        thread.join()
