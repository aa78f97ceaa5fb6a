"""The pictures of the studio in the documentation: what they show can be reached."""

from __future__ import annotations

from playwright.sync_api import expect
from tools.site.studio_pictures import SCENES

from tests.studio.driving import Screen


def test_what_each_picture_shows_can_be_reached(screen: Screen) -> None:
    screen.step("Epoch")
    for scene in SCENES.values():
        scene.act(screen.page)
        expect(screen.page.locator(scene.part or "main")).to_be_visible()
