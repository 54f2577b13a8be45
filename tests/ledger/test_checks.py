"""What is accepted, what is refused and why, and the whole numbers that accepted rows become."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from functools import cache
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.checks import Checked, check, check_orders, check_products, records_to_orders
from ledger.engine import open_engine
from ledger.plans import KeptPlans
from ledger.shop import Shop
from ledger.tables.orders import ORDERS

SHOP = Shop(currency="USD", time_zone="America/New_York")
IMPORTED_AT = datetime(2024, 6, 1, 12, tzinfo=UTC)


@cache
def warm_engine() -> duckdb.DuckDBPyConnection:
    """Give the connection that all tests here use, as the service uses one for all requests."""
    return open_engine()


@pytest.fixture(scope="module", autouse=True)
def _close_engine() -> Iterator[None]:
    yield
    kept_plans.cache_clear()
    warm_engine().close()
    warm_engine.cache_clear()  # a connection left at exit makes its library complain


@pytest.fixture
def engine() -> Iterator[duckdb.DuckDBPyConnection]:
    with open_engine() as connection:
        yield connection


def order(**cells: str | None) -> dict[str, str | None]:
    return {"customer_id": "c", "order_id": "o", "ordered_at": "2024-01-31", "net_amount": "12.50"} | cells


def check_rows(*rows: dict[str, str | None]) -> Checked:
    """Check rows as a file's lines 2, 3, ...; the columns are those that any row has."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    columns = {name: pa.array([row.get(name) for row in rows], pa.string()) for name in names}
    return check_orders(
        pa.table({"line": range(2, len(rows) + 2), **columns}), SHOP, IMPORTED_AT, warm_engine()
    )


def refusals(*rows: dict[str, str | None]) -> list[tuple[int, str]]:
    return [(row["line"], row["reason"]) for row in check_rows(*rows).rejected.to_pylist()]


def test_four_columns_are_enough_and_the_rest_follows() -> None:
    (row,) = check_rows(order()).accepted.to_pylist()

    midnight_in_new_york = datetime(2024, 1, 31, 5, tzinfo=UTC)
    assert row == {
        "customer_id": "c",
        "order_id": "o",
        "line_id": "#1",
        "ordered_at": midnight_in_new_york,
        "known_at": midnight_in_new_york,
        "product_id": None,
        "quantity_milli": None,
        "net_minor": 1250,
        "discount_minor": None,
        "currency": "USD",
        "status": "paid",
        "channel": None,
        "order_day": 19753,  # 54 years of 365 days, 13 leap days, 30 days of January
        "order_hour": 0,
        "order_isoweekday": 3,  # a Wednesday
    }


def test_accepted_rows_are_in_the_stored_schema_and_carry_their_lines() -> None:
    checked = check_rows(
        order(order_id="o1"), order(order_id=""), order(order_id="o3", known_at="2024-02-01")
    )

    assert checked.accepted.schema == ORDERS.arrow_schema
    assert checked.lines.to_pylist() == [2, 4]
    assert checked.known_given.to_pylist() == [False, True]


@pytest.mark.parametrize(
    ("text", "net_minor"),
    [
        ("12.5", 1250),
        ("0", 0),
        (" 7 ", 700),
        ("+3.", 300),
        (".5", 50),
        ("1e3", 100_000),
        ("0.125", 12),  # half to even: 12, not 13
        ("0.135", 14),
        ("0.1250000000000001", 13),  # more than half
        ("0.30000000000000004", 30),  # 0.1 + 0.2 in floating point
        ("999999999999.99", 99_999_999_999_999),
    ],
)
def test_money_is_read_exactly_and_rounded_half_even(text: str, net_minor: int) -> None:
    assert check_rows(order(net_amount=text)).accepted["net_minor"].to_pylist() == [net_minor]


