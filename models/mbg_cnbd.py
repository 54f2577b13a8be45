"""The MBG/CNBD-k model: gaps more or less regular than chance, and after each order a chance to stay away for good.

k says how regular: at 1 orders come at random (the MBG/NBD model), above 1 more evenly, below 1 in bursts, so that many
orders in a short time say less of the rate. The papers take whole numbers k and sum over the stages of an Erlang gap;
here k is any positive number: with a gamma rate, a gap's distribution is a beta prime, an incomplete beta function.
"""

import logging
from collections.abc import Callable
from functools import lru_cache, partial
from typing import Literal
from weakref import WeakKeyDictionary

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict
from scipy.optimize import minimize
from scipy.special import betainc, betaincc, betaln, digamma, gammaln

from models.histories import DAYS_PER_WEEK, Histories

Floats = NDArray[np.float64]

MOST_PATTERNS = 10_000
"""Unique histories that a fit reads; of more, a seeded sample. The incomplete beta function is what takes time."""
_STARTS = ((1.0, 1.0, 1.0, 3.0), (0.5, 3.0, 0.3, 1.0), (1.0, 5.0, 0.1, 5.0))
"""r, alpha, a, b, alpha as a multiple of a tenth of the longest history."""
_LOWEST_LOG, _HIGHEST_LOG = -9.0, 6.0
"""As of Pareto/NBD: rates at a limit mean that the likelihood is flat; drop-out at one is an answer."""
_NEAR_LIMIT = 0.25
"""Where it is flat, a search may stop a little before."""
_TINY = 1e-300
_FIRST_ORDER_AT = (0.01, 0.04, 0.1, 0.2, 0.4, 0.7, 1.0)
"""Parts of the horizon in which the next order may fall; what follows it is counted from there."""
_LOG_GROWTH = 6.0 * (np.arange(40) / 39.0) ** 2
"""Where the orders after an order are tabulated: logarithm of the growth of the rate's scale, alpha and the time seen,
over the time left."""
_SILENCES = np.arange(-14.0, 2.5, 0.01)
"""Where the chance of a longer gap is tabulated: logarithm of the logarithm of the growth over the silence. Between two
points its logarithm is off by less than a fifty-thousandth."""
_ORDERS_EACH = 24
_ORDERS_APART = 1.1
_BEYOND_MEAN = 6.0

_log = logging.getLogger(__name__)
_NOW: "WeakKeyDictionary[Histories, dict[MbgCnbd, tuple[Floats, Floats]]]" = WeakKeyDictionary()


