"""Histograms whose bins hold for whole numbers and for what is not known."""

import numpy as np
import pandas as pd

from models.histograms import Histogram, histograms

NAN = float("nan")


def test_a_whole_number_that_many_share_has_a_bin_of_its_own() -> None:
    found = Histogram.of(np.array([1.0] * 6 + [2.0, 2.0, 3.0, 9.0]))
    assert found.edges == (1.0, 2.0, 3.0)
    assert found.counts == (6, 2, 1, 1)


def test_what_is_not_known_is_counted_apart() -> None:
    found = Histogram.of(np.array([NAN, 0.0, 0.0, NAN, 5.0]))
    assert (found.edges, found.counts, found.missing) == ((0.0,), (2, 1), 2)


def test_other_customers_are_counted_on_the_same_edges_however_far_out_they_are() -> None:
    found = Histogram.of(np.arange(1.0, 11.0)).again(np.array([-5.0, 1.0, 9.5, 1000.0, NAN]))
    assert found.edges == tuple(float(edge) for edge in range(1, 10))
    assert found.counts == (2, 0, 0, 0, 0, 0, 0, 0, 0, 2)
    assert found.missing == 1


def test_a_feature_that_is_the_same_for_all_or_known_of_nobody_has_one_bin() -> None:
    assert Histogram.of(np.full(4, 7.0)).counts == (4,)
    assert Histogram.of(np.full(4, NAN)) == Histogram(edges=(), counts=(0,), missing=4)


def test_columns_of_numbers_get_histograms_and_ids_none() -> None:
    frame = pd.DataFrame(
        {"customer_id": ["a", "b"], "orders": pd.array([1, None], "Int64"), "spend": [2.0, 4.0]}
    )
    found = histograms(frame)
    assert list(found) == ["orders", "spend"]
    assert found["orders"].missing == 1
