"""Which ledger rows count as of a cutoff; tables are in the plain format, times in UTC unless said."""

import threading
from datetime import UTC, datetime, timedelta

import pandas as pd
import pyarrow as pa
import pytest

from features import history
from features.cutoff import Cutoff
from features.frames import connect_frames
from features.snapshot import compute, snapshot
from ledger.tables.identities import IDENTITIES
from ledger.tables.products import PRODUCTS

COLUMNS = ("customer_id", "order_id", "line_id", "ordered_at", "known_at", "status", "net_amount")
JUNE = Cutoff(datetime(2021, 6, 1, tzinfo=UTC), "UTC")
JULY = Cutoff(datetime(2021, 7, 1, tzinfo=UTC), "UTC")
PAID = ("ann", "o1", "1", "2021-05-01", "2021-05-01", "paid", "10.00")


def described(*rows: tuple[str, ...], cutoff: Cutoff = JUNE, time_zone: str = "UTC") -> pd.DataFrame:
    orders = pd.DataFrame(rows, columns=COLUMNS)
    return snapshot(orders, cutoff, time_zone).set_index("customer_id")[["orders", "spend", "refunded_share"]]


def test_the_cutoff_is_exclusive() -> None:
    at = JUNE.at.isoformat()
    before = (JUNE.at - timedelta(microseconds=1)).isoformat()

    rows = described(
        ("ann", "o1", "1", before, before, "paid", "10.00"), ("ben", "o2", "1", at, at, "paid", "10.00")
    )

    assert rows["orders"].to_dict() == {"ann": 1}


def test_an_order_that_becomes_known_late_counts_from_then_on() -> None:
    late = ("ann", "o1", "1", "2021-05-01", "2021-06-15", "paid", "10.00")

    assert described(late, cutoff=JUNE).empty
    assert described(late, cutoff=JULY)["orders"].to_dict() == {"ann": 1}


def test_a_refund_lowers_the_orders_value_from_when_it_is_known() -> None:
    refund = ("ann", "o1", "1", "2021-05-01", "2021-06-15", "refunded", "-4.00")

    assert described(PAID, refund, cutoff=JUNE)["spend"].to_dict() == {"ann": 10.0}
    assert described(PAID, refund, cutoff=JULY).to_dict("index") == {
        "ann": {"orders": 1, "spend": 6.0, "refunded_share": 0.4}
    }


def test_a_wholly_refunded_order_is_no_order_and_its_customer_still_has_a_row() -> None:
    refund = ("ann", "o1", "1", "2021-05-01", "2021-05-02", "refunded", "-10.00")

    assert described(PAID, refund).to_dict("index") == {
        "ann": {"orders": 0, "spend": 0.0, "refunded_share": 1.0}
    }


def test_a_cancelled_line_is_void_with_its_refund_and_the_rest_of_the_order_stays() -> None:
    other = ("ann", "o1", "2", "2021-05-01", "2021-05-01", "paid", "5.00")
    refund = ("ann", "o1", "1", "2021-05-01", "2021-05-02", "refunded", "-4.00")
    cancelled = ("ann", "o1", "1", "2021-05-01", "2021-06-15", "cancelled", "0.00")

    assert described(PAID, other, refund, cancelled, cutoff=JUNE)["spend"].to_dict() == {"ann": 11.0}
    assert described(PAID, other, refund, cancelled, cutoff=JULY)["spend"].to_dict() == {"ann": 5.0}


def corrected(known_at: str, net_minor: int) -> dict[str, object]:
    return {"known_at": pd.Timestamp(known_at, tz="UTC"), "net_minor": net_minor}


def spend_after(corrections: list[dict[str, object]], cutoff: Cutoff) -> float:
    """Return the spend on one order of 10.00 with corrections appended, which one file could not hold."""
    with connect_frames(pd.DataFrame([PAID], columns=COLUMNS), "UTC") as connection:
        paid = connection.sql("from ledger_orders").to_arrow_table()
        rows = [*paid.to_pylist(), *(paid.to_pylist()[0] | change for change in corrections)]
        connection.register("ledger_orders", pa.Table.from_pylist(rows, paid.schema))
        spend: float = compute(connection, cutoff)["spend"][0].as_py()
    return spend


