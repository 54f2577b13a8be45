"""Slices are told apart by what was known at the cutoff."""

import numpy as np
import pandas as pd
import pytest

from training.slices import SLICES

CUSTOMERS = pd.DataFrame(
    {
        "customer_id": ["new", "loyal", "gone", "never"],
        "orders": [1.0, 9.0, 2.0, 0.0],
        "spend": [20.0, 900.0, 40.0, np.nan],
        "days_since_first_order": [90.0, 400.0, 300.0, np.nan],
        "days_since_last_order": [90.0, 5.0, 181.0, np.nan],
    }
)


@pytest.mark.parametrize(
    ("name", "members"),
    [
        ("one_time", ["new"]),
        ("repeat", ["loyal", "gone"]),
        ("new", ["new"]),
        ("heavy", ["loyal"]),
        ("dormant", ["gone"]),
    ],
)
def test_a_slice_has_the_customers_its_sentence_says(name: str, members: list[str]) -> None:
    rows = next(part.rows(CUSTOMERS) for part in SLICES if part.name == name)
    assert CUSTOMERS["customer_id"].iloc[rows].tolist() == members


def test_one_in_ten_is_heavy() -> None:
    store = pd.DataFrame({"spend": np.arange(50.0)})
    heavy = next(part for part in SLICES if part.name == "heavy")
    assert heavy.rows(store).tolist() == [45, 46, 47, 48, 49]
