"""What holds for every page: it fits, can be read and used by everybody, and is light."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Response, expect

from tests.browser.addresses import ADDRESSES

pytestmark = [pytest.mark.browser, pytest.mark.slow]

AXE = Path(__file__).parent / "vendor" / "axe-core-4.14.1" / "axe.min.js"
GRAVE = {"serious", "critical"}
TRANSFERRED_BYTES = 500_000


@pytest.mark.parametrize("path", ADDRESSES)
def test_axe_finds_nothing_serious_in_light_or_dark(path: str, browser: Browser, shop_service: str) -> None:
    # The checker is no part of the page, so the page's own policy would keep it out.
    for scheme in ("light", "dark"):
        with browser.new_context(bypass_csp=True, color_scheme=scheme) as context:
            opened = context.new_page()
            opened.goto(f"{shop_service}{path}")
            opened.wait_for_load_state("networkidle")
            opened.add_script_tag(path=AXE)
            found: dict[str, Any] = opened.evaluate("axe.run()")
            told = [
                f"{each['id']}: {each['help']} at {each['nodes'][0]['target']} {each['nodes'][0]['failureSummary']}"
                for each in found["violations"]
                if each["impact"] in GRAVE
            ]
            assert told == [], scheme


@pytest.mark.parametrize("path", ADDRESSES)
def test_nothing_runs_off_to_the_side_from_phone_to_wide(path: str, page: Page, shop_service: str) -> None:
    page.goto(f"{shop_service}{path}")
    page.wait_for_load_state("networkidle")
    for width in (360, 768, 1024, 1920):
        page.set_viewport_size({"width": width, "height": 740})
        # Charts follow the width of their place a frame later.
        page.wait_for_function(f"document.documentElement.scrollWidth <= {width}", timeout=5_000)


@pytest.mark.parametrize("path", ADDRESSES)
def test_a_page_with_all_it_fetches_is_light(path: str, page: Page, shop_service: str) -> None:
    sizes: list[int] = []

    def note(response: Response) -> None:
        sizes.append(int(response.headers.get("content-length", "0")))

    page.on("response", note)
    page.goto(f"{shop_service}{path}")
    page.wait_for_load_state("networkidle")
    assert all(sizes)
    assert sum(sizes) < TRANSFERRED_BYTES


@pytest.mark.parametrize("path", ADDRESSES)
def test_the_first_stop_of_the_keyboard_leads_past_the_navigation(
    path: str, page: Page, shop_service: str
) -> None:
    page.goto(f"{shop_service}{path}")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"


def test_numbers_and_dates_are_written_as_the_reader_does(browser: Browser, shop_service: str) -> None:
    with browser.new_context(locale="de-DE") as context:
        opened = context.new_page()
        opened.goto(f"{shop_service}/")
        assert opened.locator("data[data-as=money]").first.inner_text().endswith("\u00a0€")
        assert opened.locator("time").first.inner_text() == "26. Juni 2023"


def test_a_phone_shows_where_one_is_in_the_navigation(page: Page, shop_service: str) -> None:
    page.set_viewport_size({"width": 390, "height": 740})
    page.goto(f"{shop_service}/model")
    expect(page.locator("nav [aria-current]")).to_be_in_viewport(ratio=1)
