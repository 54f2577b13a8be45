"""How a store's level is fitted: the orders of known customers, week by week, over those that the process expects.

At landmarks every second week of the past, the process says what the customers known then will order in each of the
following weeks; what they did order over that is the week's ratio. Customers' number, habits and ages are in the
process, so a shop that grows or a base that ages is not taken for a season.

The logarithm of the ratio is then split by a Gaussian process into what comes back every year, what drifts over
years, what lasts a month, and chance. How much of each to believe is the store's own evidence: each mix of strengths
is weighted by the likelihood of the ratios under it. A season is believed as far as it has been seen, a trend as far
as it has lasted, and where ratios look like chance the level stays near 1.

References
----------
Rasmussen and Williams (2006), Gaussian Processes for Machine Learning, equations 2.25, 4.31 (periodic), 5.8.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import product

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve

from features.cutoff import EPOCH, Cutoff
from models.level import DAYS_A_WEEK, STEADY, Level
from models.purchase_process import Histories, PurchaseProcess
from training.dataset import Dataset
from training.outcomes import as_joined

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

MOST_CUSTOMERS = 50_000
"""Customers looked at: their orders of one week scatter by a hundredth, which is less than weeks do."""
LEAST_WEEKS = 13
LEAST_ORDERS = 100
"""Orders of known customers in all weeks together; fewer, or fewer weeks, show neither season nor trend."""
_FIRST_LANDMARK_DAYS = 42
_LANDMARKS_APART_DAYS = 14
_LOOKED_AHEAD_WEEKS = 13
_MOST_HISTORY_DAYS = 5 * 365
_AHEAD_WEEKS = 61
"""Expected weeks: a year's horizon asked up to two months after the fit."""
_KNOTS_DAYS = (0, 7, 30, 60, 91)
"""Where the process is asked; its expectation bends so little that straight lines do between them."""

_YEAR_DAYS = 365.25
_SEASON_LENGTH = 0.35
"""Of the periodic kernel: weeks three apart look alike, weeks two months apart do not."""
_DRIFT_DAYS = 730.0
_SPELL_DAYS = 30.0
_WHOLE = 0.1
"""How far the store may be from its process at all times."""
_EXTRA_VARIANCE = 1.2
"""Over that of a Poisson count: who orders twice in a week does so on two days."""
_STRENGTHS = {
    "season": (0.0, 0.1, 0.2, 0.35, 0.5),
    "drift": (0.0, 0.1, 0.25, 0.5),
    "spell": (0.05, 0.1, 0.2),
    "chance": (0.03, 0.1, 0.2),
}
"""Standard deviations of the logarithm that are tried, all mixes alike beforehand."""
_TOLD_DAYS = 90

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Weeks:
    """What customers known before each week ordered in it, and what was expected of them.

    Parameters
    ----------
    first_day : int
        Local day number on which the first week begins.
    seen, expected : (k,) float, orders
        Mean over the landmarks from which the week was looked at.
    """

    first_day: int
    seen: Floats
    expected: Floats

    @property
    def middles(self) -> Floats:
        """(k,) float, day number in the middle of each week."""
        return np.asarray(self.first_day + DAYS_A_WEEK * (np.arange(len(self.seen)) + 0.5), dtype=np.float64)


@dataclass(frozen=True)
class _Split:
    """The expected logarithm of the pace at some moments, and its part that comes back every year."""

    whole: Floats
    season: Floats


def orders_known(dataset: Dataset, as_of: Cutoff) -> pd.DataFrame:
    """Return the valid orders that are known as of a date, as `fit_level` wants them.

    Parameters
    ----------
    dataset : Dataset
        Which itself knows what came later.
    as_of : Cutoff
    """
    known_by_then = as_of == dataset.known_until
    bought = dataset.orders if known_by_then else dataset.orders_as_of(as_of)
    bought = as_joined(bought, dataset.joined(as_of))
    return bought.loc[bought["paid"] > bought["refunded"], ["customer_id", "order_day"]]


