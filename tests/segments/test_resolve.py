import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from ledger.errors import InputError
from segments.expression import parse
from segments.resolve import thresholds
from segments.vocabulary import SegmentColumn

Columns = dict[str, SegmentColumn]


def test_percentiles_means_and_deviations_are_taken_over_known_values(columns: Columns) -> None:
    expressions = [
        parse("in_top(clv_365d, 25) and orders > mean_of(orders) + deviation_of(orders)", columns),
        parse("spend >= percentile_of(spend, 50) and days_since_last_order < active_until(2)", columns),
    ]
    frame = pd.DataFrame(
        {
            "clv_365d": [0.0, 10.0, 20.0, 30.0, 40.0, np.nan],
            "orders": [1, 1, 3, 3, 2, 2],
            "spend": [5.0, np.inf, 7.0, np.nan, np.nan, np.nan],
        }
    )
    assert thresholds(expressions, frame) == {
        "clv_365d:75.0": 30.0,
        "clv_365d:known": 5.0,
        "orders:mean": 2.0,
        "orders:deviation": pytest.approx(0.8165, abs=1e-4),  # sqrt(4 / 6)
        "orders:known": 6.0,
        "spend:50.0": 6.0,
        "spend:known": 2.0,
    }


def test_a_frame_of_arrow_gives_the_same_numbers_as_one_of_pandas(columns: Columns) -> None:
    expressions = [parse("in_bottom(clv_365d, 20)", columns)]
    values = [1.5, None, 7.25, 3.0]
    from_arrow = thresholds(expressions, pa.table({"clv_365d": pa.array(values, pa.float64())}))
    assert from_arrow == thresholds(expressions, pd.DataFrame({"clv_365d": values}))


def test_a_column_without_a_known_value_resolves_to_nothing_but_that(columns: Columns) -> None:
    assert thresholds([parse("in_top(clv_365d, 25)", columns)], pd.DataFrame({"clv_365d": [np.nan]})) == {
        "clv_365d:known": 0.0
    }


def test_a_frame_without_a_needed_column_is_refused(columns: Columns) -> None:
    with pytest.raises(InputError, match="needs the column 'clv_365d'"):
        thresholds([parse("in_top(clv_365d, 25)", columns)], pd.DataFrame({"orders": [1]}))


@pytest.mark.parametrize("values", [[1.0] * 10, [0.0] * 9 + [5.0], list(range(10)), list(range(11))])
def test_a_top_group_never_holds_more_than_its_share_of_the_store(
    values: list[float], columns: Columns
) -> None:
    found = thresholds(
        [parse("in_top(clv_365d, 20) and in_bottom(clv_365d, 20)", columns)],
        pd.DataFrame({"clv_365d": values}),
    )
    assert sum(value > found["clv_365d:80.0"] for value in values) <= 0.2 * len(values)
    assert sum(value < found["clv_365d:20.0"] for value in values) <= 0.2 * len(values)
