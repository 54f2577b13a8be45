"""Drift is told where there is some, and only there."""

import math

import numpy as np
import pytest

from models.histograms import Histogram
from serving.monitoring.drift import drift, drifts, psi


def histogram(values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> Histogram:
    return Histogram.of(values)


def test_the_index_of_two_bins_is_the_textbooks() -> None:
    # 0.5 -> 0.6 and 0.5 -> 0.4: 0.1 ln 1.2 + 0.1 ln 1.25, with half a customer more in each bin.
    found = psi(np.array([50_000.0, 50_000.0]), np.array([60_000.0, 40_000.0]))
    assert found == pytest.approx(0.1 * math.log(1.2) + 0.1 * math.log(1.25), abs=1e-5)


def test_the_same_customers_have_not_drifted() -> None:
    before = histogram(np.random.default_rng(1).gamma(1.0, 50.0, 500))
    assert drift("spend", before, before, 30).psi == 0
    assert drift("spend", before, before, 30).level == "none"


@pytest.mark.parametrize(("factor", "level"), [(1.5, "some"), (3.0, "large")])
def test_customers_who_spend_more_have_drifted(factor: float, level: str) -> None:
    random = np.random.default_rng(1)
    before, now = random.gamma(1.0, 50.0, 3000), random.gamma(1.0, 50.0, 3000) * factor
    assert drift("spend", histogram(before), histogram(before).again(now), 30).level == level


def test_what_is_no_longer_known_has_drifted() -> None:
    values = np.random.default_rng(1).normal(size=2000)
    lost = np.where(np.arange(2000) % 3 == 0, np.nan, values)
    found = drift("gap", histogram(values), histogram(values).again(lost), 30)
    assert found.level == "large"
    assert (found.missing_before, found.missing) == pytest.approx((0, 667 / 2000))


def test_an_index_that_few_customers_reach_by_luck_is_no_drift() -> None:
    random = np.random.default_rng(3)
    before = histogram(random.gamma(1.0, 50.0, 20))
    found = drift("spend", before, before.again(random.gamma(1.0, 50.0, 20)), 30)
    assert found.psi > 0.1
    assert found.level == "none"


@pytest.mark.parametrize("customers", [30, 300, 3000])
def test_luck_is_taken_for_drift_in_few_of_many_stores(customers: int) -> None:
    random = np.random.default_rng(7)
    alarms = 0
    for _ in range(300):
        before = histogram(random.geometric(0.5, customers).astype(np.float64))
        now = before.again(random.geometric(0.5, customers).astype(np.float64))
        alarms += drift("orders", before, now, 1).level != "none"
    assert alarms <= 9  # 1 of 100 expected; ten of 300 would come by chance in 1 of 1,000 such tests


def test_drifts_come_with_the_farthest_apart_first_and_only_of_what_both_have() -> None:
    values = np.arange(1000.0)
    before = {name: histogram(values) for name in ("same", "moved", "gone")}
    now = {"same": before["same"], "moved": before["moved"].again(values + 500), "new": before["same"]}
    assert [each.name for each in drifts(before, now)] == ["moved", "same"]
