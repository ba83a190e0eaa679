"""`catdog demo` in a browser: with the mouse, with the keyboard alone, and as a screen reader finds it."""

import re
import signal
import time

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from benchmarks.bad_uploads import coded
from scripts.demo_picture import carried, demo, drop
from scripts.screenshots import CHROMIUM, chromium_page
from tests.servers import free_port
from tests.ui.conftest import CATDOG

pytestmark = [
    pytest.mark.service,
    pytest.mark.timeout(900),
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on this machine"),
]
HOSTILE = "<img src=x onerror=document.title='hit'>.jpg"
SERIOUS = ("serious", "critical")


def axe_finds(page):
    """What axe-core finds that is serious, in one line each."""
    found = Axe().run(page).response["violations"]
    return [f"{each['id']}: {each['nodes'][0]['html']}" for each in found if each["impact"] in SERIOUS]


def test_pictures_are_dropped_pasted_and_asked_again_with_the_keyboard_alone(store):
    expect.set_options(timeout=60_000)
    with demo(store, CATDOG, "--port", str(free_port())) as (process, address), chromium_page() as page:
        failed = []
        page.on("pageerror", lambda error: failed.append(str(error)))
        page.goto(address)
        expect(page.locator("#run option")).to_have_count(5)
        expect(page.locator("#figures")).to_contain_text("validation pictures")

        drop(page, {HOSTILE: coded("JPEG"), "notes.jpg": b"no picture"})
        first = page.get_by_role("listitem").filter(has=page.get_by_role("heading", name=HOSTILE, exact=True))
        expect(first.locator(".label")).to_have_text(re.compile("^(cat|dog)$"))
        expect(first.locator(".share").first).to_have_text(re.compile(r"^\d+\.\d %$"))
        expect(first.get_by_role("img", name=f"{HOSTILE}, its middle square")).to_be_visible()
        expect(first.locator(".heat")).to_be_visible()
        assert page.title() == "catdog demo"  # the name was taken for text
        broken = page.locator(".card").filter(has_text="notes.jpg")
        expect(broken).to_contain_text("not a picture")
        page.evaluate(
            "files => document.dispatchEvent(new ClipboardEvent('paste', {clipboardData: files}))",
            carried(page, {"pasted.jpg": coded("JPEG")}),
        )
        expect(page.get_by_role("status")).to_contain_text("pasted.jpg: ")

        # From here on by keys.
        page.locator("#choose").focus()
        reached = []
        for _ in range(9):
            reached.append(page.evaluate("document.activeElement.id || document.activeElement.textContent.trim()"))
            page.keyboard.press("Tab")
        cards = ["Remove", "Remove", "Try again", "Remove"]
        assert reached == ["choose", "run", "About this run", "heat", "clear", *cards]
        page.locator("#heat").focus()
        page.keyboard.press("Space")
        expect(first.locator(".heat")).to_be_hidden()
        before = page.locator("#figures").inner_text()
        page.locator("#run").focus()
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        expect(page.locator("#figures")).not_to_have_text(before)
        expect(page.locator(".asking")).to_have_count(0)
        expect(first.locator(".label")).to_have_text(re.compile("^(cat|dog)$"))
        page.get_by_role("button", name="Remove notes.jpg").focus()
        page.keyboard.press("Enter")
        expect(page.locator(".card")).to_have_count(2)
        assert page.evaluate("document.activeElement.className") == "remove"

        for width in (360, 1280):
            for scheme in ("light", "dark"):
                page.set_viewport_size({"width": width, "height": 800})
                page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
                assert axe_finds(page) == [], (width, scheme)
                assert page.evaluate("document.documentElement.scrollWidth") == width
        assert page.evaluate("getComputedStyle(document.querySelector('.fill')).transitionDuration") == "0s"
        assert failed == []

        begun = time.monotonic()
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
        assert time.monotonic() - begun < 10
