"""What a customer should like by what those buy who buy alike."""

import json

import numpy as np
import pandas as pd
import pytest

from models import taste
from models.gaps import Items
from models.taste import Taste

NAMES = np.asarray([f"item{number:03d}" for number in range(40)], dtype=object)
ITEMS = Items(NAMES, NAMES)


def pairs(customers: int = 400, seed: int = 2) -> pd.DataFrame:
    """Return customers of two kinds: one buys the first twenty items, the other the last twenty; each skips many."""
    random = np.random.default_rng(seed)
    rows = [
        (customer, item, float(random.integers(1, 4)))
        for customer in range(customers)
        for item in range(40)
        if (item < 20) == (customer % 2 == 0) and random.random() < 0.6
    ]
    return pd.DataFrame(rows, columns=["customer", "item", "days_faded_60d"])


@pytest.fixture
def two_directions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(taste, "DIRECTIONS", 2)


@pytest.mark.usefixtures("two_directions")
def test_an_item_bought_seldom_is_drawn_to_by_what_its_kind_of_customer_buys() -> None:
    fitted = Taste.fit(pairs(), ITEMS)
    assert fitted is not None
    # both bought item 0 once in a while; all else that the first buys goes with it, nothing of the second's does
    asked = pd.DataFrame(
        {
            "customer": [0] * 11 + [1] * 11,
            "item": [*range(11), 0, *range(20, 30)],
            "days_faded_60d": [0.2, *[2.0] * 10] * 2,
        }
    )
    drawn, rest = fitted.of(asked, ITEMS, np.arange(22))
    assert drawn[0] > 5 * drawn[11]
    assert drawn[0] + rest[0] == pytest.approx(np.log1p(0.8))


@pytest.mark.usefixtures("two_directions")
def test_a_customer_alone_is_seen_as_in_the_crowd_and_after_json() -> None:
    frame = pairs()
    fitted = Taste.fit(frame, ITEMS)
    assert fitted is not None
    read = Taste.from_json_dict(json.loads(json.dumps(fitted.to_json_dict())))
    crowd, _ = fitted.of(frame, ITEMS, np.flatnonzero(frame["customer"] == 7))
    own = frame[frame["customer"] == 7].reset_index(drop=True)
    alone, _ = read.of(own, ITEMS, np.arange(len(own)))
    assert len(own) > 5
    assert (alone == crowd).all()


@pytest.mark.usefixtures("two_directions")
def test_items_outside_the_picture_have_no_answer() -> None:
    frame = pairs()
    fitted = Taste.fit(frame[frame["item"] != 39], ITEMS)
    assert fitted is not None
    drawn, _ = fitted.of(frame, ITEMS, np.arange(len(frame)))
    assert np.isnan(drawn[frame["item"] == 39]).all()
    assert np.isfinite(drawn[frame["item"] != 39]).all()


def test_too_few_items_with_buyers_enough_give_no_picture() -> None:
    assert Taste.fit(pairs(customers=30), ITEMS) is None
