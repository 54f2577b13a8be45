"""Pages about customers and refills: found, told and listed as the ledger and the API have them."""

import asyncio
import csv
import io
import re
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from ledger.importers.load import import_files
from ledger.store import Ledger
from ledger.tables.customers import CUSTOMERS
from segments.segment import load_library
from serving import forgetting
from serving.access import scope_of
from serving.live import Live
from serving.pages import application
from serving.store import PublishedRun
from tests.serving.hostile import HOSTILE, Served
from tests.serving.shop import NOW, Shop
from tests.serving.test_pages import Tags

LONG = HOSTILE + "\u0645\u0631\u062d\u0628\u0627\U0001f600" + "x" * 5_000


def ask(live: Live, path: str, **sent: object) -> httpx.Response:
    async def once() -> httpx.Response:
        transport = httpx.ASGITransport(app=application(live))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await (client.post(path, json=sent) if sent else client.get(path))

    return asyncio.run(once())


def told(live: Live, path: str, **sent: object) -> Any:  # noqa: ANN401 - JSON
    return ask(live, path, **sent).raise_for_status().json()


def opened(shop: Shop) -> Live:
    live = Live()
    live.open(shop.home, load_library)
    return live


@pytest.fixture(scope="module")
def live(shop: Shop) -> Live:
    return opened(shop)


def in_one(live: Live) -> tuple[str, str]:
    """Return a customer with refills, and a segment of his."""
    run = live.run()
    customer = run.tables["suggestions"]["customer_id"][0].as_py()
    return customer, run.memberships_of(customer)[0]["segment"]


def test_a_customer_is_found_by_id_and_by_the_start_of_one(live: Live) -> None:
    assert [each["customer_id"] for each in told(live, "/customers.json", asked=" c007 ")["customers"]] == [
        "c007"
    ]
    found = told(live, "/customers.json", asked="c00")
    ids = live.run().tables["scores"]["customer_id"].to_pylist()
    assert [each["customer_id"] for each in found["customers"]] == [
        each for each in ids if each.startswith("c00")
    ]
    assert found["by"] == "start"
    assert told(live, "/customers.json", asked="nobody")["why"] == "unknown-customer"


def test_a_customer_is_found_by_an_e_mail_address_that_no_answer_repeats(
    own_shop: Shop, tmp_path: Path
) -> None:
    file = tmp_path / "customers.csv"
    pd.DataFrame({"customer_id": ["c007"], "known_at": ["2023-01-01"], "email": ["Ann@Example.com"]}).to_csv(
        file, index=False
    )
    import_files(Ledger(own_shop.home), CUSTOMERS, [file], imported_at=NOW)
    answer = ask(opened(own_shop), "/customers.json", asked="ann@example.COM")
    assert [each["customer_id"] for each in answer.json()["customers"]] == ["c007"]
    assert "example" not in answer.text.lower()
    assert told(opened(own_shop), "/customers.json", asked="bob@example.com")["why"] == "unknown-customer"


@pytest.mark.parametrize("sent", [{"asked": 7}, {"asked": "x" * 321}, {"named": "c007"}])
def test_what_is_no_search_is_refused_by_its_field(live: Live, sent: dict[str, object]) -> None:
    problem = ask(live, "/customers.json", **sent)
    assert (problem.status_code, problem.json()["field"]) == (400, "asked")


def test_what_happened_is_what_the_ledger_holds_page_by_page(live: Live, shop_files: dict[str, Path]) -> None:
    customer, _ = in_one(live)
    orders = pd.read_csv(shop_files["orders"], dtype={"customer_id": str})
    mine = orders[orders["customer_id"] == customer]
    first = told(live, f"/timeline.json/{customer}")
    pages = [told(live, f"/timeline.json/{customer}?page={1 + page}") for page in range(first["pages"])]
    entries = [each for page in pages for each in page["entries"]]
    assert {each["id"] for each in entries} == set(mine["order_id"])
    assert len(entries) == first["orders"] == mine["order_id"].nunique()
    assert sum(each["paid"] + each["refunded"] for each in entries) == pytest.approx(mine["net_amount"].sum())
    assert [each["happened_at"] for each in entries] == sorted(
        (each["happened_at"] for each in entries), reverse=True
    )
    assert not any(each["since_run"] for each in entries)


def test_what_was_posted_since_the_run_is_told_first_and_marked(own_shop: Shop) -> None:
    live = opened(own_shop)
    customer, _ = in_one(live)
    line = {
        "customer_id": customer,
        "order_id": "posted-1",
        "ordered_at": "2023-06-29T10:00:00+02:00",
        "product_id": "p00",
        "net_amount": 12.5,
    }
    assert ask(live, "/v1/orders", orders=[line]).status_code == 200
    latest = told(live, f"/timeline.json/{customer}")["entries"][0]
    assert (latest["id"], latest["since_run"], latest["paid"]) == ("posted-1", True, 12.5)
    assert told(live, f"/customers.json/{customer}")["since_run"]
    assert ask(live, f"/customers/{customer}").status_code == 200
    assert ask(live, f"/belongs/{customer}").status_code == 200


