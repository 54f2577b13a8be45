"""GET /v1/replenishment and its calendar of demand, against what the run wrote."""

import math
from datetime import date
from typing import Any
from urllib.parse import quote

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from models.gaps import LEVELS
from serving import tables
from serving.customers import refills_of
from serving.reminders.states import STATES
from serving.schemas import service
from serving.store import PublishedRun
from tests.serving.hostile import Served
from tests.serving.shop import Shop
from tests.serving.test_pages import get


@pytest.fixture(scope="module")
def served(shop: Shop) -> Served:
    return Served(PublishedRun.open(shop.home))


@pytest.fixture(scope="module")
def written(shop: Shop) -> pa.Table:
    """Return the table of record, in the order of the API."""
    found = tables.read_newest(shop.home.replenishment)
    assert found is not None
    by = [(name, "ascending") for name in ("customer_id", "level", "product_id", "category")]
    return found.drop_columns(["as_of"]).sort_by(by)


def plain(rows: pa.Table) -> list[dict[str, Any]]:
    """Return rows as JSON has them."""
    return [
        {name: str(cell) if isinstance(cell, date) else cell for name, cell in row.items()}
        for row in rows.to_pylist()
    ]


def everything(served: Served, query: str) -> list[dict[str, Any]]:
    """Return all pages of a list, joined."""
    found: list[dict[str, Any]] = []
    cursor = ""
    while True:
        answer = get(served, f"/v1/replenishment?limit=1000&{query}{cursor}").json()
        found += answer["refills"]
        if answer["next_cursor"] is None:
            return found
        cursor = f"&cursor={answer['next_cursor']}"


def test_all_pages_together_are_what_the_run_wrote(served: Served, written: pa.Table) -> None:
    assert written.num_rows > 1000
    assert everything(served, "") == plain(written)


@pytest.mark.parametrize("state", STATES)
def test_a_state_asked_for_is_the_state_of_all_that_is_listed(
    state: str, served: Served, written: pa.Table
) -> None:
    listed = everything(served, f"state={state}&level=product")
    asked = pc.and_(pc.equal(written["state"], state), pc.equal(written["level"], "product"))
    assert listed == plain(written.filter(asked))


def test_days_product_and_category_narrow_the_list(served: Served) -> None:
    listed = everything(served, "due_from=2023-07-01&due_to=2023-07-09&suppressed=false")
    assert listed
    assert all("2023-07-01" <= row["next_purchase_p50"] <= "2023-07-09" for row in listed)
    assert all(row["suppressed_because"] is None for row in listed)
    assert {row["product_id"] for row in everything(served, "product=p03")} == {"p03"}
    beneath = everything(served, "category=Coffee&level=category")
    assert {row["category"] for row in beneath} == {"Coffee > Beans", "Coffee > Filters"}


def test_small_pages_hold_each_row_once(served: Served) -> None:
    whole, cursor = everything(served, "product=p03"), ""
    found: list[dict[str, Any]] = []
    while len(found) < len(whole):
        answer = get(served, f"/v1/replenishment?product=p03&limit=7{cursor}").json()
        assert len(answer["refills"]) <= 7
        found += answer["refills"]
        cursor = f"&cursor={answer['next_cursor']}"
    assert (found, answer["next_cursor"]) == (whole, None)


def test_a_customers_own_answer_has_the_rows_that_the_list_has(served: Served, written: pa.Table) -> None:
    customer = written["customer_id"][0].as_py()
    answer = get(served, f"/v1/customers/{customer}").json()
    mine = [row for row in plain(written) if row["customer_id"] == customer]
    likeliest = sorted(mine, key=lambda row: -row["p_due_14d"])
    assert [row | {"customer_id": customer} for row in answer["replenishment"]] == likeliest
    assert answer["replenishment_total"] == len(mine)
    assert everything(served, f"customer={customer}") == mine
    assert everything(served, "customer=nobody") == []


def test_of_hundreds_of_refills_an_answer_lists_the_likeliest_of_each_level() -> None:
    levels, chances = ["category"] * 11 + ["product"] * 12, [0.5 + row / 100 for row in range(23)]
    listed = refills_of(pa.table({"level": levels, "p_due_14d": chances, "customer_id": ["c"] * 23}))
    assert listed["replenishment_total"] == 23
    assert [(row["level"], round(row["p_due_14d"] * 100 - 50)) for row in listed["replenishment"]] == [
        *(("product", row) for row in range(22, 12, -1)),
        *(("category", row) for row in range(10, 0, -1)),
    ]


