"""What is learnt from at a cutoff: everybody, or of a large store some."""

import numpy as np
import pandas as pd

from ledger.home import Home
from ledger.store import Ledger
from tests.conftest import SHOP_CUTOFF, SHOP_HORIZON_DAYS
from training.dataset import Dataset

AS_OF = SHOP_CUTOFF.plus_days(-SHOP_HORIZON_DAYS)


def test_of_a_large_store_some_customers_are_learnt_from_with_their_own_outcomes(shop_home: Home) -> None:
    with Ledger(shop_home).connect() as connection:
        dataset = Dataset(connection, SHOP_CUTOFF, SHOP_HORIZON_DAYS, most_rows_a_cutoff=50)
        again = Dataset(connection, SHOP_CUTOFF, SHOP_HORIZON_DAYS, most_rows_a_cutoff=50)
        cutoffs = dataset.training_cutoffs(AS_OF)
        rows, happened = dataset.stacked(cutoffs)
        the_same, _ = again.stacked(cutoffs)
        whole, of_all = dataset.snapshot(cutoffs[0]), dataset.outcomes(cutoffs[0])

    assert len(rows) == 50 * len(cutoffs)
    pd.testing.assert_frame_equal(rows, the_same)
    first = rows.head(50)
    assert first["customer_id"].is_unique
    place = pd.Index(whole["customer_id"]).get_indexer(first["customer_id"])
    pd.testing.assert_frame_equal(first, whole.iloc[place].reset_index(drop=True))
    np.testing.assert_array_equal(happened.orders[:50], of_all.orders[place])
    np.testing.assert_array_equal(happened.value[:50], of_all.value[place])


def test_of_another_store_everybody_is_learnt_from(shop_home: Home) -> None:
    with Ledger(shop_home).connect() as connection:
        dataset = Dataset(connection, SHOP_CUTOFF, SHOP_HORIZON_DAYS)
        cutoff = dataset.training_cutoffs(AS_OF)[0]

        assert dataset.sampled(cutoff) is dataset.snapshot(cutoff)


def test_of_a_very_large_store_some_customers_are_asked_about_and_all_are_counted(shop_home: Home) -> None:
    with Ledger(shop_home).connect() as connection:
        everybody = Dataset(connection, SHOP_CUTOFF, SHOP_HORIZON_DAYS).snapshot(AS_OF)
        dataset = Dataset(connection, SHOP_CUTOFF, SHOP_HORIZON_DAYS, most_customers=80)
        asked = dataset.snapshot(AS_OF)
        happened, known = dataset.outcomes(AS_OF), dataset.customers(AS_OF)

    assert known == len(everybody) > 80
    assert len(asked) == len(happened.orders) == 80
    of_them = everybody[everybody["customer_id"].isin(asked["customer_id"])]
    pd.testing.assert_frame_equal(asked, of_them.reset_index(drop=True))