def test_the_curve_passes_through_the_scores_and_never_falls(live: Live) -> None:
    for customer in live.run().tables["scores"]["customer_id"].to_pylist()[:20]:
        answer = told(live, f"/customers.json/{customer}")
        curve = {each["day"]: each["probability"] for each in answer["curve"]}
        for days in {7, 30, 90} & curve.keys():
            assert curve[days] == pytest.approx(answer["scores"][f"p_order_{days}d"], abs=1e-9)
        assert list(curve.values()) == sorted(curve.values())


def test_what_raises_the_chance_of_leaving_is_shown_as_bad_and_what_lowers_it_as_good(live: Live) -> None:
    customer, _ = in_one(live)
    scores = {each["name"]: each for each in told(live, f"/customers.json/{customer}")["told"]}
    for name, better_low in (("churn_probability_90d", True), ("clv_365d", False)):
        for reason in scores[name]["reasons"]:
            assert reason["good"] == (reason["raises"] != better_low)
    shown = re.findall(
        r'<span class="(up|down)"><span aria-hidden="true">([↑↓])', ask(live, f"/customers/{customer}").text
    )
    assert {("down", "↑"), ("up", "↑")} <= set(shown)


def test_a_customer_is_told_his_segments_and_why_not_in_any_other(live: Live) -> None:
    customer, segment = in_one(live)
    belongs = told(live, f"/belongs.json/{customer}")
    mine = {each["name"] for each in told(live, f"/v1/customers/{customer}")["segments"]}
    assert {each["name"] for each in belongs["segments"]} == mine
    assert mine.isdisjoint(each["name"] for each in belongs["others"])
    assert all(each["until"] is not None for each in belongs["segments"])
    for name in (segment, belongs["others"][0]["name"]):
        why = told(live, f"/why.json/{customer}?segment={name}")
        assert why["holds"] == (name in mine)
        assert why["clauses"][0]["asks"]
    assert ask(live, f"/why.json/{customer}?segment=none").status_code == 404


def test_the_calendar_counts_what_the_refills_and_the_reminders_hold(live: Live) -> None:
    answer = told(live, "/replenishment.json")
    days = [each for week in answer["weeks"] for each in week if each]
    run = live.run()
    refills, sent = run.tables["replenishment"], run.tables["suggestions"]
    due = pc.and_(pc.equal(refills["level"], answer["level"]), pc.is_null(refills["suppressed_because"]))
    ahead = refills.filter(
        pc.and_(due, pc.less_equal(refills["next_purchase_p50"], date.fromisoformat(days[-1]["day"])))
    )
    assert len(days) == 28
    assert sum(each["refills"] for each in days) == ahead.num_rows > 0
    assert sum(each["reminders"] for each in days) == sent.num_rows > 0
    assert sum(each["reminder_value"] for each in days) == pytest.approx(
        pc.sum(sent["expected_value"]).as_py()
    )
    day = next(each for each in days if each["reminders"])
    assert told(live, f"/replenishment.json?day={day['day']}")["customers"] == day["reminders"]
    assert ask(live, "/replenishment?day=soon").status_code == 400


def test_the_exported_list_is_the_one_on_the_page(live: Live) -> None:
    answer = told(live, "/replenishment.json")
    file = ask(live, "/replenishment/reminders.csv")
    rows = list(csv.DictReader(io.StringIO(file.text)))
    assert file.headers["content-disposition"].startswith('attachment; filename="reminders-2023-06-27')
    assert len(rows) == answer["customers"]
    assert sum(float(row["expected_value"]) for row in rows) == pytest.approx(answer["expected_value"])
    assert {each["customer_id"] for each in answer["reminders"]} <= {row["customer_id"] for row in rows}


def test_refills_are_filtered_as_the_api_filters_them(live: Live) -> None:
    item = told(live, "/replenishment/products.json?level=product")["items"][0]
    for query in (f"product={item['item']}&state=late", "suppressed=false&state=due_now&level=category"):
        listed = told(live, f"/replenishment/list.json?{query}")
        wanted: list[dict[str, Any]] = []
        cursor: str | None = ""
        while cursor is not None:
            answer = told(
                live, f"/v1/replenishment?{query}&limit=1000" + (f"&cursor={cursor}" if cursor else "")
            )
            wanted, cursor = wanted + answer["refills"], answer["next_cursor"]
        assert listed["total"] == len(wanted)
        dates = [each["next_purchase_p50"] for each in listed["refills"]]
        unknown_last = sorted(each["next_purchase_p50"] or "9999" for each in wanted)
        assert [each or "9999" for each in dates] == unknown_last[: len(dates)]
    assert (
        told(live, f"/replenishment/list.json?product={item['item']}&state=late&suppressed=false")["total"]
        == item["late"]
    )


