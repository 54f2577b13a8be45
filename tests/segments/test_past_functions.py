"""What earlier runs said of customers, and who is held out of an experiment."""

import hashlib
from collections.abc import Mapping
from datetime import date, datetime, timedelta

import duckdb
import pyarrow as pa
import pytest

from features.cutoff import Cutoff
from ledger.errors import InputError
from segments import known
from segments.assign import compile_segments, parse_all
from segments.expression import parse
from segments.measured import measure, relations_of
from segments.past_functions import PARTITIONS, WORST_FIRST
from segments.segment import Segment, load_file, load_library
from segments.vocabulary import SegmentColumn

Columns = dict[str, SegmentColumn]
CUTOFF = Cutoff.at_midnight(date(2024, 4, 5), "Europe/Berlin")
LIBRARY = {segment.name: segment for segment in load_library()}


def day(number: int) -> datetime:
    """Return a local midnight of that week, on whose first Sunday the clocks go forward."""
    return Cutoff.at_midnight(date(2024, 3, 29) + timedelta(days=number), "Europe/Berlin").at


STAYS = [
    ("a", "loyal_customers", 0, None),
    ("b", "loyal_customers", 0, 3),
    ("c", "loyal_customers", 6, None),
    ("a", "repeat_at_risk", 0, 2),
    ("a", "loyal_active", 2, None),
    ("b", "loyal_active", 0, 6),
    ("b", "loyal_at_risk", 6, None),
    ("c", "tier_low", 0, None),
]
RUNS = [("loyal_customers", 0), ("loyal_active", 0), ("tier_low", 4)]


def found(text: str, columns: Columns, now: Mapping[str, str] | None = None) -> list[str]:
    """Return for whom a condition holds, of a, b, c and the new d."""
    expression = parse(text, columns, LIBRARY)
    rows = pa.table({"customer_id": ["a", "b", "c", "d"]})
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'Pacific/Auckland'")
        stays = [
            {
                "customer_id": who,
                "segment": name,
                "entered_at": day(since),
                "left_at": None if to is None else day(to),
            }
            for who, name, since, to in STAYS
        ]
        runs = [{"segment": name, "as_of": day(since)} for name, since in RUNS]
        for (name, schema), lines in zip(known.PAST.items(), (stays, runs), strict=True):
            table = pa.Table.from_pylist(lines, schema)
            connection.register(f"{name}_given", table)
            connection.execute(f"create temp view {name} as from {name}_given")
        wanted = sorted(expression.measured, key=lambda each: each.name)
        known.stage(connection, CUTOFF, rows["customer_id"], relations_of(wanted))
        frame = measure(connection, wanted)
        for column, value in (now or {}).items():
            frame = frame.append_column(column, pa.array([value] * 4))
        connection.register("frame", frame)
        members = f"SELECT customer_id FROM frame WHERE {expression.sql({})} ORDER BY ALL"
        return [row[0] for row in connection.execute(members).fetchall()]


@pytest.mark.parametrize(
    ("text", "who"),
    [
        ("was_in_segment('loyal_customers', days_ago = 1)", ["a", "c"]),
        ("was_in_segment('loyal_customers', days_ago = 2)", ["a"]),
        ("was_in_segment('loyal_customers', days_ago = 4)", ["a"]),
        ("was_in_segment('loyal_customers', days_ago = 5)", ["a", "b"]),
        # A week ago by the days of the shop, though the clocks went forward in it.
        ("was_in_segment('loyal_customers', days_ago = 7)", ["a", "b"]),
        ("not was_in_segment('loyal_customers', days_ago = 7)", ["c", "d"]),
        # It is not known who was in it before it was followed.
        ("was_in_segment('loyal_customers', days_ago = 8)", []),
        ("not was_in_segment('loyal_customers', days_ago = 8)", []),
    ],
)
def test_who_was_in_a_segment_is_who_the_last_run_by_that_day_had_in_it(
    text: str, who: list[str], columns: Columns
) -> None:
    assert found(text, columns) == who


