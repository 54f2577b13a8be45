"""The builder: a condition as rows and as text, tried, saved and taken back; and segments sent on from their pages."""

import asyncio
import base64
import datetime as dt
import io
from pathlib import Path
from typing import Any

import httpx
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest

from features.catalog.shipped import CATALOG
from ledger.errors import InputError
from models.scores import scores_for
from segments.definitions import Definitions
from segments.expression import parse
from segments.past_functions import VALUES
from segments.segment import load_library
from segments.vocabulary import vocabulary
from serving.export.exports import export_segment
from serving.look.builder import name_of
from serving.look.conditions import Row, Rows, fitting, operators_of, rows_of, text_of, words_of
from serving.pages import application
from serving.store import PublishedRun
from tests.serving.hostile import Served
from tests.serving.shop import Shop

COLUMNS = vocabulary((*CATALOG, *scores_for(90)), "USD")
LIBRARY = {each.name: each for each in load_library()}
NOW = dt.datetime(2023, 6, 27, 12, tzinfo=dt.UTC)


def ask(run: PublishedRun, method: str, path: str, **request: Any) -> httpx.Response:  # noqa: ANN401 - httpx's own
    async def once() -> httpx.Response:
        transport = httpx.ASGITransport(app=application(Served(run), lambda: NOW))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.request(method, path, **request)

    return asyncio.run(once())


@pytest.fixture(scope="module")
def run(shop: Shop) -> PublishedRun:
    return PublishedRun.open(shop.home)


@pytest.mark.parametrize(
    ("text", "row"),
    [
        ("orders >= 3", Row("orders", ">=", ("3",))),
        ("churn_probability_90d > 0.66", Row("churn_probability_90d", ">", ("66",))),
        ("days_since_last_order between 5 and 40", Row("days_since_last_order", "between", ("5", "40"))),
        ("in_top(clv_365d, 20)", Row("clv_365d", "in_top", ("20",))),
        ("not in_bottom(spend_365d, 2.5)", Row("spend_365d", "not in_bottom", ("2.5",))),
        (
            "between_percentiles(p_order_30d, 25, 65)",
            Row("p_order_30d", "between_percentiles", ("25", "65")),
        ),
        ("country in ('DE', 'AT')", Row("country", "in", ("DE, AT",))),
        ("contains(city, 'o''clock')", Row("city", "contains", ("o'clock",))),
        ("birth_date >= '2000-02-29'", Row("birth_date", ">=", ("2000-02-29",))),
        ("anniversary(birth_date, within_days = 30)", Row("birth_date", "anniversary", ("30",))),
        ("median_gap_days is not unknown", Row("median_gap_days", "is not unknown", ())),
        ("in_segment('loyal_customers')", Row("segment", "in_segment", ("loyal_customers",))),
        ("includes(due_now_items, 'Coffee > Beans')", Row("due_now_items", "includes", ("Coffee > Beans",))),
    ],
)
def test_a_condition_is_the_same_as_text_and_as_a_row(text: str, row: Row) -> None:
    assert rows_of(text, COLUMNS, LIBRARY) == Rows("and", (row,))
    assert parse(text_of(Rows("and", (row,)), COLUMNS), COLUMNS, LIBRARY) == parse(text, COLUMNS, LIBRARY)


@pytest.mark.parametrize("segment", load_library(), ids=lambda each: each.name)
def test_rows_of_what_ships_say_the_whole_condition_or_are_not_shown(segment: Any) -> None:  # noqa: ANN401
    rows = rows_of(segment.expression, COLUMNS, LIBRARY)
    if rows is not None:
        written = parse(text_of(rows, COLUMNS), COLUMNS, LIBRARY)
        assert written.clause == parse(segment.expression, COLUMNS, LIBRARY).clause


@pytest.mark.parametrize("text", ["orders = 1 or (spend > 3 and orders > 2)", "clv_365d > 2 * spend_365d"])
def test_what_rows_cannot_say_is_left_to_text(text: str) -> None:
    assert rows_of(text, COLUMNS, LIBRARY) is None