def fit_level(orders: pd.DataFrame, as_of_day: int, process: PurchaseProcess) -> Level:
    """Fit the level of a store from its orders before a day.

    Parameters
    ----------
    orders : DataFrame
        customer_id and order_day (local day number), a row a customer and day with a valid order.
    as_of_day : int
        Local day number; later orders are not looked at.
    process : PurchaseProcess
        On which the level will be used; fitted on the same orders or on fewer.

    Returns
    -------
    Level
        STEADY where there is too little to tell.
    """
    weeks = weekly_ratios(orders, as_of_day, process)
    if weeks is None or len(weeks.seen) < LEAST_WEEKS or weeks.seen.sum() < LEAST_ORDERS:
        _log.info("%s", STEADY.says)
        return STEADY
    count = len(weeks.seen) + _AHEAD_WEEKS
    moments = np.asarray(weeks.first_day + DAYS_A_WEEK * (np.arange(count) + 0.5), dtype=np.float64)
    split = _split(weeks, moments)
    level = Level(
        as_of_day=as_of_day,
        first_day=weeks.first_day,
        pace=tuple(float(each) for each in np.exp(split.whole)),
        says="",
    )
    return level.model_copy(update={"says": _sentence(level, split, len(weeks.seen))})


def weekly_ratios(orders: pd.DataFrame, as_of_day: int, process: PurchaseProcess) -> Weeks | None:
    """Return what known customers ordered week by week, beside what the process expects; None without history.

    Parameters
    ----------
    orders : DataFrame
        As of `fit_level`.
    as_of_day : int
    process : PurchaseProcess
    """
    customer, day = _codes(orders[orders["order_day"] < as_of_day])
    if not len(day):
        return None
    begin = max(int(day.min()), as_of_day - _MOST_HISTORY_DAYS) + _FIRST_LANDMARK_DAYS
    landmarks = list(range(as_of_day - DAYS_A_WEEK, begin - 1, -_LANDMARKS_APART_DAYS))[::-1]
    if not landmarks:
        return None
    count = (as_of_day - landmarks[0]) // DAYS_A_WEEK
    seen, expected, looks = np.zeros((3, count))
    for landmark, known in _as_of_each(landmarks, customer, day):
        first = (landmark - landmarks[0]) // DAYS_A_WEEK
        ahead = min(_LOOKED_AHEAD_WEEKS, count - first)
        low, high = np.searchsorted(day, [landmark, landmark + DAYS_A_WEEK * ahead])
        counted = known.has_ordered[customer[low:high]]
        week = (day[low:high] - landmark)[counted] // DAYS_A_WEEK
        here = slice(first, first + ahead)
        seen[here] += np.bincount(week, minlength=ahead)
        expected[here] += known.expected(process, landmark)[:ahead]
        looks[here] += 1.0
    return Weeks(landmarks[0], np.asarray(seen / looks), np.asarray(expected / looks))


