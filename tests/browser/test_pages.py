"""The main pages in a real browser, with the numbers on screen checked against the API."""

import re
from typing import Any

import httpx
import pytest
from playwright.sync_api import Locator, Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def api(shop_service: str, path: str) -> Any:  # noqa: ANN401 - JSON
    return httpx.get(f"{shop_service}{path}").raise_for_status().json()


def number(place: Locator) -> float:
    """Return the number that a place on the page shows."""
    return float(str(place.locator("data").first.get_attribute("value")))


def test_home_says_what_the_api_says(page: Page, shop_service: str) -> None:
    page.goto(shop_service)
    segments = {each["name"]: each for each in api(shop_service, "/v1/segments")["segments"]}
    figures = page.locator(".figures .number")
    assert number(figures.nth(0)) == api(shop_service, "/v1/segments")["customers"]
    assert number(figures.nth(1)) == segments["likely_to_churn"]["size"]
    expect(figures.nth(1)).to_have_text(f"{segments['likely_to_churn']['size']:,}")
    cell = page.locator(".lifecycle a[href='/segments/loyal_active']")
    assert number(cell) == segments["loyal_active"]["size"]
    row = page.get_by_role("row").filter(has=page.locator("a[href='/segments/loyal_customers']"))
    assert number(row.get_by_role("cell").first) == segments["loyal_customers"]["size"]


def test_the_list_shows_segments_with_size_and_value_and_leads_to_each(page: Page, shop_service: str) -> None:
    page.goto(f"{shop_service}/segments")
    told = {each["name"]: each for each in api(shop_service, "/v1/segments")["segments"]}
    for name in ("likely_to_churn", "loyal_customers"):
        row = page.get_by_role("row").filter(has=page.locator(f"a[href='/segments/{name}']"))
        shown = [number(cell) for cell in row.locator("td.num").all()]
        assert shown == pytest.approx([told[name]["size"], told[name]["value"]], rel=1e-9)
    page.get_by_role("link", name="Likely to churn", exact=True).click()
    expect(page).to_have_url(f"{shop_service}/segments/likely_to_churn")


def test_segments_are_found_while_typing_and_the_address_keeps_it(page: Page, shop_service: str) -> None:
    page.goto(f"{shop_service}/segments")
    page.get_by_role("searchbox").fill("referrals loyal")
    expect(page.locator(".segments a[href='/segments/likely_to_churn']")).to_have_count(0)
    expect(page.locator(".segments a[href='/segments/loyal_customers']")).to_be_visible()
    expect(page).to_have_url(re.compile("q=referrals"))
    page.get_by_role("searchbox").fill("no such thing at all")
    expect(page.get_by_text("No segment fits")).to_be_visible()


def test_a_segment_shows_the_members_that_the_api_lists_sorted_and_by_pages(
    page: Page, shop_service: str
) -> None:
    page.goto(f"{shop_service}/segments/loyal_customers")
    told = api(shop_service, "/v1/segments/loyal_customers/members?limit=1000")["members"]
    ids = page.locator("#members .id")
    assert ids.all_inner_texts() == [each["customer_id"] for each in told[:50]]
    expect(page.locator("#members .why").nth(1)).to_contain_text(told[0]["reasons"][0])
    page.locator("#members").get_by_role("link", name="Value, next year").click()
    expect(page.locator("#members [aria-sort=descending]")).to_be_visible()
    values = sorted((each["scores"]["clv_365d"] for each in told), reverse=True)
    shown = [number(cell) for cell in page.locator("#members td[data-label='Value, next year']").all()]
    assert shown == pytest.approx(values[:50], rel=1e-9)
    page.locator("#members").get_by_role("link", name="Next", exact=True).click()
    expect(page.locator("#members .paging")).to_contain_text("Page 2 of")
    expect(page).to_have_url(re.compile("page=2"))


def test_a_segment_says_what_its_members_are_otherwise(page: Page, shop_service: str) -> None:
    page.goto(f"{shop_service}/segments/loyal_customers")
    expect(page.get_by_role("heading", name="Why these people")).to_be_visible()
    told = api(shop_service, "/segments/loyal_customers/sharing.json")
    first = page.get_by_role("row").filter(has_text=told["overlap"][0]["title"]).last
    assert number(first.get_by_role("cell").first) == told["overlap"][0]["both"]


def test_members_are_downloaded_with_two_clicks_from_the_list(page: Page, shop_service: str) -> None:
    page.goto(f"{shop_service}/segments")
    page.get_by_role("link", name="Loyal customers", exact=True).click()
    with page.expect_download() as download:
        page.get_by_role("link", name="Export members").click()
    lines = download.value.path().read_text().splitlines()
    assert len(lines) - 1 == api(shop_service, "/v1/segments/loyal_customers")["size"]


def test_the_builder_s_form_and_text_follow_each_other_with_the_count_of_the_api(
    page: Page, shop_service: str
) -> None:
    page.goto(f"{shop_service}/builder")
    page.locator("#value-0-0").fill("3")
    expect(page.locator("#text")).to_have_value("orders >= 3")
    page.get_by_role("button", name="Add a condition").click()
    page.locator("#column-1").select_option("churn_probability_90d")
    expect(page.locator(".row").nth(1).locator(".unit")).to_have_text("%")
    page.locator("#value-1-0").fill("20")
    expression = "orders >= 3 and churn_probability_90d >= 0.2"
    expect(page.locator("#text")).to_have_value(expression)
    body = {"expression": expression}
    told = httpx.post(f"{shop_service}/v1/segments/preview", json=body).raise_for_status().json()
    expect(page.locator("#count")).to_have_text(f"{told['count']:,}")
    page.locator("#text").fill("days_since_last_order between 5 and 40")
    expect(page.locator("#column-0")).to_have_value("days_since_last_order")
    expect(page.locator("#value-0-1")).to_have_value("40")


def test_a_slip_in_the_builder_is_told_beside_its_field(page: Page, shop_service: str) -> None:
    page.goto(f"{shop_service}/builder")
    page.locator("#value-0-0").fill("many")
    expect(page.locator("#error-0")).to_contain_text("'many' is not a number")
    page.locator("#text").fill("oders >= 3")
    expect(page.locator("#text-error")).to_contain_text("did you mean 'orders'?")


def test_the_grids_lead_to_the_members_of_each_cell(page: Page, shop_service: str) -> None:
    told = {each["name"]: each for each in api(shop_service, "/v1/segments")["segments"]}
    page.goto(f"{shop_service}/grids?of=rfm")
    tile = page.locator(".tiles a[href='/segments/rfm_champions']")
    assert number(tile) == told["rfm_champions"]["size"]
    tile.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Champions")


def test_a_page_that_does_not_exist_says_so_and_leads_back(page: Page, shop_service: str) -> None:
    answer = page.request.get(f"{shop_service}/segments/no_such_segment")
    assert answer.status == 404
    page.set_content(answer.text())
    expect(page.get_by_role("heading", level=1)).to_have_text("No such segment")
    expect(page.get_by_role("navigation").get_by_role("link", name="Segments")).to_be_visible()