@settings(max_examples=60, deadline=None)
@given(st.decimals(min_value=0, max_value=Decimal(10**11), allow_nan=False, allow_infinity=False, places=5))
def test_money_agrees_with_decimal_arithmetic(amount: Decimal) -> None:
    expected = int(amount.quantize(Decimal("0.01"), ROUND_HALF_EVEN) * 100)

    assert check_rows(order(net_amount=str(amount))).accepted["net_minor"].to_pylist() == [expected]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "abc",
        "12,50",
        "$12",
        "1_000",
        "1 000",
        "nan",
        "inf",
        "-inf",
        "1e400",
        "1e-",
        "--1",
        "0x10",
        "1000000000000",
        "9" * 65,
    ],
)
def test_what_is_no_amount_is_refused(text: str) -> None:
    ((line, reason),) = refusals(order(net_amount=text))

    assert line == 2
    assert reason.startswith("net_amount is ")


def test_quantities_become_thousandths() -> None:
    checked = check_rows(order(quantity="2", product_id="a"), order(quantity="0.0005", product_id="b"))

    assert checked.accepted["quantity_milli"].to_pylist() == [2000, 0]  # half a thousandth goes to the even 0


@pytest.mark.parametrize(
    ("text", "utc", "local_hour"),
    [
        ("2024-01-31T18:05:00+01:00", "2024-01-31T17:05:00", 12),
        ("2024-01-31 18:05:00+0100", "2024-01-31T17:05:00", 12),
        ("2024-01-31T18:05Z", "2024-01-31T18:05:00", 13),
        ("2024-01-31 18:05", "2024-01-31T23:05:00", 18),
        ("2024-01-31 18:05:01.5", "2024-01-31T23:05:01.500000", 18),
        ("2024-03-10 02:30:00", "2024-03-10T07:30:00", 3),  # the hour that the clocks skip
        ("2023-11-05 01:30:00", "2023-11-05T06:30:00", 1),  # the hour that comes twice: the second one
    ],
)
def test_an_instant_without_offset_is_the_shop_s_local_time(text: str, utc: str, local_hour: int) -> None:
    (row,) = check_rows(order(ordered_at=text)).accepted.to_pylist()

    assert row["ordered_at"] == datetime.fromisoformat(utc).replace(tzinfo=UTC)
    assert row["order_hour"] == local_hour


@settings(max_examples=60, deadline=None)
@given(st.datetimes(min_value=datetime(1990, 1, 1), max_value=datetime(2024, 5, 31)))  # noqa: DTZ001 - made aware below
def test_local_day_hour_and_weekday_agree_with_python(naive_utc: datetime) -> None:
    at = naive_utc.replace(tzinfo=UTC)
    local = at.astimezone(ZoneInfo("America/New_York"))

    (row,) = check_rows(order(ordered_at=at.isoformat())).accepted.to_pylist()

    assert row["ordered_at"] == at
    assert row["order_day"] == (local.date() - datetime(1970, 1, 1, tzinfo=UTC).date()).days
    assert (row["order_hour"], row["order_isoweekday"]) == (local.hour, local.isoweekday())


@pytest.mark.parametrize(
    "text",
    ["-2024-01-31", "2024-02-30", "31.01.2024", "01/31/2024", "20240131", "today", "infinity", "2024-01-31 25:00",
     "2024-01-31 10:00:00 Europe/Paris", "2024-01-31T10:00:00+99:00", "2024-01-31 (BC)"],
)  # fmt: skip
def test_what_is_no_date_is_refused_with_examples(text: str) -> None:
    assert refusals(order(ordered_at=text)) == [
        (
            2,
            "ordered_at is not a date or time like 2024-01-31, 2024-01-31 18:05:00 or 2024-01-31T18:05:00+01:00",
        )
    ]


def test_dates_before_1970_and_more_than_a_day_ahead_are_refused() -> None:
    day_ahead = IMPORTED_AT + timedelta(days=1)
    late = day_ahead + timedelta(seconds=1)

    assert refusals(
        order(order_id="1", ordered_at="1969-12-30"),
        order(order_id="2", ordered_at=day_ahead.isoformat()),
        order(order_id="3", ordered_at=late.isoformat()),
        order(order_id="4", known_at=late.isoformat()),
    ) == [
        (2, "ordered_at is before 1970"),
        (4, "ordered_at is in the future"),
        (5, "known_at is in the future"),
    ]