def test_the_reminder_of_a_customer_is_the_one_that_the_run_suggests(shop: Shop, served: Served) -> None:
    suggestions = tables.read_newest(shop.home.suggestions)
    assert suggestions is not None
    (first,) = plain(suggestions.drop_columns(["as_of"]).slice(0, 1))
    customer = first.pop("customer_id")
    assert get(served, f"/v1/customers/{customer}").json()["reminder"] == first
    reminded = set(suggestions["customer_id"].to_pylist())
    nobody = next(f"c{number:03d}" for number in range(400) if f"c{number:03d}" not in reminded)
    assert get(served, f"/v1/customers/{nobody}").json()["reminder"] is None


@pytest.mark.parametrize(
    ("query", "field", "expected"),
    [
        ("state=tomorrow", "state", ", ".join(STATES)),
        ("state=due_now,tomorrow", "state", ", ".join(STATES)),
        ("level=shelf", "level", ", ".join(LEVELS)),
        ("due_from=soon", "due_from", "a date such as 2018-01-31"),
        ("due_from=2023-07-02&due_to=2023-07-01", "due_to", "a day not before due_from"),
        ("suppressed=perhaps", "suppressed", "true, false"),
        ("product=", "product", "1 to 200 characters"),
        ("limit=0", "limit", "1 to 1,000"),
        ("cursor=abc", "cursor", "a next_cursor"),
        (
            "prodct=p03",
            "query",
            "customer, product, category, level, state, suppressed, due_from, due_to, cursor, limit",
        ),
    ],
)
def test_a_parameter_that_cannot_be_read_is_named(
    query: str, field: str, expected: str, served: Served
) -> None:
    response = get(served, f"/v1/replenishment?{query}")
    assert (response.status_code, response.headers["content-type"]) == (400, "application/problem+json")
    problem = service.ProblemDocument.model_validate(response.json())
    assert (problem.field, problem.expected) == (field, expected)


def test_a_cursor_of_another_list_is_refused(served: Served) -> None:
    cursor = get(served, "/v1/replenishment?limit=1").json()["next_cursor"]
    response = get(served, f"/v1/replenishment?level=product&cursor={cursor}")
    assert (response.status_code, response.json()["type"]) == (400, "urn:regulars:problem:bad-cursor")


def test_what_a_caller_sends_is_repeated_only_when_it_is_harmless(served: Served) -> None:
    response = get(served, f"/v1/replenishment?state={quote('<script>')}")
    assert "<" not in response.text


@pytest.mark.parametrize(
    ("query", "level"), [("product=p03", "product"), ("category=Coffee%20%3E%20Beans", "category")]
)
def test_demand_is_a_day_a_row_from_the_cutoff_on(query: str, level: str, shop: Shop, served: Served) -> None:
    answer = get(served, f"/v1/replenishment/demand?{query}").json()
    assert (answer["level"], len(answer["days"]), answer["days"][0]["date"]) == (level, 30, "2023-06-27")
    demand = tables.read_newest(shop.home.demand)
    assert demand is not None
    column = "product_id" if level == "product" else "category"
    name = answer[column]
    mine = demand.filter(pc.and_kleene(pc.equal(demand["level"], level), pc.equal(demand[column], name)))
    assert math.fsum(mine["expected_units"].to_pylist()) == pytest.approx(
        math.fsum(day["expected_units"] for day in answer["days"])
    )
    assert all(day["units_p10"] <= day["units_p90"] for day in answer["days"])


@pytest.mark.parametrize(
    ("query", "status", "kind"),
    [
        ("product=nothing", 404, "unknown-product"),
        ("", 400, "bad-request"),
        ("product=p03&category=Coffee", 400, "bad-request"),
        ("day=today", 400, "bad-request"),
    ],
)
def test_demand_of_nothing_known_is_a_problem(query: str, status: int, kind: str, served: Served) -> None:
    response = get(served, f"/v1/replenishment/demand?{query}")
    assert (response.status_code, response.json()["type"]) == (status, f"urn:regulars:problem:{kind}")


def test_a_segment_of_refills_holds_who_is_due_for_something_likely(shop: Shop, served: Served) -> None:
    listed = everything(served, "state=due_now&suppressed=false")
    due = {row["customer_id"] for row in listed if row["p_due_14d"] >= 0.1}
    segment = get(served, "/v1/segments/refill_due_now").json()
    assert (segment["size"], segment["group"]) == (len(due), "predicted")
    members = get(served, "/v1/segments/refill_due_now/members?limit=1000").json()["members"]
    assert {member["customer_id"] for member in members} == due
    assert members[0]["reasons"][0].startswith("number of refills due now is ")
    assert shop.summary.facts.customers == 400