@pytest.mark.parametrize(
    ("text", "who"),
    [
        ("moved_up('lifecycle', within_days = 7)", ["a"]),
        ("moved_up('lifecycle', within_days = 5)", []),
        ("not moved_up('lifecycle', within_days = 5)", ["a", "b"]),
        ("moved_down('lifecycle', within_days = 7)", []),
    ],
)
def test_a_customer_moves_up_from_the_group_of_that_day_to_that_of_today(
    text: str, who: list[str], columns: Columns
) -> None:
    # Today all are active and loyal: a was at risk with two orders a week ago, b as today, c and d nowhere.
    assert found(text, columns, {"lifecycle": "loyal_active"}) == who


def test_a_value_tier_is_compared_with_that_of_another_day(columns: Columns) -> None:
    assert found("moved_up('value', within_days = 1)", columns, {"value_tier": "gold"}) == ["c"]
    assert found("moved_down('value', within_days = 1)", columns, {"value_tier": "low"}) == []
    assert found("moved_up('value', within_days = 4)", columns, {"value_tier": "gold"}) == []


def test_every_group_of_a_partition_has_one_place_from_the_worst_to_the_best() -> None:
    groups = [
        cell.name.removeprefix(prefix)
        for of, (_, prefix, _) in PARTITIONS.items()
        for cell in load_file({"value": "tiers"}.get(of, of))
    ]
    assert sorted(WORST_FIRST) == sorted(groups)


def held_out(share: int, experiment: str, customers: int, columns: Columns) -> set[str]:
    text = f"in_control_group('{experiment}', percent = {share})"
    segment = Segment(name="held_out", title="T", description="D.", expression=text, advice="A.")
    ids = pa.array([f"c{number}" for number in range(customers)])
    with duckdb.connect() as connection:
        wanted = sorted(parse_all([segment], columns)["held_out"].measured, key=lambda each: each.name)
        known.stage(connection, CUTOFF, ids, relations_of(wanted))
        frame = measure(connection, wanted)
    members = compile_segments([segment], columns, {}, {}).assign(frame)
    return set(members["customer_id"].to_pylist())


def test_a_control_group_is_a_stable_tenth_that_grows_and_hangs_on_the_experiments_name(
    columns: Columns,
) -> None:
    tenth = held_out(10, "spring", 5_000, columns)
    assert 400 < len(tenth) < 600
    assert held_out(10, "spring", 200, columns) == {each for each in tenth if int(each[1:]) < 200}
    assert tenth < held_out(20, "spring", 5_000, columns)
    # Of two experiments' tenths a tenth is in both.
    assert 20 < len(tenth & held_out(10, "autumn", 5_000, columns)) < 90


def test_a_control_group_is_by_a_hash_that_anyone_can_compute(columns: Columns) -> None:
    places = {
        f"c{number}": int(hashlib.md5(f"spring:c{number}".encode()).hexdigest()[:15], 16) / 2**60  # noqa: S324
        for number in range(300)
    }
    assert held_out(25, "spring", 300, columns) == {who for who, place in places.items() if place < 0.25}


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("was_in_segment('loyl_customers', days_ago = 7)", "did you mean 'loyal_customers'"),
        ("was_in_segment('loyal_customers')", "was_in_segment needs days_ago"),
        ("moved_up('tiers', within_days = 7)", "unknown groups 'tiers'; known are lifecycle, rfm, value"),
        ("in_control_group('x', percent = 100)", "percent is a number between 0 and 100"),
        ("in_control_group('{0}', percent = 10)", "letters, digits, blanks and hyphens"),
    ],
)
def test_what_is_not_understood_is_refused_with_what_is(text: str, error: str, columns: Columns) -> None:
    with pytest.raises(InputError, match=error.replace("(", r"\(")):
        parse(text, columns, LIBRARY)


def test_the_sentences_read_on(columns: Columns) -> None:
    def says(text: str) -> str:
        return parse(text, columns, LIBRARY).sentence

    assert says("was_in_segment('loyal_customers', days_ago = 1)") == (
        "the customer was in the segment “Loyal customers” 1 day ago"
    )
    assert says("not moved_up('rfm', within_days = 7)") == (
        "the customer has not moved up among the RFM groups in the last 7 days"
    )
    assert says("orders >= 3 and not in_control_group('spring', percent = 10)") == (
        "number of orders is at least 3 and the customer is not in the control group of “spring” (10 % of all)"
    )