@pytest.mark.parametrize("name", ["customer_id", "order_id"])
def test_ids_have_1_to_255_characters_and_no_control_characters(name: str) -> None:
    wrong = f"{name} is longer than 255 characters or holds a control character"

    assert refusals(order(**{name: "ü" * 255})) == []
    assert refusals(order(**{name: " \t"})) == [(2, f"{name} is empty")]
    assert refusals(order(**{name: "x" * 256})) == [(2, wrong)]
    assert refusals(order(**{name: "a\x00b"})) == [(2, wrong)]
    assert refusals(order(**{name: "a\nb"})) == [(2, wrong)]


def test_states_and_their_amounts_must_fit_together() -> None:
    assert refusals(
        order(order_id="1", status="PAID"),
        order(order_id="2", net_amount="-1"),
        order(order_id="3", status="refunded", net_amount="-1", known_at="2024-02-01"),
        order(order_id="4", status="refunded", net_amount="1", known_at="2024-02-01"),
        order(order_id="5", status="refunded", net_amount="-1"),
        order(order_id="6", status="cancelled", net_amount="0"),
        order(order_id="7", status="shipped"),
        order(order_id="8", known_at="2024-01-30"),
    ) == [
        (3, "net_amount is negative on a paid row; a refund is a row with status refunded and its known_at"),
        (5, "net_amount of a refunded row must be negative"),
        (6, "known_at is empty; a cancelled or refunded row says when that became known"),
        (7, "known_at is empty; a cancelled or refunded row says when that became known"),
        (8, "status is not one of paid, cancelled, refunded"),
        (9, "known_at is before ordered_at"),
    ]


def test_a_negative_amount_is_refused_also_in_a_file_without_status() -> None:
    assert [line for line, _ in refusals(order(net_amount="-0.01"))] == [2]


def test_a_row_in_another_currency_is_refused() -> None:
    assert refusals(order(order_id="1", currency="usd"), order(order_id="2", currency="EUR")) == [
        (3, "currency is not the shop's currency; a ledger holds one currency")
    ]


def test_lines_without_a_line_id_are_numbered_per_order_product_and_status_in_file_order() -> None:
    checked = check_rows(
        order(product_id="p", net_amount="1"),
        order(product_id="q", net_amount="1"),
        order(product_id="p", net_amount="2"),
        order(product_id="p", net_amount="-1", status="refunded", known_at="2024-02-01"),
        order(product_id="p", net_amount="3", order_id="other"),
    )

    assert checked.accepted["line_id"].to_pylist() == ["p#1", "q#1", "p#2", "p#1", "p#1"]


def test_an_exact_duplicate_without_line_id_is_refused_and_not_counted() -> None:
    checked = check_rows(
        order(product_id="p"),
        order(product_id="p"),
        order(product_id="p", net_amount="12.5"),
        order(product_id="p", net_amount="2"),
    )

    assert checked.rejected.to_pylist() == [
        {"line": 3, "reason": "duplicate of line 2; give line_id to keep both"},
        {"line": 4, "reason": "duplicate of line 2; give line_id to keep both"},
    ]
    assert checked.accepted["line_id"].to_pylist() == ["p#1", "p#2"]


def test_a_second_row_of_the_same_line_id_and_status_is_refused() -> None:
    assert refusals(
        order(line_id="1"),
        order(line_id="1"),
        order(line_id="1", net_amount="2"),
        order(line_id="2"),
        order(line_id="1", status="cancelled", known_at="2024-02-01"),
    ) == [
        (3, "duplicate of line 2"),
        (4, "conflicts with line 2: the same order_id and line_id and status, other values"),
    ]


def test_a_refused_row_makes_no_other_a_duplicate() -> None:
    assert [line for line, _ in refusals(order(net_amount="x"), order(net_amount="x"), order())] == [2, 3]


