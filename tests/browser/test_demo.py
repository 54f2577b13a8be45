"""The pages of the demo, of one customer in eighty: what is on screen is what the JSON twin and the API say."""

import csv
import math
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from ledger.home import Home
from regulars import demo
from regulars.datasets import COMPLETE_JOURNEY, DATASETS
from regulars.settings import Settings
from tests.end_to_end.serving import running

pytestmark = [pytest.mark.browser, pytest.mark.slow]

MARKS = {0.0, 0.1, 0.5, 0.9, 1.0, 50.0, 100.0}
"""What axes and intervals are named by."""
DERIVED = 4
"""Numbers of a page that its template works out: a difference, how many rows there are."""
PATHS: dict[str, tuple[str, ...]] = {
    "/": (),
    "/segments": (),
    "/segments/loyal_customers": ("/segments/loyal_customers/sharing.json",),
    "/customers/{customer}": ("/belongs.json/{customer}", "/timeline.json/{customer}"),
    "/replenishment": (),
    "/replenishment/products": (),
    "/replenishment/list?state=late": (),
    "/grids": ("/grids/moves.json",),
    "/grids?of=rfm": ("/grids/moves.json?of=rfm",),
    "/cohorts": (),
    "/model": (),
    "/model/drift": (),
}
"""Pages, with the JSON twins of the parts that they fetch."""
A_NUMBER = re.compile(r"-?[\d.]+")


@pytest.fixture(scope="module")
def demo_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the address of the demo, imported, trained and scored as `regulars demo` does."""
    some = f"SELECT * FROM ({COMPLETE_JOURNEY.tables['orders']}) WHERE hash(customer_id) % 80 = 0"
    few = replace(COMPLETE_JOURNEY, tables={**COMPLETE_JOURNEY.tables, "orders": some})
    home = Home(tmp_path_factory.mktemp("demo") / "home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(DATASETS, few.name, few)
        demo.run(
            few.name,
            Settings(home=home.path),
            now=datetime(2026, 3, 1, tzinfo=UTC),
            command="regulars",
            progress=lambda _what, _share: None,
        )
    with running(home) as service:
        yield service.address


@pytest.fixture(scope="module")
def customer(demo_service: str) -> str:
    """Return a customer of the demo."""
    told = httpx.get(f"{demo_service}/v1/segments/loyal_customers/members?limit=1").raise_for_status().json()
    return str(told["members"][0]["customer_id"])


def numbers(told: Any) -> Iterator[float]:  # noqa: ANN401 - JSON
    """Yield every number of a JSON value, keys that are numbers too."""
    if isinstance(told, dict):
        yield from (float(key) for key in told if A_NUMBER.fullmatch(key))
    if isinstance(told, dict | list):
        for each in told.values() if isinstance(told, dict) else told:
            yield from numbers(each)
    elif isinstance(told, int | float) and not isinstance(told, bool):
        yield float(told)


@pytest.mark.parametrize("path", PATHS)
def test_every_number_on_screen_is_one_that_the_json_twin_tells(
    path: str, page: Page, demo_service: str, customer: str
) -> None:
    page.goto(demo_service + path.format(customer=customer), wait_until="networkidle")
    twin = page.locator("link[rel=alternate][type='application/json']").get_attribute("href")
    told = {*MARKS}
    for each in (str(twin), *(part.format(customer=customer) for part in PATHS[path])):
        told.update(numbers(httpx.get(demo_service + each).raise_for_status().json()))
    shown = [float(each) for each in page.locator("data").evaluate_all("all => all.map(one => one.value)")]
    untold = [one for one in shown if not any(math.isclose(one, other, rel_tol=1e-9) for other in told)]
    assert len(shown) >= 20, f"{path} shows {len(shown)} numbers"
    assert len(untold) <= DERIVED, f"{path} shows what its twin does not say: {untold}"


@pytest.mark.parametrize("path", ["/", "/segments", "/replenishment/products"])
def test_whole_numbers_are_written_as_what_they_are(path: str, page: Page, demo_service: str) -> None:
    page.goto(demo_service + path)
    written: list[list[str]] = page.locator("data").evaluate_all(
        "all => all.map(one => [one.value, one.textContent.trim()])"
    )
    whole = [(value, text) for value, text in written if re.fullmatch(r"[\d,]+", text)]
    assert len(whole) > 10
    assert [text for value, text in whole if text != f"{round(float(value)):,}"] == []


def test_sizes_and_values_of_the_demos_segments_are_those_of_the_api(page: Page, demo_service: str) -> None:
    told = {each["name"]: each for each in httpx.get(f"{demo_service}/v1/segments").json()["segments"]}
    page.goto(f"{demo_service}/segments")
    for name in ("loyal_customers", "refill_due_now", "refill_due_soon"):
        row = page.get_by_role("row").filter(has=page.locator(f"a[href='/segments/{name}']"))
        values = row.locator("td.num").evaluate_all(
            "all => all.map(one => Number(one.querySelector('data').value))"
        )
        assert values == pytest.approx([told[name]["size"], told[name]["value"]], rel=1e-9)


def test_a_customers_scores_and_segments_are_those_of_the_api(
    page: Page, demo_service: str, customer: str
) -> None:
    told = httpx.get(f"{demo_service}/v1/customers/{customer}?include=reasons").json()
    page.goto(f"{demo_service}/customers/{customer}")
    shown = [float(each) for each in page.locator("data").evaluate_all("all => all.map(one => one.value)")]
    for score in ("p_order_90d", "expected_orders_90d", "clv_365d"):
        assert any(math.isclose(told["scores"][score], one, rel_tol=1e-9) for one in shown), score
    for each in told["segments"]:
        expect(page.locator(f"a[href='/segments/{each['name']}']").first).to_be_attached()


def test_from_open_to_the_list_of_who_is_due_this_week_in_two_clicks(page: Page, demo_service: str) -> None:
    page.goto(demo_service)
    page.get_by_role("navigation").get_by_role("link", name="Replenishment").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="Export this week's list").click()
    with download.value.path().open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    told = {each["customer_id"] for each in rows}
    assert len(told) == len(rows) > 5
    assert {row["send_on"] for row in rows} <= {f"2018-01-0{day}" for day in range(1, 8)}