def test_the_correction_last_known_wins() -> None:
    corrections = [corrected("2021-06-20", 900), corrected("2021-06-10", 800)]

    assert spend_after(corrections, JUNE) == 10.0
    assert spend_after(corrections, Cutoff.at_midnight(JUNE.local_date.replace(day=15), "UTC")) == 8.0
    assert spend_after(corrections, JULY) == 9.0


def test_an_order_moved_to_after_the_cutoff_counts_neither_then_nor_where_it_was() -> None:
    # Clocks that differ by hours: an import takes orders of up to a day ahead.
    moved = corrected("2021-05-31 20:00", 900) | {"ordered_at": pd.Timestamp("2021-06-01 05:00", tz="UTC")}

    assert spend_after([moved], JUNE) == 0.0
    assert spend_after([moved], JULY) == 9.0


def test_of_corrections_known_at_one_instant_the_larger_amount_wins_however_they_lie() -> None:
    corrections = [corrected("2021-05-10", 800), corrected("2021-05-10", 900), corrected("2021-05-10", 700)]

    assert spend_after(corrections, JUNE) == 9.0
    assert spend_after(corrections[::-1], JUNE) == 9.0


def test_orders_of_one_local_day_are_one_order() -> None:
    rows = [
        ("ann", "o1", "1", "2021-05-01 23:30+00:00", "2021-05-01 23:30+00:00", "paid", "10.00"),
        ("ann", "o2", "1", "2021-05-02 03:30+00:00", "2021-05-02 03:30+00:00", "paid", "5.00"),
    ]

    assert described(*rows, time_zone="UTC")["orders"].to_dict() == {"ann": 2}
    # In New York it is 19:30 and 23:30 of 1 May.
    assert described(*rows, time_zone="America/New_York")["orders"].to_dict() == {"ann": 1}


def test_the_long_and_the_short_day_are_one_day_each() -> None:
    rows = [
        ("ann", "o1", "1", "2021-03-13 12:00", "2021-03-13 12:00", "paid", "1.00"),
        ("ann", "o2", "1", "2021-03-14 12:00", "2021-03-14 12:00", "paid", "1.00"),
        ("ann", "o3", "1", "2021-11-06 12:00", "2021-11-06 12:00", "paid", "1.00"),
        ("ann", "o4", "1", "2021-11-07 23:59", "2021-11-07 23:59", "paid", "1.00"),
    ]
    orders = pd.DataFrame(rows, columns=COLUMNS)

    found = snapshot(orders, "2021-11-08", "America/New_York").iloc[0]

    assert (found["last_gap_days"], found["days_since_last_order"], found["max_gap_days"]) == (1, 1, 237)


def test_a_wholly_refunded_product_is_not_bought_and_a_free_one_is() -> None:
    orders = pd.DataFrame(
        [
            ("tea", "2021-05-01", "paid", "10.00"),
            ("cup", "2021-05-01", "paid", "5.00"),
            ("cup", "2021-05-02", "refunded", "-5.00"),
            ("gift", "2021-05-01", "paid", "0.00"),
        ],
        columns=("product_id", "known_at", "status", "net_amount"),
    ).assign(customer_id="ann", order_id="o1", ordered_at="2021-05-01")
    with connect_frames(orders, "UTC") as connection:
        history.stage(connection, JUNE)
        items = connection.execute("select product_id from history_items order by product_id").fetchall()

        assert items == [("gift",), ("tea",)]
        assert connection.execute("select products, lines from history_orders").fetchall() == [(2, 3)]