def test_products_are_read_with_their_category_path() -> None:
    cells = {
        "product_id": ["p", "p", "q", "r"],
        "category": ["Food>Dairy > Milk", "Food", None, "Food"],
        "price": ["1.99", "1", "-1", None],
        "discontinued": ["yes", "no", None, "perhaps"],
    }
    columns = {name: pa.array(texts, pa.string()) for name, texts in cells.items()}

    checked = check_products(pa.table({"line": [2, 3, 4, 5], **columns}), SHOP, IMPORTED_AT, warm_engine())

    assert checked.accepted.to_pylist() == [
        {
            "product_id": "p",
            "known_at": datetime(1970, 1, 1, tzinfo=UTC),
            "title": None,
            "category": "Food > Dairy > Milk",
            "price_minor": 199,
            "discontinued": True,
            "swap_for": None,
            "replenishable": None,
            "in_stock": None,
        }
    ]
    assert checked.rejected.to_pylist() == [
        {"line": 3, "reason": "conflicts with line 2: the same product_id, other values"},
        {"line": 4, "reason": "price is negative"},
        {"line": 5, "reason": "discontinued is not true or false"},
    ]


def test_a_required_column_that_is_not_there_is_the_caller_s_mistake() -> None:
    with pytest.raises(ValueError, match="columns order_id, ordered_at, net_amount are required"):
        check_orders(pa.table({"line": [2], "customer_id": ["c"]}), SHOP, IMPORTED_AT)


def test_a_connection_used_again_sees_the_new_rows_and_the_new_instant(
    engine: duckdb.DuckDBPyConnection,
) -> None:
    first = records_to_orders([order(order_id="1")], SHOP, IMPORTED_AT, engine)
    second = records_to_orders([order(order_id="2")], SHOP, datetime(2024, 1, 1, tzinfo=UTC), engine)
    third = records_to_orders([order(order_id="3")], SHOP, IMPORTED_AT, engine)

    assert first.accepted["order_id"].to_pylist() == ["1"]
    assert second.rejected.to_pylist() == [{"line": 0, "reason": "ordered_at is in the future"}]
    assert third.accepted["order_id"].to_pylist() == ["3"]


def test_posted_values_of_any_scalar_type_are_read_as_their_text() -> None:
    posted = {
        "customer_id": 17850.0,
        "order_id": 536365,
        "ordered_at": "2024-01-31",
        "net_amount": 0.1,
        "quantity": Decimal("1.5"),
    }

    (row,) = records_to_orders([posted], SHOP, IMPORTED_AT, warm_engine()).accepted.to_pylist()

    assert (row["customer_id"], row["order_id"], row["net_minor"], row["quantity_milli"]) == (
        "17850",
        "536365",
        10,
        1500,
    )


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (None, "not an object of order columns"),
        ([], "not an object of order columns"),
        ({}, "customer_id is empty"),
        (order() | {"customer_id": True}, "customer_id should be text or a number"),
        (order() | {"customer_id": {"$ne": 1}}, "customer_id should be text or a number"),
        (order() | {"order_id": ["o"]}, "order_id should be text or a number"),
        (order() | {"order_id": "\ud800"}, "order_id holds half a surrogate pair, which is no character"),
        (order() | {"status": "x" * 10**6}, "status is not one of paid, cancelled, refunded"),
        (order() | {"order_id": "x" * 10**6}, "order_id is longer than 255 characters or holds a control character"),
    ],
)  # fmt: skip
def test_a_record_that_is_no_order_line_is_refused_beside_the_good_ones(record: object, reason: str) -> None:
    checked = records_to_orders([record, order()], SHOP, IMPORTED_AT, warm_engine())

    assert checked.rejected.to_pylist() == [{"line": 0, "reason": reason}]
    assert checked.lines.to_pylist() == [1]


def test_refused_records_are_told_in_the_order_they_came() -> None:
    records = [None, order(customer_id=""), "x", order()]

    checked = records_to_orders(records, SHOP, IMPORTED_AT, warm_engine())

    assert checked.rejected["line"].to_pylist() == [0, 1, 2]


def test_a_posted_id_too_large_to_be_a_whole_number_for_sure_is_kept_as_it_came() -> None:
    checked = records_to_orders([order() | {"customer_id": 1e20}], SHOP, IMPORTED_AT, warm_engine())

    assert checked.accepted["customer_id"].to_pylist() == ["1e+20"]  # as of a Parquet file's column