def test_expected_units_on_the_page_are_the_apis(live: Live) -> None:
    item = told(live, "/replenishment/products.json?level=product")["items"][0]["item"]
    shown = told(live, f"/replenishment/list.json?product={item}")["demand"]["days"]
    assert shown == told(live, f"/v1/replenishment/demand?product={item}")["days"]


def test_products_are_searched_by_title_and_category(live: Live) -> None:
    found = told(live, "/replenishment/products.json?level=product&q=COFFEE%20product")["items"]
    assert found
    assert all(each["category"].startswith("Coffee") for each in found)


def test_hostile_products_and_customers_are_shown_and_do_nothing(shop: Shop) -> None:
    run = PublishedRun.open(shop.home)
    products, sent = run.tables["products"], run.tables["suggestions"]
    titles = pa.array([LONG] * products.num_rows, pa.string())
    ids = pa.array([HOSTILE] * sent.num_rows, pa.string())
    tables = {
        **run.tables,
        "products": products.set_column(products.schema.get_field_index("title"), "title", titles),
        "suggestions": sent.set_column(0, "customer_id", ids),
    }
    customer = sent["customer_id"][0].as_py()
    served = Served(replace(run, tables=tables, name="hostile"))
    item = run.tables["replenishment"]["product_id"].drop_null()[0].as_py()
    for path in (
        f"/customers/{customer}",
        "/replenishment",
        "/replenishment/products?level=product",
        f"/replenishment/list?product={item}",
        f"/replenishment/products?q={quote(HOSTILE)}",
        f"/replenishment/list?product={quote(HOSTILE)}",
    ):
        page = ask(served, path)
        assert page.status_code == 200, path
        for tag, attributes in Tags(page.text).found:
            assert tag not in {"style", "iframe", "object", "img"}
            assert tag != "script" or str(attributes["src"]).startswith("/static/")
            assert not [name for name in attributes if name == "style" or name.startswith("on")]
            assert str(attributes.get("href", "/")).startswith(("/", "#"))


def test_no_cell_of_an_exported_list_runs_as_a_formula(shop: Shop) -> None:
    run = PublishedRun.open(shop.home)
    sent = run.tables["suggestions"]
    ids = pa.array(["=HYPERLINK(1)"] * sent.num_rows, pa.string())
    served = Served(
        replace(run, tables={**run.tables, "suggestions": sent.set_column(0, "customer_id", ids)})
    )
    rows = list(csv.DictReader(io.StringIO(ask(served, "/replenishment/reminders.csv").text)))
    assert {row["customer_id"] for row in rows} == {"'=HYPERLINK(1)"}


def test_a_page_beyond_the_last_is_refused(live: Live) -> None:
    for path in ("/replenishment", "/replenishment/list", "/replenishment/products"):
        for page in ("0", "99999999", "x"):
            assert ask(live, f"{path}?page={page}").status_code == 400, path


def test_a_customer_is_erased_only_by_a_post_that_repeats_his_id(own_shop: Shop) -> None:
    live = opened(own_shop)
    customer, _ = in_one(live)
    for read in (
        f"/erase/{customer}",
        f"/erase-counts/{customer}",
        f"/erase.json/{customer}?confirm={customer}",
    ):
        assert ask(live, read).status_code == 200
    refused = ask(live, f"/erase.json/{customer}", confirm=customer + "x")
    assert (refused.status_code, refused.json()["field"]) == (400, "confirm")
    assert ask(live, "/erase.json/nobody", confirm="nobody").status_code == 404
    assert not own_shop.home.erasures.exists()
    assert ask(live, f"/v1/customers/{customer}").status_code == 200


def test_erasing_tells_how_far_it_is_and_in_the_end_what_was_removed(own_shop: Shop) -> None:
    live = opened(own_shop)
    customer, _ = in_one(live)
    counted = told(live, f"/erase-counts.json/{customer}")["rows"]
    steps: list[str] = []
    report = forgetting.erase(own_shop.home, customer, NOW, lambda step, _: steps.append(step))
    assert report["rows"] == counted
    assert report["proof"]["found"] == ()
    assert steps[0] == "Writing the erasure down"
    live.refresh()
    assert ask(live, f"/customers/{customer}").status_code == 410
    assert told(live, "/customers.json", asked=customer)["why"] == "erased-customer"


def test_an_erasure_nobody_began_is_not_found(live: Live) -> None:
    for token in ("0" * 32, "x"):
        assert ask(live, f"/erasures.json/{token}").status_code == 404


@pytest.mark.parametrize("path", ["/erase/c007", "/erase.json/c007", "/erase-counts/c007", "/erasures/0"])
def test_erasing_needs_the_widest_scope(path: str) -> None:
    assert scope_of(path) == "admin"
