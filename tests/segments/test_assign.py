from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from ledger.errors import InputError
from segments.assign import Assigner, assign, compile_segments, measured_in, parse_all
from segments.resolve import thresholds
from segments.segment import Segment, load_library
from segments.vocabulary import DERIVED, SegmentColumn

Columns = dict[str, SegmentColumn]
Limits = Mapping[str, float]
TEXTS = ["mobile", "desktop", "loyal_active", "one_timer_churned", "champions", "dormant", None]


def segment(name: str, expression: str) -> Segment:
    return Segment(name=name, title=name, description="D.", expression=expression, advice="A.")


def shop(columns: Columns, customers: int) -> pd.DataFrame:
    """Return customers with random values in every column, a tenth of them unknown."""
    generator = np.random.default_rng(11)
    filled: dict[str, object] = {"customer_id": [f"c{number:05d}" for number in range(customers)]}
    derived = {column.name for column in DERIVED}
    measured = measured_in(parse_all(load_library(), columns).values())
    for column in (*columns.values(), *measured):
        if column.name in derived:
            continue
        if column.unit == "text":
            filled[column.name] = generator.choice(np.array(TEXTS, dtype=object), customers)
        else:
            top = {"probability": 1.0, "share": 1.0, "orders": 6.0, "categories": 5.0}.get(column.unit, 400.0)
            values = generator.random(customers) * top
            known = generator.random(customers) >= 0.1
            filled[column.name] = np.where(known, np.floor(values) if top > 1 else values, np.nan)
    return pd.DataFrame(filled)


def test_members_come_with_reasons_by_customer_in_the_order_of_the_segments(
    columns: Columns, limits: Limits
) -> None:
    frame = pd.DataFrame({"customer_id": ["b", "a"], "orders": [4, 1], "days_since_last_order": [10, 60]})
    segments = [segment("quiet", "days_since_last_order > 30"), segment("known", "orders >= 1")]
    assert assign(frame, segments, {}, limits, columns).to_pylist() == [
        {
            "customer_id": "a",
            "segment": "quiet",
            "reasons": ["the last order was 60 days ago (more than 30 days ago)"],
        },
        {"customer_id": "a", "segment": "known", "reasons": ["number of orders is 1 (at least 1)"]},
        {"customer_id": "b", "segment": "known", "reasons": ["number of orders is 4 (at least 1)"]},
    ]


def test_null_nan_and_infinity_are_all_unknown_and_no_member(columns: Columns, limits: Limits) -> None:
    values = pa.array([None, float("nan"), float("inf"), 7.0], pa.float64())
    frame = pa.table({"customer_id": ["null", "nan", "inf", "seven"], "spend": values})
    segments = [
        segment("over", "spend > 5"),
        segment("not_over", "not spend > 5"),
        segment("lost", "spend is unknown"),
    ]
    found = assign(frame, segments, {}, limits, columns)
    members = {
        name: found.filter(pa.compute.equal(found["segment"], name))["customer_id"].to_pylist()
        for name in ("over", "not_over", "lost")
    }
    assert members == {"over": ["seven"], "not_over": [], "lost": ["inf", "nan", "null"]}


def test_the_lifecycle_column_is_the_customers_cell(columns: Columns, limits: Limits) -> None:
    frame = pd.DataFrame({"customer_id": ["a", "b"], "orders": [1, 3], "days_since_last_order": [10, 200]})
    frame["days_since_sign_up"] = np.nan
    found = assign(frame, [segment("gone", "lifecycle = 'loyal_churned'")], {}, limits, columns)
    assert found.to_pylist() == [
        {"customer_id": "b", "segment": "gone", "reasons": ["place in the lifecycle grid is “loyal_churned”"]}
    ]


def test_a_customer_alone_gets_what_he_gets_in_the_crowd(columns: Columns, limits: Limits) -> None:
    crowd = shop(columns, 60)
    library = load_library()
    found = thresholds(parse_all(library, columns).values(), crowd)
    assigner = compile_segments(library, columns, found, limits)
    together = assigner.assign(crowd).to_pylist()
    alone = [row for number in range(0, 60, 6) for row in assigner.assign(crowd.iloc[[number]]).to_pylist()]
    ids = set(crowd["customer_id"].iloc[::6])
    assert alone == [row for row in together if row["customer_id"] in ids]


def test_a_frame_of_arrow_and_one_of_pandas_give_the_same_members(columns: Columns, limits: Limits) -> None:
    crowd = shop(columns, 200)
    library = load_library()
    known = thresholds(parse_all(library, columns).values(), crowd)
    from_arrow = assign(pa.Table.from_pandas(crowd, preserve_index=False), library, known, limits, columns)
    assert from_arrow.equals(assign(crowd, library, known, limits, columns))
    assert from_arrow.num_rows > 200


def test_no_customers_and_no_segments_give_no_members(columns: Columns, limits: Limits) -> None:
    frame = pd.DataFrame({"customer_id": ["a"], "orders": [1]})
    empty = assign(frame.iloc[:0], [segment("once", "orders = 1")], {}, limits, columns)
    assert empty.num_rows == 0
    assert empty.schema == assign(frame, [], {}, limits, columns).schema


def test_a_frame_without_a_column_that_a_segment_names_is_refused(columns: Columns, limits: Limits) -> None:
    with pytest.raises(InputError, match=r"need the columns \['spend'\]"):
        assign(pd.DataFrame({"customer_id": ["a"]}), [segment("rich", "spend > 5")], {}, limits, columns)


def test_a_refused_expression_is_reported_with_its_segment(columns: Columns) -> None:
    with pytest.raises(
        InputError, match="segment 'rich': segment expression, character 1: unknown column 'spent'"
    ):
        parse_all([segment("rich", "spent > 5")], columns)


def test_two_segments_of_one_name_are_refused(columns: Columns) -> None:
    with pytest.raises(InputError, match="two segments are named 'twice'"):
        parse_all([segment("twice", "orders = 1"), segment("twice", "orders = 2")], columns)


def test_what_a_slipped_word_would_read_from_a_file_is_refused_by_the_engine(tmp_path: Path) -> None:
    file = tmp_path / "secret.csv"
    file.write_text("customer_id,segment\na,rich\n")
    slipped = Assigner(f"SELECT customer_id, segment, ['x'] AS reasons FROM read_csv('{file}')", needs=())
    with pytest.raises(duckdb.PermissionException, match="disabled"):
        slipped.assign(pd.DataFrame({"customer_id": ["a"]}))


def test_several_requests_may_be_assigned_at_once(columns: Columns, limits: Limits) -> None:
    assigner = compile_segments([segment("once", "orders = 1")], columns, {}, limits)
    frames = [pd.DataFrame({"customer_id": [str(number)], "orders": [1]}) for number in range(24)]
    with ThreadPoolExecutor(4) as threads:
        found = [table.to_pylist()[0]["customer_id"] for table in threads.map(assigner.assign, frames)]
    assert found == [str(number) for number in range(24)]
