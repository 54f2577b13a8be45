"""What a pair's past looks like, against the same said plainly, one pair at a time."""

import itertools
import math
import statistics

import numpy as np
import pandas as pd
import pytest

from models.gaps import Days, Items
from models.pair_history import pairs_as_of

DAY = 1000
ITEMS = Items(
    np.asarray(["bread", "milk", "oats", "soap"], dtype=object),
    np.asarray(["food", "food", "food", None], dtype=object),
)


def days(seed: int, customers: int = 12) -> Days:
    """Return random days of some customers, a few after `DAY`."""
    random = np.random.default_rng(seed)
    rows = sorted(
        {
            (customer, item, DAY - 400 + int(random.integers(0, 410)))
            for customer in range(customers)
            for item in range(4)
            for _ in range(random.integers(0, 9))
        }
    )
    table = np.asarray(rows)
    visits = np.asarray(sorted({(customer, day) for customer, _, day in rows}))
    return Days(
        customer=table[:, 0],
        item=table[:, 1],
        day=table[:, 2],
        quantity=random.choice(np.asarray([1.0, 2.0, 4.0, np.nan]), len(rows)),
        spent=random.integers(100, 900, len(rows)).astype(float),
        visit_customer=visits[:, 0],
        visit_day=visits[:, 1],
    )


def plainly(known: Days, customer: int, item: int) -> dict[str, float]:
    """Return what is said of one pair, slowly."""
    bought = {
        (int(who), int(what), int(day)): quantity
        for who, what, day, quantity in zip(
            known.customer, known.item, known.day, known.quantity, strict=True
        )
        if day < DAY
    }
    own = sorted(day for who, what, day in bought if (who, what) == (customer, item))
    visits = sorted({day for who, _, day in bought if who == customer})
    gaps = [math.log(later - earlier) for earlier, later in itertools.pairwise(own)]
    category = {0: (0, 1, 2), 1: (0, 1, 2), 2: (0, 1, 2), 3: (3,)}[item]
    latest = max(day for who, what, day in bought if who == customer and what in category)
    quantities = [bought[customer, item, day] for day in own if not math.isnan(bought[customer, item, day])]
    stretches = {(DAY - day - 1) // 14 for day in own}
    return {
        "days_bought": len(own),
        "days_bought_14d": sum(DAY - day <= 14 for day in own),
        "days_bought_28d": sum(DAY - day <= 28 for day in own),
        "days_bought_year": sum(DAY - day <= 365 for day in own),
        "days_bought_year_ago": sum(337 < DAY - day <= 365 for day in own),
        "days_faded_60d": sum(0.5 ** ((DAY - day) / 60) for day in own),
        "stretches_share": len(stretches) / ((DAY - own[0] - 1) // 14 + 1),
        "elapsed_days": DAY - own[-1],
        "full_age_days": DAY - own[0],
        "log_gap_sum": sum(gaps),
        "log_gap_squared_sum": sum(gap**2 for gap in gaps),
        "log_gap_mean": statistics.fmean(gaps) if gaps else math.nan,
        "log_gap_deviation": statistics.pstdev(gaps) if len(gaps) > 1 else math.nan,
        "last_gap_days": own[-1] - own[-2] if gaps else math.nan,
        "first_gap_days": own[1] - own[0] if gaps else math.nan,
        "quantity": statistics.median(quantities) if quantities else math.nan,
        "visits": len(visits),
        "last_visit_days": DAY - visits[-1],
        "visits_since": sum(day > own[-1] for day in visits),
        "visits_share": len(own) / sum(day >= own[0] for day in visits),
        "category_elapsed_days": DAY - latest,
        "substitute_ahead_days": latest - own[-1],
    }


@pytest.mark.parametrize("seed", range(8))
def test_every_pair_is_described_as_the_plain_count_has_it(seed: int) -> None:
    known = days(seed)
    pairs = pairs_as_of(known, ITEMS, DAY)
    expected = sorted(
        {
            (int(c), int(i))
            for c, i, day in zip(known.customer, known.item, known.day, strict=True)
            if day < DAY
        }
    )
    assert list(zip(pairs["customer"], pairs["item"], strict=True)) == expected
    plain = pd.DataFrame([plainly(known, *pair) for pair in expected])
    pd.testing.assert_frame_equal(pairs[list(plain.columns)], plain.astype(float), rtol=1e-9, atol=1e-7)


def test_quantities_move_gaps_only_within_a_pair() -> None:
    # gaps of 10 after 1 piece and of 20 after 2: the logarithms rise together, half of log 2 each side of the middle
    at = np.asarray([DAY - 50, DAY - 40, DAY - 20, DAY - 10], dtype=np.int64)
    one = np.zeros(4, dtype=np.int64)
    known = Days(one, one, at, np.asarray([1.0, 2.0, 1.0, 4.0]), np.full(4, 500.0), one, at)
    row = pairs_as_of(known, ITEMS, DAY).iloc[0]
    begun = np.log([1, 2, 1])
    away = begun - begun.mean()
    gap = np.log([10, 20, 10])
    assert row["quantity_moved"] == pytest.approx((away**2).sum())
    assert row["quantity_moved_gap"] == pytest.approx((away * (gap - gap.mean())).sum())
    assert row["log_quantity_more"] == pytest.approx(math.log(4) - begun.mean())
