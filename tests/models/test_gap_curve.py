"""The distribution of the gap, and how what is seen little leans on the level above."""

import math

import numpy as np
import pandas as pd
import pytest

from models.gap_curve import GapCurve, GapParameters, bases, curves, fit_gaps
from models.gaps import Items

MILK = Items(
    np.asarray(["cream", "milk", "soap"], dtype=object), np.asarray(["dairy", "dairy", None], dtype=object)
)


def normal(days: float, mean: float, deviation: float) -> float:
    return 0.5 * (1 + math.erf((math.log(days) - mean) / deviation / math.sqrt(2)))


def buy(
    days_bought: int, gap_days: float, count: int = 1, item: str = "milk", elapsed_days: float = 1
) -> pd.DataFrame:
    """Return pairs whose gaps were all of one length, each of a customer of its own."""
    gaps = days_bought - 1
    return pd.DataFrame(
        {
            "customer": [f"{item}-{days_bought}-{number}" for number in range(count)],
            "item": MILK.names.tolist().index(item),
            "days_bought": float(days_bought),
            "elapsed_days": float(elapsed_days),
            "full_age_days": elapsed_days + gaps * gap_days,
            "first_gap_days": gap_days if gaps else np.nan,
            "log_gap_sum": gaps * math.log(gap_days),
            "log_gap_squared_sum": gaps * math.log(gap_days) ** 2,
            "quantity_moved": 0.0,
            "quantity_moved_gap": 0.0,
            "log_quantity_more": 0.0,
            "habit": 0.0,
            "habit_kept": 0.0,
            "days_bought_14d": 1.0,
            "days_bought_28d": 1.0,
            "days_bought_84d": 1.0,
            "days_bought_year": 1.0,
            "days_bought_year_ago": 0.0,
        }
    )


def curves_of(parameters: GapParameters, pairs: pd.DataFrame) -> GapCurve:
    return curves(parameters, parameters.paths(MILK)[pairs["item"].to_numpy()], pairs)


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


def test_an_open_gap_is_expected_to_last_longer_than_it_has_and_longer_the_longer_it_has() -> None:
    fresh, old = (
        GapCurve(*(np.asarray([value]) for value in (math.log(30), 0.7, 1.0, days))) for days in (1.0, 90.0)
    )
    assert fresh.expected_open()[0] == pytest.approx(math.log(30), abs=1e-3)
    # mean of a normal above a = 1.5 deviations: hazard phi(a) / (1 - Phi(a)), by hand 1.9386 at 1.5
    place = (math.log(89.5) - math.log(30)) / 0.7
    density = math.exp(-(place**2) / 2) / math.sqrt(2 * math.pi)
    ratio = density / (1 - 0.5 * (1 + math.erf(place / math.sqrt(2))))
    assert old.expected_open()[0] == pytest.approx(math.log(30) + 0.7 * ratio, rel=1e-9)


def test_with_no_pair_at_all_the_store_is_imagined_to_have_one_gap_of_thirty_days() -> None:
    none = buy(2, 10).iloc[:0]
    parameters = fit_gaps(none, MILK, 1)
    assert parameters.log_gap_mean.tolist() == pytest.approx([math.log(30)], rel=1e-4)
    assert curves_of(parameters, none).probability(7).tolist() == []


@pytest.mark.parametrize("buyers", [2, 5, 20, 80])
def test_what_an_item_is_taken_for_moves_evenly_from_its_category_to_its_own_gaps(buyers: int) -> None:
    known = pd.concat([buy(3, 10, count=400, item="milk"), buy(3, 40, count=buyers, item="cream")])
    parameters = fit_gaps(known, MILK, 2)
    at = {name: math.exp(mean) for name, mean in zip(parameters.names, parameters.log_gap_mean, strict=True)}
    own = 2 * buyers / (2 * buyers + 20)  # complete gaps against twenty of the category
    # paces, and gaps still open, move both a little
    told = math.log(at["cream"] / at["dairy"]) / math.log(40 / at["dairy"])
    assert told == pytest.approx(own, abs=0.12)