class MbgCnbd(BaseModel):
    """Gamma(k, rate) gaps, gamma(r, alpha) rates over customers, and a beta(a, b) chance to leave at each order.

    Parameters
    ----------
    k, r, a, b : float
        Without unit.
    alpha_weeks : float, weeks
        Time is in weeks, as in the papers.

    References
    ----------
    Platzer and Reutterer (2016), Marketing Science 35(5), and Reutterer, Platzer and Schroeder (2021), International
    Journal of Research in Marketing 38(1), for MBG/CNBD-k. Batislam, Denizel and Filiztekin (2007), the same journal
    24(3), for k = 1, the MBG/NBD.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: Literal["mbg_cnbd_k"] = "mbg_cnbd_k"
    k: float
    r: float
    alpha_weeks: float
    a: float
    b: float

    def p_active(self, histories: Histories) -> Floats:
        """Return (n,) float, probability that there will be another order at all."""
        active, left = self._now(histories)
        return np.exp(active - np.logaddexp(active, left))

    def rate_per_day(self, histories: Histories) -> Floats:
        """Return (n,) float, orders a day, of those still active."""
        weeks = self.alpha_weeks + histories.age_days / DAYS_PER_WEEK
        rate = (self.r + self.k * histories.frequency) / (self.k * weeks)
        return np.asarray(rate / DAYS_PER_WEEK, dtype=np.float64)

    def p_order(self, histories: Histories, horizon_days: float | Floats) -> Floats:
        """Return (n,) float, probability of at least one order within the horizon.

        What the likelihood of the history loses where it stays silent for the horizon too.
        """
        return self._p_order(histories, self._now(histories), horizon_days)

    def expected_orders(self, histories: Histories, horizon_days: float | Floats) -> Floats:
        """Return (n,) float, orders; never below `p_order`.

        The probability of an order in each part of the horizon, times one and the orders that follow it. After an order
        the history is that of one who has just ordered once more, which the model is asked anew.
        """
        days = np.broadcast_to(np.asarray(horizon_days, dtype=np.float64), histories.age_days.shape)
        now, parts = self._now(histories), np.array(_FIRST_ORDER_AT)[:, None]
        # A row a part, and one before them of no time passed.
        by = np.concatenate([np.zeros((1, len(days))), self._p_order(histories, now, parts * days)])
        follow = self._follow(histories, days, np.concatenate([np.zeros((1, 1)), parts]))
        total = ((by[1:] - by[:-1]) * (1.0 + (follow[:-1] + follow[1:]) / 2.0)).sum(axis=0)
        return np.asarray(np.maximum(total, by[-1]))

    def _p_order(
        self, histories: Histories, now: tuple[Floats, Floats], horizon_days: float | Floats
    ) -> Floats:
        active, left = now
        silent, _ = self._log_likelihoods(histories, horizon_days)
        p_active = np.exp(active - np.logaddexp(active, left))
        return np.asarray(-p_active * np.expm1(np.minimum(silent - active, 0.0)))

    def _follow(self, histories: Histories, days: Floats, part: Floats) -> Floats:
        """Return (k, n) float, how many orders follow one that falls after a part of the horizon, until its end.

        Parameters
        ----------
        days : (n,) float, days
        part : (k, 1) float
        """
        since = self.alpha_weeks + (histories.age_days + part * days) / DAYS_PER_WEEK
        growth = np.log1p((1.0 - part) * days / DAYS_PER_WEEK / since)
        kinds, which = _kinds(histories.frequency)
        tables = [_orders_after(self.k, self.r, self.a, self.b, float(x) + 1.0) for x in kinds]
        table = np.array(tables).reshape(len(kinds), len(_LOG_GROWTH))  # of nobody too
        right = np.clip(np.searchsorted(_LOG_GROWTH, growth), 1, len(_LOG_GROWTH) - 1)
        left = _LOG_GROWTH[right - 1]
        share = np.clip((growth - left) / (_LOG_GROWTH[right] - left), 0.0, 1.0)
        return np.asarray((1.0 - share) * table[which, right - 1] + share * table[which, right])

    def _now(self, histories: Histories) -> tuple[Floats, Floats]:
        """Return the log-likelihoods as of the cutoff, kept with the histories: every horizon is asked of them."""
        known = _NOW.setdefault(histories, {})
        if self not in known:
            known[self] = self._log_likelihoods(histories, 0.0)
        return known[self]

    def _log_likelihoods(self, histories: Histories, silent_days: float | Floats) -> tuple[Floats, Floats]:
        x, t_x = histories.frequency, histories.recency_days / DAYS_PER_WEEK
        silent = np.maximum((histories.age_days + silent_days) / DAYS_PER_WEEK - t_x, 0.0)
        growth = np.log1p(silent / (self.alpha_weeks + t_x))
        longer = _interpolated(partial(_log_longer_by, self.k, self.r), x, np.log(np.maximum(growth, _TINY)))
        shapes = (self.r, self.alpha_weeks, self.a, self.b)
        return _log_likelihoods(self.k, shapes, x, t_x, np.where(growth > 0, longer, 0.0))


def _interpolated(table: Callable[[float], Floats], x: Floats, at: Floats) -> Floats:
    """Return each customer's value on the table of his number of orders, on lines between _SILENCES."""
    kinds, which = _kinds(x)
    values = np.array([table(float(each)) for each in kinds]).reshape(len(kinds), len(_SILENCES))
    place = np.clip((at - _SILENCES[0]) / (_SILENCES[1] - _SILENCES[0]), 0.0, len(_SILENCES) - 1.001)
    left = place.astype(np.intp)
    share = place - left
    return np.asarray((1.0 - share) * values[which, left] + share * values[which, left + 1])


