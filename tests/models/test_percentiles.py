"""Percentiles place a value among the stored quantiles, ties in their middle."""

import numpy as np

from models.percentiles import percentile


def test_a_value_that_all_share_stands_in_the_middle() -> None:
    assert percentile(np.array([7.0]), [7.0] * 201).tolist() == [50.0]
    half_zero = [0.0] * 101 + list(np.arange(1.0, 101.0))
    # 0 holds from 0 to 50 %; the quantile 100 is the last, and beyond it nothing is higher.
    assert percentile(np.array([0.0, 100.0, 1e9]), half_zero).tolist() == [25.0, 100.0, 100.0]
