from collections.abc import Mapping, Sequence

import duckdb
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.cutoff import Cutoff
from features.history import stage
from ledger.views import add_missing_tables
from segments import past_functions
from segments.assign import assign, parse_all
from segments.derived import cases, derived_sql
from segments.partitions import (
    DEFAULT_LIMITS,
    Waits,
    kaplan_meier,
    lifecycle_cells,
    lifecycle_limits,
    waits,
    waits_since_sign_up,
)
from segments.resolve import thresholds
from segments.segment import load_file
from segments.vocabulary import SegmentColumn

# Weeks in remission of the 21 patients given 6-mercaptopurine (Freireich et al. 1963, as in Cox and Oakes 1984):
# when the illness came back, and when a patient still well was last seen.
RELAPSED = [6, 6, 6, 7, 10, 13, 16, 22, 23]
STILL_WELL = [6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35]


def gaps(orders: int, returned: list[int], waiting: list[int]) -> Waits:
    days = np.array([*returned, *waiting], dtype=np.int64)
    happened = np.array([1] * len(returned) + [0] * len(waiting), dtype=np.int64)
    return Waits(np.full(len(days), orders, dtype=np.int64), days, happened, 1 - happened)


NO_SIGN_UPS = gaps(0, [], [])


def test_the_curve_is_that_of_the_textbook() -> None:
    _, days, returned, waiting = gaps(1, RELAPSED, STILL_WELL)
    curve = kaplan_meier(days, returned, waiting)
    assert curve.days.tolist() == [6, 7, 10, 13, 16, 22, 23]
    assert curve.surviving.round(3).tolist() == [0.857, 0.807, 0.753, 0.690, 0.627, 0.538, 0.448]


def test_the_day_is_a_share_of_those_who_ever_come_back() -> None:
    _, days, returned, waiting = gaps(1, RELAPSED, STILL_WELL)
    curve = kaplan_meier(days, returned, waiting)
    # 55.2 % ever come back; half of that, 27.6 %, is passed on day 13 (31.0 %), nine tenths, 49.7 %, on day 23.
    assert curve.day_by_which(0.5) == 13
    assert curve.day_by_which(0.9) == 23


def test_without_censoring_the_limits_are_plain_quantiles() -> None:
    limits = lifecycle_limits(gaps(1, list(range(1, 101)), []), NO_SIGN_UPS)
    assert (limits["A_1"], limits["C_1"]) == (50, 90)


def test_an_order_count_with_few_returns_takes_the_stores_pooled_gaps() -> None:
    many, few = gaps(1, list(range(1, 101)), []), gaps(2, [3], [400])
    both = Waits(*(np.concatenate(pair) for pair in zip(many, few, strict=True)))
    limits = lifecycle_limits(both, NO_SIGN_UPS)
    assert (limits["A_3"], limits["C_3"]) == (limits["A_2"], limits["C_2"]) == (limits["A_0"], limits["C_0"])
    assert limits["A_2"] != 3


@pytest.mark.parametrize("known", [gaps(1, [], []), gaps(1, [], [10, 20]), gaps(2, [5, 6], [7])])
def test_a_store_with_hardly_any_returns_has_the_default_limits(known: Waits) -> None:
    limits = lifecycle_limits(known, NO_SIGN_UPS)
    assert {(limits[f"A_{count}"], limits[f"C_{count}"]) for count in range(4)} == {DEFAULT_LIMITS}


def counted_from(least: int, most: int) -> st.SearchStrategy[Waits]:
    rows = st.tuples(st.integers(least, most), st.integers(0, 1000), st.integers(0, 40), st.integers(0, 40))
    return st.lists(rows, max_size=20).map(
        lambda found: Waits(*np.array(found, dtype=np.int64).reshape(-1, 4).T)
    )


@given(counted_from(1, 3), counted_from(0, 0))
def test_the_limit_of_the_active_lies_below_the_limit_of_the_churned(known: Waits, sign_ups: Waits) -> None:
    limits = lifecycle_limits(known, sign_ups)
    assert all(limits[f"A_{count}"] < limits[f"C_{count}"] for count in range(4))