@pytest.mark.parametrize(
    "column", [None, *COLUMNS.values()], ids=lambda each: each.name if each else "segment"
)
def test_every_operator_that_a_form_offers_has_words_and_can_be_written(column: Any) -> None:  # noqa: ANN401
    texts = VALUES.get(column.name, ()) if column else ()
    samples = {"number": "7", "day": "2024-01-31", "text": next(iter(texts), "loyal_customers")}
    for operator in operators_of(column):
        assert words_of(operator)
        row = fitting(Row(column.name if column else "segment", operator), COLUMNS)
        kind = "text" if column is None or column.unit in {"text", "names"} else "number"
        kind = (
            "day" if column is not None and column.unit == "date" and "anniversary" not in operator else kind
        )
        filled = Row(row.column, operator, tuple(samples[kind] for _ in row.values))
        if column is None or column.name != "today":
            assert parse(text_of(Rows("and", (filled,)), COLUMNS), COLUMNS, LIBRARY)


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (Row("orders", ">=", ("three",)), "'three' is not a number"),
        (Row("birth_date", ">", ("31.1.2024",)), "'31.1.2024' is not a day"),
    ],
)
def test_a_value_that_cannot_be_read_says_what_could(row: Row, told: str) -> None:
    with pytest.raises(InputError, match=told):
        text_of(Rows("and", (row,)), COLUMNS)


def test_a_row_without_a_value_waits_for_it() -> None:
    form = Rows("or", (Row("orders", ">=", ("3",)), Row("spend", "between", ("5", ""))))
    assert text_of(form, COLUMNS) == "orders >= 3"


def test_rows_become_text_with_count_and_sentence_as_the_api_tells_them(run: PublishedRun) -> None:
    query = "from=rows&joint=and&column=orders&operator=>=&value-0=3&column=p_order_30d&operator=>&value-1=50"
    told = ask(run, "GET", f"/builder/tried.json?{query}").json()
    expression = "orders >= 3 and p_order_30d > 0.5"
    assert told["expression"] == expression
    answer = ask(run, "POST", "/v1/segments/preview", json={"expression": expression}).json()
    assert {name: told["preview"][name] for name in ("count", "value", "sentence")} == {
        name: answer[name] for name in ("count", "value", "sentence")
    }
    assert told["preview"]["count"] > 0


def test_text_becomes_rows_and_a_slip_is_told_with_what_could_be_meant(run: PublishedRun) -> None:
    told = ask(run, "GET", "/builder/tried.json", params={"expression": "orders = 1"}).json()
    assert [(row["column"], row["operator"]) for row in told["rows"]] == [("orders", "=")]
    slip = ask(run, "GET", "/builder/tried.json", params={"expression": "oders = 1"}).json()
    assert "did you mean 'orders'?" in slip["error"]
    assert (slip["preview"], slip["rows"]) == (None, None)


def test_a_value_is_refused_beside_its_own_row(run: PublishedRun) -> None:
    query = "from=rows&column=orders&operator==&value-0=1&column=spend&operator=>&value-1=much"
    told = ask(run, "GET", f"/builder/tried.json?{query}").json()
    assert list(told["errors"]) == ["1"]
    assert "'much' is not a number" in told["errors"]["1"]


def test_changing_the_column_of_a_row_offers_its_operators_and_adding_one_keeps_the_others(
    run: PublishedRun,
) -> None:
    query = "column=country&operator=>=&value-0=3&column=orders&operator=<&value-1=4"
    told = ask(run, "GET", f"/builder/rows.json?add=1&{query}").json()
    assert [row["column"] for row in told["rows"]] == ["country", "orders", "orders"]
    assert told["rows"][0]["operator"] == "="
    assert told["rows"][1]["fields"][0]["value"] == "4"
    fewer = ask(run, "GET", f"/builder/rows.json?remove=0&{query}").json()
    assert [row["column"] for row in fewer["rows"]] == ["orders"]


def test_a_segment_is_saved_under_its_title_and_taken_back(own_shop: Shop) -> None:
    run = PublishedRun.open(own_shop.home)
    sent = {
        "title": "Éarly <b>birds</b> 2",
        "description": "Those.",
        "advice": "Write.",
        "expression": "orders = 1",
    }
    saved = ask(run, "POST", "/builder/saved.json", json=sent).json()
    assert (saved["name"], saved["version"]) == (name_of(sent["title"]), 1)
    definitions = Definitions(own_shop.home.definitions)
    assert definitions.latest()[saved["name"]].segment.expression == "orders = 1"
    again = ask(run, "POST", "/builder/saved.json", json=sent)
    assert (again.status_code, again.json()["field"]) == (400, "title")
    back = {"name": saved["name"], "version": "1"}
    assert ask(run, "POST", "/builder/undone.json", json=back).status_code == 200
    assert definitions.latest()[saved["name"]].state == "hidden"


