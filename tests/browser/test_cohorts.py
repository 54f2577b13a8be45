"""The Cohorts page in a real browser, with the numbers on screen checked against its twin."""

import httpx
import pytest
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_the_cohorts_page_shows_who_came_back_what_they_spent_and_what_is_missing(
    page: Page, shop_service: str
) -> None:
    told = httpx.get(f"{shop_service}/v1/cohorts").json()
    page.goto(f"{shop_service}/")
    page.get_by_role("navigation").get_by_role("link", name="Cohorts").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Do customers come back?")
    rows = page.get_by_role("group", name="Who ordered again").locator("tbody tr")
    expect(rows).to_have_count(len(told["months"]))
    for row, month in enumerate(told["months"]):
        cells = rows.nth(row).locator("td")
        expect(cells.nth(0)).to_have_text(f"{month['customers']:,}")
        if len(month["kept"]) > 1 and month["kept"][1] >= 0.01:
            expect(cells.nth(2)).to_contain_text(f"{100 * month['kept'][1]:.0f}")
    expect(page.locator("figure.chart canvas")).to_have_count(2)
    expect(page.get_by_text("what a new customer costs is missing")).to_be_visible()
    first = page.get_by_role("group", name="By first product").locator("tbody tr").first
    expect(first.get_by_role("rowheader")).to_have_text(told["products"][0]["title"])
    expect(first.locator("td").first).to_have_text(f"{told['products'][0]['customers']:,}")