@pytest.mark.parametrize(
    ("owner", "one"),
    [
        ({"A_1": 20}, (20, 90)),
        ({"C_1": 200}, (50, 200)),
        ({"A_1": 20, "C_1": 30}, (20, 30)),
        ({"A_1": 120}, (120, 121)),
        ({"C_1": 40}, (39, 40)),
    ],
)
def test_the_owners_days_take_the_place_of_the_stores_which_move_out_of_their_way(
    owner: dict[str, int], one: tuple[int, int]
) -> None:
    known = gaps(1, list(range(1, 101)), [])
    limits = lifecycle_limits(known, NO_SIGN_UPS, owner)
    assert (limits["A_1"], limits["C_1"]) == one
    assert {name: days for name, days in limits.items() if "1" not in name} == {
        name: days for name, days in lifecycle_limits(known, NO_SIGN_UPS).items() if "1" not in name
    }


SIGNED_UP = gaps(0, list(range(201, 301)), [400] * 30)


def test_who_never_ordered_is_measured_by_sign_ups_and_their_first_orders() -> None:
    known = gaps(1, list(range(1, 101)), [])
    limits = lifecycle_limits(known, SIGNED_UP)
    assert (limits["A_0"], limits["C_0"]) == (250, 290)
    others = {name: days for name, days in limits.items() if not name.endswith("0")}
    assert others.items() <= lifecycle_limits(known, NO_SIGN_UPS).items()
    owned = lifecycle_limits(known, SIGNED_UP, {"A_0": 14})
    assert (owned["A_0"], owned["C_0"]) == (14, 290)


@pytest.mark.parametrize(
    "sign_ups",
    [
        gaps(0, list(range(201, 301)), [400] * 29),
        gaps(0, list(range(201, 230)), [400] * 30),
        gaps(0, list(range(201, 301)), []),
    ],
    ids=["few wait", "few ordered", "buyers alone are known"],
)
def test_where_few_sign_ups_are_known_all_gaps_between_orders_are_taken(sign_ups: Waits) -> None:
    limits = lifecycle_limits(gaps(1, list(range(1, 101)), []), sign_ups)
    assert (limits["A_0"], limits["C_0"]) == (50, 90)


def test_waits_since_sign_up_are_counted_of_who_was_there_before_his_first_order() -> None:
    # The cutoff is day 100, 1970-04-11. Of each: when what is known, the day of sign-up, the day of the first order.
    people = [
        ("waits", 90, 60, None),
        ("signed up on the last day", 100, 99, None),
        ("ordered later", 90, 20, 35),
        ("was waiting at the cutoff", 90, 30, None),
        ("ordered on the day", 90, 40, 40),
        ("ordered before", 90, 50, 10),
        ("day unknown", 90, None, 45),
        ("day unknown, waits", 90, None, None),
    ]
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(
            "CREATE TABLE ledger_customers (customer_id TEXT, known_at TIMESTAMPTZ, signed_up_day INTEGER)"
        )
        connection.execute(
            "CREATE TABLE ledger_identities (anonymous_id TEXT, customer_id TEXT, known_at TIMESTAMPTZ, how TEXT)"
        )
        known = [(one, day, signed_up) for one, day, signed_up, _ in people]
        known += [("told later", 101, 5), ("ordered later", 80, 3), ("ordered later", 102, 4)]
        known += [("other account", 90, 15), ("merged later", 90, 10)]
        connection.executemany(
            "INSERT INTO ledger_customers VALUES (?, TIMESTAMPTZ '1970-01-01' + to_days(?) - INTERVAL 1 HOUR, ?)",
            known,
        )
        connection.execute(
            "INSERT INTO ledger_identities VALUES ('other account', 'ordered later', '1970-02-01', 'merged'), "
            "('merged later', 'waits', '1970-05-01', 'merged')"
        )
        connection.execute(
            "CREATE TABLE history_orders (customer_id TEXT, order_day BIGINT, order_number BIGINT)"
        )
        ordered = [(one, day, 1) for one, _, _, day in people if day is not None]
        connection.executemany(
            "INSERT INTO history_orders VALUES (?, ?, ?)", [*ordered, ("ordered later", 77, 2)]
        )
        cutoff = Cutoff.at_midnight(pd.Timestamp("1970-04-11").date(), "UTC")
        counted = waits_since_sign_up(connection, cutoff)
    # Of two accounts of one the earlier sign-up counts.
    assert list(zip(*(column.tolist() for column in counted), strict=True)) == [
        (0, 1, 0, 1),
        (0, 20, 1, 0),
        (0, 40, 0, 1),
        (0, 70, 0, 1),
        (0, 90, 0, 1),
    ]


