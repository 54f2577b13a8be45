"""A feature of one's own goes from its row into the trees."""

import pytest

from features.catalog.shipped import CORE
from features.feature import Feature, FeatureSet
from ledger.home import Home
from ledger.store import Ledger
from tests.conftest import SHOP_CUTOFF, SHOP_HORIZON_DAYS, SHOP_SEED
from training.dataset import Dataset
from training.fit import fit_customers

OWN = Feature(
    "quick_returns",
    "count(case when gap_days <= 30 then 1 end)",
    unit="orders",
    means="Orders that came within 30 days of the one before.",
    empty=0,
)


@pytest.mark.slow
def test_the_trees_read_what_the_data_set_is_given_to_read(shop_home: Home) -> None:
    as_of = SHOP_CUTOFF.plus_days(-SHOP_HORIZON_DAYS)
    with Ledger(shop_home).connect() as connection:
        dataset = Dataset(connection, SHOP_CUTOFF, SHOP_HORIZON_DAYS, inputs=FeatureSet([*CORE, OWN]))
        fitted = fit_customers(dataset, as_of, SHOP_SEED)

    for correction in (
        fitted.next_order.correction, fitted.worth.orders_correction, fitted.worth.value_correction
    ):  # fmt: skip
        if correction is None:
            pytest.fail("the made-up shop is large enough for trees")
        assert set(correction.inputs) >= {*CORE.names, OWN.name}