def test_a_product_with_one_buyer_has_no_place_of_its_own_and_answers_as_its_category() -> None:
    known = pd.concat([buy(2, 10, count=40, item="milk"), buy(2, 30, count=1, item="cream")])
    parameters = fit_gaps(known, MILK, 2)
    assert parameters.names == ("", "dairy", "milk")
    assert parameters.paths(MILK).tolist() == [[0, 1, 1], [0, 1, 2], [0, 0, 0]]


def test_the_basis_is_whose_gaps_weigh_most() -> None:
    parameters = fit_gaps(buy(2, 10, count=90, item="milk"), MILK, 2)
    asked = pd.concat(
        [
            buy(5, 10, item="milk"),  # 4 own gaps against 3 of the item
            buy(1, 10, item="milk"),  # none of its own; 90 / 110 of the item's are the product's
            buy(2, 10, item="cream"),  # without a product of its own
            buy(2, 10, item="soap"),
        ]
    )
    paths = parameters.paths(MILK)[asked["item"].to_numpy()]
    assert bases(parameters, paths, asked).tolist() == ["customer", "product", "category", "store"]


def test_the_share_that_stops_is_found_though_most_gaps_are_still_open() -> None:
    random = np.random.default_rng(3)
    count = 4000
    stopped = random.random(count) < 0.3  # after the second purchase
    gap = np.exp(math.log(20) + 0.6 * random.standard_normal(count))
    since = random.integers(30, 300, count)
    again = ~stopped & (gap < since)
    frame = buy(2, 20.0, count=count).assign(
        customer=np.arange(count),
        days_bought=np.where(again, 3.0, 2.0),
        elapsed_days=np.where(again, np.maximum(since - gap.round(), 1.0), since.astype(float)),
        log_gap_sum=np.log(20.0) + np.where(again, np.log(gap), 0.0),
        log_gap_squared_sum=np.log(20.0) ** 2 + np.where(again, np.log(gap) ** 2, 0.0),
    )
    parameters = fit_gaps(frame, MILK, 1)
    assert parameters.stopped_share[2] * parameters.stopped_factor[1] == pytest.approx(0.3, abs=0.04)


def test_the_share_of_first_time_buyers_who_never_come_back_is_found() -> None:
    back, gone = buy(2, 20, count=300, elapsed_days=5), buy(1, 1, count=700, elapsed_days=300)
    frame = pd.concat([back, gone.assign(customer=np.arange(700))])
    parameters = fit_gaps(frame, MILK, 1)
    assert parameters.stopped_first[1] == pytest.approx(0.7, abs=0.03)
    assert 1 - curves_of(parameters, buy(1, 1)).rebuys[0] == pytest.approx(0.7, abs=0.03)


@pytest.mark.parametrize("truth", [0.0, 0.3, 0.8])
def test_how_much_longer_twice_the_usual_lasts_is_learnt_from_gaps_within_pairs(truth: float) -> None:
    random = np.random.default_rng(4)
    log_quantity, noise = random.normal(0, 0.5, (3000, 4)), random.normal(0, 0.5, (3000, 4))
    log_gap = math.log(20) + truth * log_quantity + noise
    away = log_quantity - log_quantity.mean(axis=1, keepdims=True)
    frame = buy(5, 20, count=3000).assign(
        customer=np.arange(3000),
        log_gap_sum=log_gap.sum(axis=1),
        log_gap_squared_sum=(log_gap**2).sum(axis=1),
        quantity_moved=(away**2).sum(axis=1),
        quantity_moved_gap=(away * (log_gap - log_gap.mean(axis=1, keepdims=True))).sum(axis=1),
    )
    parameters = fit_gaps(frame, MILK, 1)
    assert parameters.elasticity[1] == pytest.approx(truth, abs=0.04)
    once, twice = (
        curves_of(parameters, buy(5, 20).assign(log_quantity_more=math.log(more))) for more in (1, 2)
    )
    assert twice.mean[0] - once.mean[0] == pytest.approx(truth * math.log(2), abs=0.03)


def test_parameters_read_back_are_the_same_to_the_last_bit() -> None:
    parameters = fit_gaps(buy(3, 12.3, count=40), MILK, 2)
    read = GapParameters.from_json_dict(parameters.to_json_dict())
    assert read.to_json_dict() == parameters.to_json_dict()