def _kinds(x: Floats) -> tuple[Floats, NDArray[np.intp]]:
    """Return the numbers of orders that there are, and of each customer the place of his."""
    # Of one customer, over many horizons, sorting takes longer than the rest.
    if len(x) and (x == x[0]).all():
        return x[:1], np.zeros(len(x), dtype=np.intp)
    kinds, which = np.unique(x, return_inverse=True)
    return kinds, which


def fit_mbg_cnbd(  # noqa: PLR0913  # the three columns of a history, and how to fit
    k: float,
    frequency: Floats,
    recency_days: Floats,
    age_days: Floats,
    *,
    near: MbgCnbd | None = None,
    seed: int = 0,
) -> MbgCnbd | None:
    """Return the MBG/CNBD-k model of the first start that converges to finite parameters, or None, which is logged.

    Parameters
    ----------
    k : float
        How regular the gaps are. It is no part of the fit: the likelihood of two k compares gaps, not what comes next.
    frequency : (n,) float, orders
        Repeat orders.
    recency_days, age_days : (n,) float, days
        First to last order; first order to cutoff.
    near : MbgCnbd, optional
        A model to start from first: one of a k nearby, or of other customers.
    seed : int
        Of the sample that stands for more than MOST_PATTERNS unique histories.
    """
    rows = pd.DataFrame({"x": frequency, "t_x": recency_days, "age": age_days}, dtype=np.float64)
    unique = rows.value_counts(sort=False).rename("customers").reset_index()
    if len(unique) > MOST_PATTERNS:
        drawn = rows.sample(MOST_PATTERNS, random_state=seed)
        unique = drawn.value_counts(sort=False).rename("customers").reset_index()
    unit = max(float(unique["age"].max()), 1.0) / 10.0
    x, t_x, age, customers = (unique[name].to_numpy(float) for name in ("x", "t_x", "age", "customers"))

    def miss(logs: Floats) -> tuple[float, Floats]:
        shapes = np.exp(logs)
        logs_each, slopes = _log_likelihood_and_slopes(k, shapes, x, t_x / unit, age / unit)
        found = float(customers @ logs_each) / customers.sum()
        towards = slopes @ customers / customers.sum() * shapes
        return (-found, -towards) if np.isfinite(found) else (1e10, np.zeros(4))

    bounds = [(_LOWEST_LOG, _HIGHEST_LOG)] * 4
    starts = (
        _STARTS
        if near is None
        else ((near.r, near.alpha_weeks * DAYS_PER_WEEK / unit, near.a, near.b), *_STARTS)
    )
    for start in starts:
        fit = minimize(
            miss, np.log(start), jac=True, method="L-BFGS-B", bounds=bounds, options={"ftol": 1e-12}
        )
        rates = fit.x[:2]
        if (
            fit.success
            and _LOWEST_LOG + _NEAR_LIMIT < rates.min() <= rates.max() < _HIGHEST_LOG - _NEAR_LIMIT
        ):
            r, alpha, a, b = (float(value) for value in np.exp(fit.x))
            return MbgCnbd(k=k, r=r, alpha_weeks=alpha * unit / DAYS_PER_WEEK, a=a, b=b)
    _log.warning("MBG/CNBD-%g did not converge from %d starts", k, len(starts))
    return None


