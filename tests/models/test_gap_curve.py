"""The distribution of the gap, and how what is seen little leans on the level above."""

import math

import numpy as np
import pandas as pd
import pytest

from models.gap_curve import GapCurve, GapParameters, bases, curves, fit_gaps

BUYERS = pd.DataFrame({"item": ["milk"], "category": ["milk"], "buyers": [10], "rebuyers": [5]})


def normal(days: float, mean: float, deviation: float) -> float:
    return 0.5 * (1 + math.erf((math.log(days) - mean) / deviation / math.sqrt(2)))


def pairs(**columns: object) -> pd.DataFrame:
    frame = pd.DataFrame({"item": "milk", "category": "milk", "elapsed_days": 5} | columns)
    return frame.assign(log_gap_squared_sum=frame["log_gap_sum"] ** 2 / (frame["days_bought"] - 1))


def buy(days_bought: int, gap_days: float, count: int = 1, item: str = "milk") -> pd.DataFrame:
    """Return pairs whose gaps were all of one length, each of a customer of its own."""
    return pairs(
        customer_id=[f"{item}-{days_bought}-{number}" for number in range(count)],
        item=[item] * count,
        category=["dairy"] * count,
        days_bought=[days_bought] * count,
        log_gap_sum=[(days_bought - 1) * math.log(gap_days)] * count,
    )


def test_the_probability_is_that_of_a_gap_that_has_lasted_already() -> None:
    curve = GapCurve(*(np.asarray([value]) for value in (math.log(10), 0.5, 0.8, 8.0)))
    # bought on day 8 .. 14 after the last purchase: the gap is in [7.5, 14.5), with 8 of 10 ever rebuying
    now, then = normal(7.5, math.log(10), 0.5), normal(14.5, math.log(10), 0.5)
    assert curve.probability(7)[0] == pytest.approx(0.8 * (then - now) / (1 - 0.8 * now), rel=1e-9)


@pytest.mark.parametrize("days_ahead", [1, 4, 20, 90])
def test_the_gap_at_a_probability_is_where_that_probability_is_reached(days_ahead: int) -> None:
    curve = GapCurve(*(np.asarray([value]) for value in (math.log(30), 0.7, 0.9, 12.0)))
    just_before_it = curve.probability(days_ahead) - 1e-9
    # the days_ahead-th day, counting the cutoff's own as the first, ends gap 12 + days_ahead - 1
    assert curve.gap_days(just_before_it)[0] == 12 + days_ahead - 1


def test_a_probability_above_all_who_ever_rebuy_is_never_reached() -> None:
    curve = GapCurve(*(np.asarray([value]) for value in (math.log(30), 0.7, 0.4, 12.0)))
    assert curve.gap_days(np.asarray([0.5]))[0] == math.inf


def test_with_no_pair_at_all_the_store_is_imagined_to_have_one_gap_of_thirty_days() -> None:
    none = buy(2, 10).iloc[:0]
    parameters = fit_gaps(none, BUYERS.iloc[:0], 1)
    assert parameters.log_gap_mean.tolist() == pytest.approx([math.log(30)], rel=1e-5)
    assert curves(parameters, none).probability(7).tolist() == []


def test_an_items_mean_is_its_own_gaps_pooled_with_twenty_of_the_level_above() -> None:
    # 40 gaps of 10 days in the one item; the store adds its imagined gap of 30 days to them
    parameters = fit_gaps(buy(2, 10, count=40), BUYERS, 1)
    store = (40 * math.log(10) + math.log(30)) / 41
    before_pace = (40 * math.log(10) + 20 * store) / 60
    pace = (math.log(10) - before_pace) / 21  # one gap of each customer against twenty of none
    item = (40 * (math.log(10) - pace) + 20 * store) / 60
    assert parameters.names == ("", "dairy")
    assert parameters.log_gap_mean.tolist() == pytest.approx([store, item], abs=1e-5)


def test_a_product_with_few_gaps_has_no_parameters_and_answers_as_its_category() -> None:
    known = pd.concat([buy(2, 10, count=40, item="milk"), buy(2, 30, count=5, item="cream")])
    parameters = fit_gaps(known, BUYERS, 2)
    assert parameters.names == ("", "dairy", "milk")
    assert parameters.paths(buy(2, 30, item="cream")).tolist() == [[0, 1, 1]]
    assert parameters.paths(buy(2, 30, item="milk")).tolist() == [[0, 1, 2]]


def test_the_basis_is_whose_gaps_weigh_most() -> None:
    parameters = fit_gaps(pd.concat([buy(2, 10, count=90, item="milk")]), BUYERS, 2)
    asked = pd.concat(
        [
            buy(5, 10, item="milk"),  # 4 own gaps against 3 of the item
            buy(2, 10, item="milk"),  # 1 own gap against 3, of which 90 / 110 are the product's
            buy(2, 10, item="cream"),  # likewise, without a product of its own
            buy(2, 10, item="soap").assign(category="care"),
        ]
    )
    assert bases(parameters, asked).tolist() == ["customer", "product", "category", "store"]


def test_the_share_that_stops_is_found_though_most_gaps_are_still_open() -> None:
    random = np.random.default_rng(3)
    count = 4000
    stopped = random.random(count) < 0.3  # after the second purchase
    gap = np.exp(math.log(20) + 0.6 * random.standard_normal(count))
    since = random.integers(30, 300, count)
    again = ~stopped & (gap < since)
    frame = pairs(
        customer_id=[str(number) for number in range(count)],
        days_bought=np.where(again, 3, 2),
        elapsed_days=np.where(again, np.maximum(since - gap.round(), 1), since).astype(int),
        log_gap_sum=np.log(20.0) + np.where(again, np.log(gap), 0.0),
    )
    parameters = fit_gaps(frame, BUYERS, 1)
    assert parameters.stopped_share[2] * parameters.stopped_factor[1] == pytest.approx(0.3, abs=0.03)


def test_parameters_read_back_are_the_same_to_the_last_bit() -> None:
    parameters = fit_gaps(buy(3, 12.3, count=40), BUYERS, 2)
    read = GapParameters.from_json_dict(parameters.to_json_dict())
    assert read.to_json_dict() == parameters.to_json_dict()
