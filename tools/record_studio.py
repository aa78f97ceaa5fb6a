"""Record the studio for the top of the README: docs/images/studio.webp, ten seconds of a network that learns.

python tools/record_studio.py [FILE]

The network learns epoch by epoch, eight a second; then the loss against a weight comes, and its point rolls. It needs
Chromium, Playwright, Pillow, and the page (make web).
"""

from __future__ import annotations

import io
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "src"), str(ROOT)]

from tests.conftest import CHROMIUM, FLAGS  # noqa: E402
from tools.site.studio_pictures import serving  # noqa: E402

FILE = ROOT / "docs" / "images" / "studio.webp"
WIDTH, HEIGHT = 1280, 860
SHOWN_WIDTH = 900
FRAMES_PER_SECOND = 8
SECONDS = 10
CLICK_AT = 4  # seconds
MOST_BYTES = 3_000_000


def main() -> int:
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else FILE
    with serving() as link, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light")
        page.goto(link)
        page.get_by_test_id("epoch").wait_for()
        frames = record(page)
        browser.close()
    save(frames, path)
    print(f"{path}: {len(frames)} frames, {path.stat().st_size / 1e6:.2f} MB")
    return 0


def record(page: Page) -> list[Image.Image]:
    """Do what the recording shows, and take a picture after each epoch, however long either takes."""
    frames = [picture(page)] * FRAMES_PER_SECOND
    while len(frames) < SECONDS * FRAMES_PER_SECOND:
        if len(frames) == CLICK_AT * FRAMES_PER_SECOND:
            page.get_by_role("button", name="Steepest weight").click()
            page.get_by_role("slider", name="Value of the weight").wait_for()
            page.locator(".weight-panel").evaluate("(panel) => panel.scrollIntoView({ block: 'end' })")
            frames += [picture(page)] * (FRAMES_PER_SECOND // 2)
        epoch = int(page.get_by_test_id("epoch").inner_text()) + 1
        page.keyboard.press(",")
        page.wait_for_function(
            "(epoch) => document.querySelector('[data-testid=epoch]').textContent === String(epoch)", arg=epoch
        )
        frames.append(picture(page))
    return frames


def picture(page: Page) -> Image.Image:
    image = Image.open(io.BytesIO(page.screenshot(animations="allow"))).convert("RGB")
    return image.resize((SHOWN_WIDTH, round(HEIGHT * SHOWN_WIDTH / WIDTH)), Image.Resampling.LANCZOS)


def save(frames: list[Image.Image], path: Path) -> None:
    """Write an animation that browsers play again and again, as good as the limit of its size allows."""
    path.parent.mkdir(parents=True, exist_ok=True)
    for quality in (80, 65, 50, 35):
        frames[0].save(
            path, save_all=True, append_images=frames[1:], duration=1000 // FRAMES_PER_SECOND, loop=0, quality=quality,
            method=4,
        )  # fmt: skip
        if path.stat().st_size <= MOST_BYTES:
            return
    raise SystemExit(f"{path} has {path.stat().st_size:,} bytes, more than {MOST_BYTES:,}")


if __name__ == "__main__":
    raise SystemExit(main())