def test_a_category_is_the_one_known_at_the_cutoff() -> None:
    orders = pd.DataFrame([(*PAID, "tea")], columns=(*COLUMNS, "product_id"))
    described_at = {"Leaves": datetime(2021, 6, 15, tzinfo=UTC), "Tea": datetime(2021, 5, 1, tzinfo=UTC)}
    products = pa.Table.from_pylist(
        [{"product_id": "tea", "known_at": at, "category": name} for name, at in described_at.items()],
        PRODUCTS.arrow_schema,
    )

    def category(cutoff: Cutoff) -> object:
        with connect_frames(orders, "UTC") as connection:
            connection.register("ledger_products", products)
            history.stage(connection, cutoff)
            return connection.execute("select category from history_items").fetchall()

    assert category(JUNE) == [("Tea",)]
    assert category(JULY) == [("Leaves",)]


def test_an_order_moved_to_another_customer_counts_for_that_one_alone() -> None:
    with connect_frames(pd.DataFrame([PAID], columns=COLUMNS), "UTC") as connection:
        paid = connection.sql("from ledger_orders").to_arrow_table()
        move = {"customer_id": "ben", "known_at": datetime(2021, 5, 9, tzinfo=UTC)}
        rows = [*paid.to_pylist(), paid.to_pylist()[0] | move]
        connection.register("ledger_orders", pa.Table.from_pylist(rows, paid.schema))

        found = compute(connection, JUNE)

    assert found.select(["customer_id", "orders"]).to_pylist() == [
        {"customer_id": "ann", "orders": 0},
        {"customer_id": "ben", "orders": 1},
    ]


@pytest.mark.parametrize("rounds", [10])
def test_cursors_of_one_database_in_several_threads_do_not_meet(rounds: int) -> None:
    found: dict[int, set[int]] = {1: set(), 2: set(), 3: set()}
    start = threading.Barrier(len(found))
    with connect_frames(pd.DataFrame([PAID], columns=COLUMNS), "UTC") as connection:
        paid = connection.sql("from ledger_orders").to_arrow_table()
        cursors = {count: connection.cursor() for count in found}

        def work(count: int) -> None:
            rows = [paid.to_pylist()[0] | {"order_id": f"o{n}", "order_day": n} for n in range(count)]
            cursors[count].register("ledger_orders", pa.Table.from_pylist(rows, paid.schema))
            cursors[count].register("ledger_products", products)
            start.wait()
            for _ in range(rounds):
                found[count].add(compute(cursors[count], JUNE)["orders"][0].as_py())

        products = connection.sql("from ledger_products").to_arrow_table()
        threads = [threading.Thread(target=work, args=(count,)) for count in found]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert found == {1: {1}, 2: {2}, 3: {3}}


def test_hour_discount_and_quantity_are_those_of_the_purchase_not_of_its_refund() -> None:
    orders = pd.DataFrame(
        [
            ("2021-05-01 19:00", "2021-05-01 19:00", "paid", "10.00", "0", "2"),
            ("2021-05-01 08:00", "2021-05-02 09:00", "refunded", "-4.00", "1.00", "5"),
        ],
        columns=("ordered_at", "known_at", "status", "net_amount", "discount_amount", "quantity"),
    ).assign(customer_id="ann", order_id="o1", line_id="1")
    with connect_frames(orders, "UTC") as connection:
        history.stage(connection, JUNE)
        staged = connection.execute(
            "select net_minor, order_hour, discount_minor, quantity_milli, lines from history_orders"
        ).fetchall()

    assert staged == [(600, 19, 0, 2000, 1)]


def test_the_last_order_at_a_cutoff_is_the_last_one_known_by_then() -> None:
    known_late = ("ann", "o2", "1", "2021-05-20", "2021-06-15", "paid", "10.00")
    orders = pd.DataFrame([PAID, known_late], columns=COLUMNS)
    connection = connect_frames(orders, "UTC", None)

    assert history.last_order_at(connection, JUNE) == datetime(2021, 5, 1, tzinfo=UTC)
    assert history.last_order_at(connection, JULY) == datetime(2021, 5, 20, tzinfo=UTC)
    assert history.last_order_at(connection, Cutoff(datetime(2021, 1, 1, tzinfo=UTC), "UTC")) is None


def merged(*rows: tuple[str, str | None, datetime]) -> pa.Table:
    names = ("anonymous_id", "customer_id", "known_at", "how")
    return pa.Table.from_pylist(
        [dict(zip(names, (*row, "merged"), strict=True)) for row in rows], IDENTITIES.arrow_schema
    )