@pytest.mark.parametrize(
    "amount",
    [float("nan"), float("inf"), -float("inf"), 1e300, 10**5000, 10**15],
    ids=["nan", "inf", "-inf", "1e300", "5001 digits", "1e15"],
)
def test_posted_numbers_that_are_no_amount_are_refused(amount: float) -> None:
    checked = records_to_orders([order() | {"net_amount": amount}], SHOP, IMPORTED_AT, warm_engine())

    assert checked.accepted.num_rows == 0
    assert checked.rejected["line"].to_pylist() == [0]


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(),
    st.sampled_from(["2024-01-31", "paid", "refunded", "12.5", "USD", "p#1"]),
)
VALUES = st.one_of(SCALARS, st.lists(SCALARS, max_size=2), st.dictionaries(st.text(), SCALARS, max_size=2))
NAMES = st.one_of(st.sampled_from([column.given for column in ORDERS.given]), st.text())
RECORDS = st.lists(st.one_of(st.dictionaries(NAMES, VALUES), VALUES), max_size=5)


@settings(max_examples=80, deadline=None)
@given(RECORDS)
def test_whatever_is_posted_every_record_is_either_accepted_or_refused(records: list[object]) -> None:
    checked = records_to_orders(records, SHOP, IMPORTED_AT, warm_engine())

    told = checked.lines.to_pylist() + checked.rejected["line"].to_pylist()
    assert sorted(told) == list(range(len(records)))
    assert checked.accepted.schema == ORDERS.arrow_schema


ORDER_TEXTS = st.fixed_dictionaries(
    {
        "customer_id": st.sampled_from(["a", "b", ""]),
        "order_id": st.sampled_from(["1", "2"]),
        "ordered_at": st.sampled_from(["2024-01-31", "2024-02-01T10:00:00Z", "x"]),
        "net_amount": st.sampled_from(["1", "2.345", "-1"]),
        "product_id": st.sampled_from(["p", "q", None]),
        "quantity": st.sampled_from(["1", None]),
    }
)


@settings(max_examples=40, deadline=None)
@given(st.lists(ORDER_TEXTS, min_size=1, max_size=8))
def test_a_posted_history_becomes_the_rows_that_the_file_becomes(rows: list[dict[str, str | None]]) -> None:
    posted = records_to_orders(rows, SHOP, IMPORTED_AT, warm_engine())
    filed = check_rows(*rows)

    assert posted.accepted.equals(filed.accepted)
    assert posted.rejected["line"].to_pylist() == [line - 2 for line in filed.rejected["line"].to_pylist()]


LINES = st.builds(
    dict.__or__,
    ORDER_TEXTS,
    st.fixed_dictionaries(
        {
            "line_id": st.sampled_from([None, "p#1", "1"]),
            "status": st.sampled_from(["paid", "refunded", None]),
            "known_at": st.sampled_from([None, "2024-02-03"]),
        }
    ),
)


@settings(max_examples=40, deadline=None)
@given(st.lists(LINES, min_size=1, max_size=8), st.lists(st.integers(0, 9), min_size=8, max_size=8))
def test_rows_of_which_each_has_its_own_key_and_others_are_checked_alike_on_kept_plans(
    rows: list[dict[str, str | None]], orders: list[int]
) -> None:
    # Half of the time in orders of their own, so that often no two rows have anything to do with each other.
    rows = [row | {"order_id": f"{row['order_id']}{order}"} for row, order in zip(rows, orders, strict=False)]
    texts = {name: pa.array([row[name] for row in rows], pa.string()) for name in rows[0]}
    raw = pa.table({"line": pa.array(range(len(rows)), pa.int64()), **texts})

    kept = check(ORDERS, raw, SHOP, IMPORTED_AT, plans=kept_plans())
    plain = check(ORDERS, raw, SHOP, IMPORTED_AT, warm_engine())

    assert kept.accepted.equals(plain.accepted)
    assert kept.rejected.to_pylist() == plain.rejected.to_pylist()
    assert (kept.lines.to_pylist(), kept.known_given.to_pylist()) == (
        plain.lines.to_pylist(),
        plain.known_given.to_pylist(),
    )


@cache
def kept_plans() -> KeptPlans:
    return KeptPlans(warm_engine().cursor())