def test_an_edit_tells_who_would_come_and_go_and_is_taken_back_to_what_it_was(own_shop: Shop) -> None:
    run = PublishedRun.open(own_shop.home)
    given = {"expression": "orders >= 2", "edit": "loyal_customers"}
    difference = ask(run, "GET", "/builder/tried.json", params=given).json()["preview"]["difference"]
    loyal = run.segment("loyal_customers")
    assert loyal is not None
    assert difference["stay"] + difference["leave"] == loyal.size
    sent = {**{name: getattr(loyal, name) for name in ("title", "description", "advice")}, **given}
    saved = ask(run, "POST", "/builder/saved.json", json=sent).json()
    assert (saved["name"], saved["version"]) == ("loyal_customers", 2)
    ask(run, "POST", "/builder/undone.json", json={"name": "loyal_customers", "version": "2"})
    latest = Definitions(own_shop.home.definitions).latest()["loyal_customers"]
    assert (latest.number, latest.segment.expression) == (3, loyal.expression)


@pytest.mark.parametrize(
    ("changed", "field"),
    [({"title": " "}, "title"), ({"advice": 3}, "advice"), ({"expression": "oders = 1"}, "segment")],
)
def test_what_cannot_be_saved_is_refused_by_field(
    own_shop: Shop, changed: dict[str, object], field: str
) -> None:
    sent = {"title": "One", "description": "Those.", "advice": "Write.", "expression": "orders = 1"}
    run = PublishedRun.open(own_shop.home)
    refused = ask(run, "POST", "/builder/saved.json", json=sent | changed)
    assert (refused.status_code, refused.json()["field"]) == (400, field)


def test_members_are_exported_as_the_page_counts_them(run: PublishedRun) -> None:
    loyal = run.segment("loyal_customers")
    assert loyal is not None
    sent = ask(run, "GET", "/segments/loyal_customers/members.csv")
    assert sent.headers["content-disposition"].startswith('attachment; filename="loyal_customers-2023-06-')
    assert pa_csv.read_csv(io.BytesIO(sent.content)).num_rows == loyal.size
    parquet = ask(run, "GET", "/segments/loyal_customers/members.parquet")
    assert pq.read_table(io.BytesIO(parquet.content)).num_rows == loyal.size
    assert ask(run, "GET", "/segments/nobody_knows/members.csv").status_code == 404


def test_the_page_s_files_are_the_commands(run: PublishedRun, tmp_path: Path) -> None:
    for ending in ("csv", "parquet"):
        out = tmp_path / f"members.{ending}"
        export_segment(run.home, "loyal_customers", out)
        sent = ask(run, "GET", f"/segments/loyal_customers/members.{ending}")
        assert (sent.headers["content-length"], "content-encoding" in sent.headers) == (
            str(out.stat().st_size),
            False,
        )
        if ending == "csv":
            assert sent.content == out.read_bytes()
        else:
            assert pq.read_table(io.BytesIO(sent.content)).equals(pq.read_table(out))
    nobody = next(each.name for each in run.facts.segments if not each.size)
    assert ask(run, "GET", f"/segments/{nobody}/members.csv").json()["detail"] == "nobody is in this segment"


def test_a_platform_gets_only_who_may_be_sent_and_the_page_says_who_was_left_out(own_shop: Shop) -> None:
    run = PublishedRun.open(own_shop.home)
    told = ask(run, "POST", "/segments/loyal_customers/deliveries.json", json={"to": "klaviyo"}).json()
    assert told["added"] + sum(told["left_out"].values()) == told["members"]
    assert all(base64.b64decode(file["base64"]) for file in told["files"])
    refused = ask(run, "POST", "/segments/loyal_customers/deliveries.json", json={"to": "pigeon"})
    assert (refused.status_code, refused.json()["field"]) == (400, "to")
