"""Customers and refills in a real browser: what is on screen is what the API tells, and a list is taken along."""

import csv
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


def test_from_open_to_the_exported_list_of_who_is_due_this_week_in_two_clicks(
    page: Page, shop_service: str
) -> None:
    page.goto(shop_service)
    page.get_by_role("navigation").get_by_role("link", name="Replenishment").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="Export this week's list").click()
    with download.value.path().open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == number(page.locator(".figures .number").first) > 0
    assert {row["customer_id"] for row in rows} >= set(page.locator(".reminders .id").all_inner_texts())


def test_the_calendar_leads_to_a_days_reminders_and_refills(page: Page, shop_service: str) -> None:
    page.goto(f"{shop_service}/replenishment")
    days = [each for week in api(shop_service, "/replenishment.json")["weeks"] for each in week if each]
    day = next(each for each in days if each["reminders"])
    link = page.locator(f".calendar a[href^='/replenishment?day={day['day']}']")
    assert number(link) == day["reminders"]
    link.click()
    assert number(page.locator(".figures .number").first) == day["reminders"]


def test_a_customer_is_looked_up_and_shown_as_the_api_tells_him(page: Page, shop_service: str) -> None:
    page.goto(f"{shop_service}/customers")
    page.get_by_role("searchbox").fill("c00")
    page.get_by_role("button", name="Look up").click()
    page.get_by_role("link", name="c007", exact=True).click()
    told = api(shop_service, "/v1/customers/c007")
    figures = page.locator(".figures .number")
    assert number(figures.nth(0)) == pytest.approx(told["scores"]["clv_365d"], rel=1e-9)
    assert number(figures.nth(2)) == pytest.approx(told["scores"]["p_order_30d"], rel=1e-9)
    expect(page.locator(".belongs tbody tr")).to_have_count(len(told["segments"]))
    expect(page.locator("figure.chart canvas")).to_be_visible()
    orders = api(shop_service, "/timeline.json/c007")["entries"]
    expect(page.locator(".timeline > li")).to_have_count(len(orders))
    assert number(page.locator(".timeline > li .num").first) == orders[0]["paid"] + orders[0]["refunded"]


def test_why_a_customer_is_not_in_a_segment_is_told_when_it_is_picked(page: Page, shop_service: str) -> None:
    other = api(shop_service, "/belongs.json/c007")["others"][0]
    page.goto(f"{shop_service}/customers/c007")
    page.get_by_label("Why not in another one?").select_option(other["name"])
    expect(page.locator("#why-told h3")).to_have_text(f"{other['title']}: not in")
    expect(page.locator("#why-told li").first).to_be_visible()


def test_what_is_looked_up_stands_in_no_address(page: Page, shop_service: str) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{shop_service}/customers")
    page.get_by_role("searchbox").fill("ann@example.com")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Nobody is known by that")).to_be_visible()
    assert not [url for url in asked if "example" in url]
    assert "example" not in page.url


def test_a_product_shows_its_refills_by_state_and_the_units_expected(page: Page, shop_service: str) -> None:
    page.goto(f"{shop_service}/replenishment/products?level=product")
    item = api(shop_service, "/replenishment/products.json?level=product")["items"][0]
    page.locator(".products tbody th a").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text(item["title"])
    expect(page.locator("figure.chart canvas")).to_be_visible()
    page.get_by_label("Late").check()
    page.get_by_role("button", name="Show").click()
    wanted = f"/replenishment/list.json?product={item['item']}&state=late"
    expect(page.locator(".refills tbody tr")).to_have_count(min(50, api(shop_service, wanted)["total"]))


def test_erasing_says_what_it_will_do_and_does_nothing_until_asked(page: Page, shop_service: str) -> None:
    page.goto(f"{shop_service}/customers/c008")
    page.get_by_role("link", name="See what would be removed").click()
    counts = api(shop_service, "/erase-counts.json/c008")["rows"]
    row = page.get_by_role("row").filter(has=page.get_by_role("rowheader", name="orders", exact=True))
    assert number(row) == counts["orders"]
    expect(page.get_by_role("button", name="Erase for good")).to_be_visible()
    assert api(shop_service, "/v1/customers/c008")["customer_id"] == "c008"