def test_times_to_the_next_order_are_counted_from_the_staged_history_once_a_customer() -> None:
    # a orders on days 0, 10, 15, b on day 5 only, and c every other day from day 1 on; the cutoff is day 20.
    with duckdb.connect() as connection:
        connection.execute(
            "CREATE TABLE history_orders AS SELECT * FROM (VALUES ('a', 20, 1, NULL), ('a', 10, 2, 10), "
            "('a', 5, 3, 5), ('b', 15, 1, NULL)) t(customer_id, age_days, order_number, gap_days) "
            "UNION ALL SELECT 'c', 21 - 2 * n, n, CASE WHEN n > 1 THEN 2 END FROM range(1, 11) r(n)"
        )
        counted = waits(connection)
    assert list(zip(*(column.tolist() for column in counted), strict=True)) == [
        (1, 2, 1, 0),
        (1, 10, 1, 0),
        (1, 15, 0, 1),
        (2, 2, 1, 0),
        (2, 5, 1, 0),
        (3, 2, 1, 0),
        (3, 5, 0, 1),
    ]


def test_the_history_that_features_stage_is_the_one_that_is_counted() -> None:
    with duckdb.connect() as connection:
        add_missing_tables(connection)
        cutoff = Cutoff.at_midnight(pd.Timestamp("2024-01-01").date(), "UTC")
        stage(connection, cutoff)
        assert len(waits(connection).days) == 0
        assert len(waits_since_sign_up(connection, cutoff).days) == 0


# Any data: counts below zero, days that are unknown, NaN, infinite or negative.
DAYS = st.one_of(
    st.none(), st.sampled_from([float("nan"), float("inf"), 40.0, 150.0]), st.integers(-10, 400).map(float)
)
CUSTOMERS = st.lists(st.tuples(st.one_of(st.none(), st.integers(-2, 6)), DAYS), min_size=1, max_size=30)
LIMITS = st.lists(st.tuples(st.integers(0, 200), st.integers(1, 200)), min_size=4, max_size=4).map(
    lambda pairs: (
        {f"A_{k}": float(a) for k, (a, _) in enumerate(pairs)}
        | {f"C_{k}": float(a + more) for k, (a, more) in enumerate(pairs)}
    )
)


def cell(orders: int | None, days: float | None, limits: Mapping[str, float]) -> str:
    """Say in plain Python which cell a customer is in; without sign-up dates, prospects count as active."""
    count = max(0, min(orders or 0, 3))
    row = ("prospect", "one_timer", "repeat", "loyal")[count]
    if count == 0 or days is None or not np.isfinite(days) or days <= limits[f"A_{count}"]:
        return f"{row}_active"
    return f"{row}_at_risk" if days <= limits[f"C_{count}"] else f"{row}_churned"


@settings(max_examples=30, deadline=None)
@given(customers=CUSTOMERS, limits=LIMITS)
def test_every_customer_is_in_exactly_one_cell_of_the_grid(
    customers: list[tuple[int | None, float | None]],
    limits: dict[str, float],
    columns: dict[str, SegmentColumn],
) -> None:
    frame = pd.DataFrame(
        {
            "customer_id": [f"c{number:02d}" for number in range(len(customers))],
            "orders": pd.array([orders for orders, _ in customers], dtype="Int64"),
            "days_since_last_order": pd.array([days for _, days in customers], dtype="Float64"),
            "days_since_sign_up": pd.array([None] * len(customers), dtype="Float64"),
        }
    )
    found = assign(frame, lifecycle_cells(), {}, limits, columns)
    assert found["customer_id"].to_pylist() == frame["customer_id"].tolist()
    assert found["segment"].to_pylist() == [cell(orders, days, limits) for orders, days in customers]


