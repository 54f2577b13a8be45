"""The marketers' pages in a real browser."""

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

pytestmark = [pytest.mark.browser, pytest.mark.slow]

NAMES = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    found = next((path for path in map(shutil.which, NAMES) if path), None)
    if found is None:
        pytest.skip("no Chromium on this machine; on Debian: apt install chromium")
    with sync_playwright() as playwright:
        # Without a sandbox of its own, as containers run everything as root; only our own pages are opened.
        launched = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """Return a page that fails the test when the browser complains or anything is asked of another host."""
    opened = browser.new_page()
    complaints: list[str] = []
    opened.on(
        "console", lambda said: complaints.append(said.text) if said.type in {"error", "warning"} else None
    )
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    asked: list[str] = []
    opened.on("request", lambda request: asked.append(request.url))
    yield opened
    opened.close()
    assert complaints == []
    assert [url for url in asked if not url.startswith("http://127.0.0.1:")] == []


def test_the_list_shows_segments_with_size_and_value_and_leads_to_each(page: Page, shop_service: str) -> None:
    page.goto(shop_service)
    link = page.get_by_role("link", name="Likely to churn", exact=True)
    expect(link).to_be_visible()
    row = page.get_by_role("row").filter(has=link)
    expect(row.get_by_role("cell").first).not_to_be_empty()
    link.click()
    expect(page).to_have_url(f"{shop_service}/segments/likely_to_churn")


def test_a_segment_says_who_is_in_and_why(page: Page, shop_service: str) -> None:
    page.goto(f"{shop_service}/segments/likely_to_churn")
    expect(page.get_by_role("heading", level=1)).to_have_text("Likely to churn")
    first = page.get_by_role("row").nth(1)
    expect(first.get_by_role("rowheader")).to_contain_text("c")
    expect(first.get_by_role("listitem").first).to_be_visible()


def test_a_page_that_does_not_exist_says_so_and_leads_back(page: Page, shop_service: str) -> None:
    answer = page.request.get(f"{shop_service}/segments/no_such_segment")
    assert answer.status == 404
    page.set_content(answer.text())
    expect(page.get_by_role("link", name="All segments", exact=True)).to_be_visible()


@pytest.mark.parametrize("path", ["/", "/segments/likely_to_churn"])
def test_on_a_phone_nothing_runs_off_to_the_side(path: str, page: Page, shop_service: str) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto(f"{shop_service}{path}")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_every_segment_can_be_reached_with_the_keyboard(page: Page, shop_service: str) -> None:
    page.goto(shop_service)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.locator("main a").first).to_be_focused()
