"""The model page in a real browser, with the numbers on screen checked against its twin."""

import httpx
import pytest
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_the_model_page_says_how_far_to_trust_the_numbers_and_shows_them(
    page: Page, shop_service: str
) -> None:
    told = httpx.get(f"{shop_service}/v1/model").json()
    page.goto(f"{shop_service}/")
    page.get_by_role("navigation").get_by_role("link", name="Model").click()
    expect(page.locator(".lead")).to_have_text(told["trust"])
    newest = told["judged"][0]
    table = page.get_by_role("group", name="Groups by probability").first
    expect(table.locator("tbody tr")).to_have_count(len(newest["groups"]))
    for row, group in enumerate(newest["groups"]):
        cells = table.locator("tbody tr").nth(row).locator("td")
        expect(cells.nth(0)).to_have_text(f"{group['customers']:,}")
        expect(cells.nth(5)).to_have_text(f"{group['orders']:,.0f}")
    assert told["peers"][0]["method"] == "regulars"
    first = (
        page.get_by_role("group", name="Beside other methods").locator("tbody tr").first.locator("td").first
    )
    expect(first).to_have_text(f"{told['peers'][0]['auc']:.3f}")
    expect(page.locator("figure.chart canvas")).to_have_count(2)


def test_it_leads_to_what_drifted_and_to_the_model_card(page: Page, shop_service: str) -> None:
    page.goto(f"{shop_service}/model")
    page.get_by_role("link", name="All that was compared").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("All that was compared")
    expect(page.get_by_text("as stored").first).to_be_visible()
    page.get_by_role("link", name="Model").last.click()
    page.get_by_role("link", name="Model card").click()
    expect(page.get_by_role("heading", level=2).first).to_have_text("What it predicts")