def _log_likelihoods(
    k: float, shapes: tuple[float, float, float, float], x: Floats, t_x: Floats, longer: Floats
) -> tuple[Floats, Floats]:
    """Return the log-likelihood of each history whose customer will order again, and of one who has left.

    Both without what the x gaps contribute alike; `longer` is the logarithm of the chance that the gap since t_x
    exceeds the time passed.
    """
    r, alpha, a, b = shapes
    shape = r + k * x
    common = gammaln(shape) - gammaln(r) + r * np.log(alpha) - shape * np.log(alpha + t_x) - betaln(a, b)
    # The chance to leave comes at the first order too, so x repeat orders have survived it x times.
    return common + betaln(a, b + x + 1.0) + longer, common + betaln(a + 1.0, b + x)


def _log_likelihood_and_slopes(
    k: float, shapes: Floats, x: Floats, t_x: Floats, age: Floats
) -> tuple[Floats, Floats]:
    """Return (n,) log-likelihoods of histories, and their (4, n) slopes in r, alpha, a and b."""
    r, alpha, a, b = (float(value) for value in shapes)
    shape, since = r + k * x, alpha + t_x
    growth = np.log1p((age - t_x) / since)
    longer = _log_longer(k, shape, growth)
    active, left = _log_likelihoods(k, (r, alpha, a, b), x, t_x, longer)
    both = np.logaddexp(active, left)
    stays = np.exp(active - both)
    # By r the incomplete beta function has no closed slope: a difference, as wide as serves doubles best.
    step = 1e-6 * max(r, 1e-3)
    longer_by_r = (_log_longer(k, shape + step, growth) - longer) / step
    passed = -np.expm1(-growth)
    log_density = (k - 1.0) * np.log(np.maximum(passed, _TINY)) - (shape - 1.0) * growth - betaln(k, shape)
    longer_by_alpha = passed * np.exp(log_density - longer) / (alpha + age)
    everyone = digamma(a + b) - digamma(a + b + x + 1.0)
    return both, np.stack(
        [
            digamma(shape) - digamma(r) + np.log(alpha / since) + stays * longer_by_r,
            r / alpha - shape / since + stays * longer_by_alpha,
            everyone + (1.0 - stays) / a,
            everyone - digamma(b) + stays * digamma(b + x + 1.0) + (1.0 - stays) * digamma(b + x),
        ]
    )


def _log_longer(k: float, shape: float | Floats, growth: Floats) -> Floats:
    """Return the logarithm of the chance of a gap longer than a silence, over which the rate's scale grows so much.

    A gamma gap of a gamma rate, over the rate's scale, is a beta prime.
    """
    return np.asarray(np.log(np.maximum(betaincc(k, shape, -np.expm1(-growth)), _TINY)))


@lru_cache(maxsize=20_000)
def _log_longer_by(k: float, r: float, x: float) -> Floats:
    """Return `_log_longer` at _SILENCES."""
    return _log_longer(k, r + k * x, np.exp(_SILENCES))


@lru_cache(maxsize=20_000)
def _orders_after(k: float, r: float, a: float, b: float, x: float) -> Floats:
    """Return (len(_LOG_GROWTH),) float, orders to expect after the x-th repeat order, by how far time then grows.

    The sum over n of the chance to survive n more times and that n gaps fit in, which is an incomplete beta function of
    k n and r + k x. Far terms are summed by trapezoids.
    """
    shape = r + k * x
    grown = -np.expm1(-_LOG_GROWTH)
    most = 100.0 + _BEYOND_MEAN * shape / k * np.expm1(_LOG_GROWTH[-1])
    many = np.ceil(_ORDERS_EACH * _ORDERS_APART ** np.arange(1, np.log(most) / np.log(_ORDERS_APART)))
    n = np.concatenate([np.arange(1.0, _ORDERS_EACH + 1.0), many])
    survived = np.exp(betaln(a, b + x + n) - betaln(a, b + x))
    n, survived = n[survived > 1e-9], survived[survived > 1e-9]  # noqa: PLR2004  # of an order
    terms = survived[:, None] * betainc(k * n[:, None], shape, grown[None, :])
    between = (terms[1:] + terms[:-1]) / 2.0 * np.diff(n)[:, None]
    return np.asarray(between.sum(axis=0) + (terms[0] + terms[-1]) / 2.0)