@settings(max_examples=30, deadline=None)
@given(signed_up=DAYS, limits=LIMITS)
def test_prospects_are_parted_by_their_sign_up_once_it_is_known(
    signed_up: float | None, limits: dict[str, float]
) -> None:
    days = "NULL" if signed_up is None or not np.isfinite(signed_up) else str(signed_up)
    row = f"SELECT 0::DOUBLE AS orders, NULL::DOUBLE AS days_since_last_order, {days}::DOUBLE AS days_since_sign_up"
    ((name,),) = duckdb.execute(f"SELECT {derived_sql('lifecycle', limits)} FROM ({row})").fetchall()
    if days == "NULL" or float(days) <= limits["A_0"]:
        assert name == "prospect_active"
    else:
        assert name == ("prospect_at_risk" if float(days) <= limits["C_0"] else "prospect_churned")


VALUES = st.one_of(st.none(), st.sampled_from([float("nan"), 0.0, 5.0, 1e9]), st.integers(-3, 12).map(float))
BUYERS = st.lists(
    st.tuples(st.one_of(st.none(), st.integers(-1, 6)), DAYS, VALUES, VALUES), min_size=1, max_size=40
)


@settings(max_examples=40, deadline=None)
@given(customers=BUYERS, learnt_from=st.one_of(st.none(), BUYERS))
def test_every_customer_is_in_exactly_one_rfm_group_and_every_buyer_in_exactly_one_value_tier(
    customers: list[tuple[int | None, float | None, float | None, float | None]],
    learnt_from: list[tuple[int | None, float | None, float | None, float | None]] | None,
    columns: dict[str, SegmentColumn],
) -> None:
    groups, tiers = load_file("rfm"), load_file("tiers")
    expressions = parse_all((*groups, *tiers), columns).values()
    known = thresholds(expressions, described(learnt_from or customers))
    frame = described(customers)
    found = assign(frame, (*groups, *tiers), known, {}, columns).to_pylist()
    names = {group.name for group in groups}
    assert [row["customer_id"] for row in found if row["segment"] in names] == frame["customer_id"].tolist()
    buyers = frame["customer_id"][(frame["orders"] > 0).fillna(value=False)].tolist()
    placed = [row["customer_id"] for row in found if row["segment"] not in names]
    assert placed == buyers


def test_where_a_release_knows_no_value_every_buyer_is_in_the_lowest_tier(
    columns: dict[str, SegmentColumn],
) -> None:
    tiers = load_file("tiers")
    known = thresholds(parse_all(tiers, columns).values(), described([(1, 10.0, 5.0, None)]))
    assert known == {"clv_365d:known": 0.0}
    frame = described([(1, 10.0, 5.0, None), (4, 3.0, 90.0, 250.0), (0, None, None, None)])
    found = assign(frame, tiers, known, {}, columns).to_pylist()
    assert [(row["customer_id"], row["segment"]) for row in found] == [
        ("c00", "tier_low"),
        ("c01", "tier_low"),
    ]


@pytest.mark.parametrize("most", ["morning", "afternoon", "evening", "night"])
def test_who_mostly_orders_at_one_time_of_day_is_in_its_segment_alone(
    most: str, columns: dict[str, SegmentColumn]
) -> None:
    shares = {
        f"{part}_order_share": 0.7 if part == most else 0.1 for part in ("morning", "afternoon", "evening")
    }
    frame = pd.DataFrame(
        {"customer_id": ["c"], "orders": [3.0]} | {name: [share] for name, share in shares.items()}
    )
    times = [
        each
        for each in load_file("orders")
        if each.name.endswith(("ing_buyers", "noon_buyers", "night_buyers"))
    ]
    assert len(times) == 4
    known = {"afternoon_order_share:mean": 0.3}
    assert assign(frame, times, known, {}, columns)["segment"].to_pylist() == [f"{most}_buyers"]


def described(
    customers: Sequence[tuple[int | None, float | None, float | None, float | None]],
) -> pd.DataFrame:
    kinds = ("orders", "days_since_last_order", "spend", "clv_365d")
    columns = dict(zip(kinds, zip(*customers, strict=True), strict=True))
    frame = pd.DataFrame({"customer_id": [f"c{number:02d}" for number in range(len(customers))]})
    for name, values in columns.items():
        frame[name] = pd.array(list(values), dtype="Int64" if name == "orders" else "Float64")
    return frame


