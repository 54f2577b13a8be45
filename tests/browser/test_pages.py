"""The marketers' pages in a real browser, with the numbers on screen checked against the API."""

import httpx
import pytest
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_the_list_shows_segments_with_size_and_value_and_leads_to_each(page: Page, shop_service: str) -> None:
    page.goto(f"{shop_service}/segments")
    told = httpx.get(f"{shop_service}/v1/segments").json()["segments"]
    for segment in (each for each in told if each["name"] in {"likely_to_churn", "loyal_customers"}):
        link = page.get_by_role("link", name=segment["title"], exact=True)
        row = page.get_by_role("row").filter(has=link)
        expect(row.get_by_role("cell").first).to_have_text(f"{segment['size']:,}")
    page.get_by_role("link", name="Likely to churn", exact=True).click()
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
    expect(page.get_by_role("heading", level=1)).to_have_text("No such segment")
    expect(page.get_by_role("navigation").get_by_role("link", name="Segments")).to_be_visible()