def _codes(orders: pd.DataFrame) -> tuple[Ints, Ints]:
    """Return customers as numbers and days, by day; of very many customers a fixed share, the same on every run."""
    codes, ids = pd.factorize(orders["customer_id"])
    day = orders["order_day"].to_numpy(dtype=np.int64)
    every = -(-len(ids) // MOST_CUSTOMERS)
    if every > 1:
        hashed = pd.util.hash_array(np.asarray(ids, dtype=object), categorize=False)
        kept = (hashed % np.uint64(every) == 0)[codes]
        codes, day = codes[kept], day[kept]
    order = np.argsort(day, kind="stable")
    return np.asarray(codes[order], dtype=np.int64), day[order]


@dataclass
class _Known:
    """Orders, first and last day of every customer as of a landmark; moved on from one to the next."""

    orders: Ints
    first: Ints
    last: Ints

    @property
    def has_ordered(self) -> NDArray[np.bool_]:
        return self.orders > 0

    def add(self, customer: Ints, day: Ints) -> None:
        self.orders += np.bincount(customer, minlength=len(self.orders))
        np.minimum.at(self.first, customer, day)
        np.maximum.at(self.last, customer, day)

    def expected(self, process: PurchaseProcess, landmark: int) -> Floats:
        """Return what the process expects of all together in each of the weeks after the landmark."""
        there = self.has_ordered
        lived = np.round((self.last - self.first)[there] / DAYS_A_WEEK).astype(np.int64)
        age = np.round((landmark - self.first[there]) / DAYS_A_WEEK).astype(np.int64)
        # Customers alike to the week are asked about once; three numbers in one are sorted in a tenth of the time.
        longest = int(age.max(initial=0)) + 1
        kinds, many = np.unique((self.orders[there] * longest + lived) * longest + age, return_counts=True)
        histories = Histories(
            pd.DataFrame(
                {
                    "orders": kinds // longest**2,
                    "days_first_to_last_order": kinds // longest % longest * DAYS_A_WEEK,
                    "days_since_first_order": kinds % longest * DAYS_A_WEEK,
                    "mean_order_value": 0.0,
                }
            )
        )
        until = [0.0] + [float(process.expected_orders(histories, days) @ many) for days in _KNOTS_DAYS[1:]]
        return np.diff(np.interp(DAYS_A_WEEK * np.arange(_LOOKED_AHEAD_WEEKS + 1), _KNOTS_DAYS, until))


def _as_of_each(landmarks: list[int], customer: Ints, day: Ints) -> Iterator[tuple[int, _Known]]:
    """Yield each landmark and what is known before it."""
    count = int(customer.max()) + 1
    known = _Known(np.zeros(count, np.int64), np.full(count, day[-1]), np.full(count, day[0]))
    done = 0
    for landmark in landmarks:
        until = int(np.searchsorted(day, landmark))
        known.add(customer[done:until], day[done:until])
        done = until
        yield landmark, known


def _split(weeks: Weeks, moments: Floats) -> _Split:
    """Return what the ratios say of other moments: the mean over all mixes of strengths, by their likelihood."""
    half = 0.5  # half an order on both sides: a week without any is not minus infinity
    ratio = np.log((weeks.seen + half) / (weeks.expected + half))
    sampling = _EXTRA_VARIANCE / np.maximum(weeks.expected, half)
    among, to = (_kernels(at, weeks.middles) for at in (weeks.middles, moments))
    evidence, found = [], []
    for season, drift, spell, chance in product(*_STRENGTHS.values()):
        strengths = np.array([_WHOLE, season, drift, spell]) ** 2
        covariance = np.tensordot(strengths, among, axes=1) + np.diag(sampling + chance**2)
        factor = cho_factor(covariance, lower=True)
        weights = cho_solve(factor, ratio)
        evidence.append(-0.5 * float(ratio @ weights) - float(np.log(np.diag(factor[0])).sum()))
        found.append(strengths[:, None] * (to @ weights))
    likelihood = np.exp(np.array(evidence) - max(evidence))
    parts = np.tensordot(likelihood / likelihood.sum(), np.array(found), axes=1)
    return _Split(parts.sum(axis=0), parts[1])


def _kernels(one: Floats, other: Floats) -> Floats:
    """Return (4, n, k) float: how alike two moments are as to the whole, the season, the drift and the spell."""
    apart = np.abs(one[:, None] - other[None, :])
    turn = np.sin(np.pi * apart / _YEAR_DAYS) / _SEASON_LENGTH
    return np.stack(
        [
            np.ones_like(apart),
            np.exp(-2.0 * turn**2),
            np.exp(-apart / _DRIFT_DAYS),
            np.exp(-apart / _SPELL_DAYS),
        ]
    )


def _sentence(level: Level, split: _Split, seen: int) -> str:
    """Say what the days after the cutoff are expected to bring, and what of that is the season."""
    ahead = slice(seen, seen + -(-_TOLD_DAYS // DAYS_A_WEEK))
    whole = level.business_days(None, _TOLD_DAYS) / _TOLD_DAYS
    season = float(np.exp(split.season[ahead].mean()))
    years = int((level.as_of_day + _TOLD_DAYS // 2 - level.first_day) / _YEAR_DAYS)
    since: date = EPOCH + timedelta(days=level.as_of_day)
    times = "not seen yet" if years == 0 else "seen once" if years == 1 else f"seen {years} times"
    return (
        f"the {_TOLD_DAYS} days from {since.day} {since:%B} are expected to bring {whole:.2f} times the orders "
        f"that customers' histories alone suggest; of that {season:.2f} is the season ({times})"
    )