@pytest.mark.parametrize(
    ("scores", "group"),
    [
        ((5, 4, 4), "rfm_champions"),
        ((3, 5, 3), "rfm_loyal"),
        ((5, 2, 1), "rfm_new"),
        ((4, 1, 2), "rfm_promising"),
        ((4, 2, 2), "rfm_active"),
        ((3, 3, 4), "rfm_needs_attention"),
        ((3, 1, 2), "rfm_almost_lost"),
        ((2, 2, 3), "rfm_almost_lost"),
        ((2, 3, 3), "rfm_at_risk"),
        ((1, 4, 4), "rfm_previously_loyal"),
        ((1, 5, 2), "rfm_dormant"),
    ],
)
def test_the_groups_are_those_of_the_table(
    scores: tuple[int, int, int], group: str, columns: dict[str, SegmentColumn]
) -> None:
    # Fifths of a store whose values are 10, 20, 30 and 40 at their edges.
    edges = {
        f"{name}:{share}.0": share / 2.0
        for name in ("days_since_last_order", "orders", "spend")
        for share in (20, 40, 60, 80)
    }
    recency, frequency, money = scores
    frame = pd.DataFrame(
        {
            "customer_id": ["c"],
            "days_since_last_order": [10.0 * (6 - recency)],
            "orders": [10.0 * frequency - 1],
            "spend": [10.0 * money],
        }
    )
    assert assign(frame, load_file("rfm"), edges, {}, columns)["segment"].to_pylist() == [group]


def test_equal_customers_are_of_the_better_fifth_by_recency_and_of_the_lower_by_frequency(
    columns: dict[str, SegmentColumn],
) -> None:
    frame = described([(1, 7.0, 10.0, None)] * 8 + [(5, 7.0, 10.0, None)] * 2)
    known = thresholds(parse_all(load_file("rfm"), columns).values(), frame)
    asked = (
        "SELECT "
        + ", ".join(derived_sql(name, known) for name in ("recency_score", "frequency_score", "money_score"))
        + " FROM (SELECT orders::DOUBLE AS orders, days_since_last_order, spend FROM frame WHERE orders = 1 LIMIT 1)"
    )
    with duckdb.connect() as connection:
        connection.register("frame", frame)
        assert connection.execute(asked).fetchall() == [(5.0, 1.0, 1.0)]


@pytest.mark.parametrize(
    ("shares", "time"),
    [
        ((0.5, 0.25, 0.25), "morning"),
        ((0.25, 0.5, 0.25), "afternoon"),
        ((0.0, 0.25, 0.5), "evening"),
        ((0.1, 0.1, 0.2), "night"),
        ((0.5, 0.5, 0.0), "morning"),
        ((None, None, None), None),
    ],
)
def test_the_usual_time_of_day_is_that_of_most_orders(
    shares: tuple[float | None, ...], time: str | None
) -> None:
    parts = zip(shares, ("morning", "afternoon", "evening"), strict=True)
    row = ", ".join(
        f"{'NULL' if share is None else share}::DOUBLE AS {part}_order_share" for share, part in parts
    )
    told = derived_sql("usual_order_time", {"afternoon_order_share:mean": 0.3})
    assert duckdb.execute(f"SELECT {told} FROM (SELECT {row})").fetchall() == [(time,)]


def test_where_no_times_of_day_are_told_nobody_buys_at_night() -> None:
    parts = ("morning", "afternoon", "evening")
    midnight = f"SELECT {', '.join(f'0::DOUBLE AS {part}_order_share' for part in parts)}"
    told = derived_sql("usual_order_time", {"afternoon_order_share:mean": 0.0})
    assert duckdb.execute(f"SELECT {told} FROM ({midnight})").fetchall() == [(None,)]


def test_the_texts_that_a_column_may_be_compared_with_are_those_that_it_ever_holds() -> None:
    assert {name: {case.value for case in cases(name)} for name in past_functions.VALUES} == {
        name: set(values) for name, values in past_functions.VALUES.items()
    }