GUEST = ("guest", "o2", "1", "2021-05-11", "2021-05-11", "paid", "5.00")
MID_JUNE = datetime(2021, 6, 15, tzinfo=UTC)


def test_a_merge_changes_no_row_of_a_cutoff_before_it_was_known() -> None:
    with connect_frames(pd.DataFrame([PAID, GUEST], columns=COLUMNS), "UTC") as connection:
        apart = compute(connection, JUNE).to_pylist()
        connection.register("ledger_identities", merged(("guest", "ann", MID_JUNE)))

        june, july = compute(connection, JUNE).to_pylist(), compute(connection, JULY).to_pylist()

    assert june == apart
    assert [(row["customer_id"], row["orders"], row["spend"]) for row in june] == [
        ("ann", 1, 10.0),
        ("guest", 1, 5.0),
    ]
    # From then on one customer bought twice, ten days apart, and the guest has no row of his own.
    assert [(row["customer_id"], row["orders"], row["spend"], row["mean_gap_days"]) for row in july] == [
        ("ann", 2, 15.0, 10.0)
    ]


def test_an_un_merge_gives_both_their_own_history_back() -> None:
    with connect_frames(pd.DataFrame([PAID, GUEST], columns=COLUMNS), "UTC") as connection:
        apart = compute(connection, JULY).to_pylist()
        known = (datetime(2021, 5, 20, tzinfo=UTC), MID_JUNE)
        connection.register(
            "ledger_identities", merged(("guest", "ann", known[0]), ("guest", None, known[1]))
        )

        assert compute(connection, JULY).to_pylist() == apart
        assert compute(connection, JUNE)["customer_id"].to_pylist() == ["ann"]


def test_what_two_ids_of_one_customer_bought_on_one_day_is_one_order() -> None:
    same_day = ("guest", "o2", "1", "2021-05-01", "2021-05-01", "paid", "5.00")
    with connect_frames(pd.DataFrame([PAID, same_day], columns=COLUMNS), "UTC") as connection:
        connection.register("ledger_identities", merged(("guest", "ann", datetime(2021, 5, 2, tzinfo=UTC))))

        found = compute(connection, JUNE).to_pylist()

    assert [(row["customer_id"], row["orders"], row["lines_per_order"]) for row in found] == [("ann", 1, 2.0)]


def test_every_relation_speaks_of_the_customer_and_not_of_the_id_bought_under() -> None:
    orders = pd.DataFrame([(*PAID, "tea"), (*GUEST, "tea")], columns=(*COLUMNS, "product_id"))
    products = pd.DataFrame([("tea", "Drinks")], columns=("product_id", "category"))
    with connect_frames(orders, "UTC", products) as connection:
        connection.register(
            "ledger_identities", merged(("guest", "new account", MID_JUNE), ("ann", "new account", MID_JUNE))
        )
        history.stage(connection, JULY)

        def staged(columns: str, relation: str) -> list[tuple[object, ...]]:
            found = connection.execute(f"select customer_id, {columns} from history_{relation} order by all")
            return found.fetchall()

        assert staged("order_number, gap_days", "orders") == [
            ("new account", 1, None),
            ("new account", 2, 10),
        ]
        assert staged("product_first, gap_days", "items") == [
            ("new account", 0, 10),
            ("new account", 1, None),
        ]
        assert staged("items, products", "categories") == [("new account", 2, 1)]
        assert staged("gross_minor", "customers") == [("new account", 1500)]


def test_ids_staged_apart_are_each_by_itself_whatever_is_known_of_them() -> None:
    with connect_frames(pd.DataFrame([PAID, GUEST], columns=COLUMNS), "UTC") as connection:
        connection.register("ledger_identities", merged(("guest", "ann", datetime(2021, 5, 2, tzinfo=UTC))))
        history.stage_apart(connection, JUNE)

        found = connection.execute("select customer_id from history_customers order by all").fetchall()

    assert found == [("ann",), ("guest",)]
