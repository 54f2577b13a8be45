"""The Pareto/NBD model: customers order at their own rate until an unseen lifetime of their own ends.

`lifetimes` fits it in 5 to 40 s, by hypergeometric functions that overflow for heavy buyers. Here the one integral of
the likelihood is taken by quadrature over a variable in which it is smooth, for all customers at once.
"""

import logging
from typing import Literal
from weakref import WeakKeyDictionary

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict
from scipy.optimize import minimize
from scipy.special import gammaln

from models.histories import DAYS_PER_WEEK, Histories

Floats = NDArray[np.float64]

MOST_PATTERNS = 20_000
"""Unique histories that a fit reads; of more, a seeded sample."""
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(12)
_STARTS = ((1.0, 1.0, 1.0, 1.0), (0.5, 10.0, 0.5, 10.0), (1.0, 5.0, 0.1, 20.0))
"""r, alpha, s, beta, the times as multiples of a tenth of the longest history."""
_LOWEST_LOG, _HIGHEST_LOG = -9.0, 6.0
"""Rates at a limit mean that the likelihood is flat: nobody came again, or all customers are alike.
Drop-out at its limit is an answer: nobody leaves, and the model is the NBD."""
_NEARLY_ONE = 1e-6
_BLOCK = 1_024

_log = logging.getLogger(__name__)
_NOW: "WeakKeyDictionary[Histories, dict[ParetoNbd, Floats]]" = WeakKeyDictionary()


class ParetoNbd(BaseModel):
    """Gamma(r, alpha) order rates and gamma(s, beta) drop-out rates over customers.

    Parameters
    ----------
    r, s : float
        Without unit.
    alpha_weeks, beta_weeks : float, weeks
        Time is in weeks, as in the paper.

    References
    ----------
    Schmittlein, Morrison and Colombo (1987), Management Science 33(1). Fader and Hardie (2005), "A Note on Deriving
    the Pareto/NBD Model and Related Expressions", equations 17, 36 and 41.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: Literal["pareto_nbd"] = "pareto_nbd"
    r: float
    alpha_weeks: float
    s: float
    beta_weeks: float

    def p_active(self, histories: Histories) -> Floats:
        """Return (n,) float, probability that the lifetime goes on at the cutoff."""
        return np.exp(self._log_active(histories, 0.0) - self._log_likelihood_now(histories))

    def rate_per_day(self, histories: Histories) -> Floats:
        """Return (n,) float, orders a day, of those still active."""
        weeks = self.alpha_weeks + histories.age_days / DAYS_PER_WEEK
        return np.asarray((self.r + histories.frequency) / weeks / DAYS_PER_WEEK, dtype=np.float64)

    def p_order(self, histories: Histories, horizon_days: float | Floats) -> Floats:
        """Return (n,) float, probability of at least one order within the horizon.

        The likelihood of the same history, had it stayed silent for the horizon too, over that of the history.
        """
        now = self._log_likelihood_now(histories)
        return _ordering(self._log_likelihood(histories, horizon_days), now)

    def expected_orders(self, histories: Histories, horizon_days: float | Floats) -> Floats:
        """Return (n,) float, orders; never below `p_order`."""
        weeks = self.beta_weeks + histories.age_days / DAYS_PER_WEEK
        shortening = np.log(weeks / (weeks + horizon_days / DAYS_PER_WEEK))
        power = self.s - 1.0
        lived = -shortening if abs(power) < _NEARLY_ONE else -np.expm1(power * shortening) / power
        now = self._log_likelihood_now(histories)
        active = np.exp(self._log_active(histories, 0.0) - now)
        expected = active * self.rate_per_day(histories) * DAYS_PER_WEEK * weeks * lived
        return np.maximum(expected, _ordering(self._log_likelihood(histories, horizon_days), now))

    def _log_active(self, histories: Histories, silent_days: float | Floats) -> Floats:
        age = (histories.age_days + silent_days) / DAYS_PER_WEEK
        return _log_active(self._logs(), histories.frequency, age)

    def _log_likelihood(self, histories: Histories, silent_days: float | Floats) -> Floats:
        age = (histories.age_days + silent_days) / DAYS_PER_WEEK
        return _log_likelihood(self._logs(), histories.frequency, histories.recency_days / DAYS_PER_WEEK, age)

    def _log_likelihood_now(self, histories: Histories) -> Floats:
        """Return the same as of the cutoff, kept with the histories: every horizon is asked of it."""
        known = _NOW.setdefault(histories, {})
        if self not in known:
            known[self] = self._log_likelihood(histories, 0.0)
        return known[self]

    def _logs(self) -> Floats:
        return np.log([self.r, self.alpha_weeks, self.s, self.beta_weeks])


def _ordering(silent: Floats, now: Floats) -> Floats:
    """Return the probability of an order from the log-likelihoods of a history followed by silence, and alone."""
    return -np.expm1(np.minimum(silent - now, 0.0))


def fit_pareto_nbd(
    frequency: Floats, recency_days: Floats, age_days: Floats, seed: int = 0
) -> ParetoNbd | None:
    """Return the Pareto/NBD model of the first start that converges to finite parameters, or None, which is logged.

    Parameters
    ----------
    frequency : (n,) float, orders
        Repeat orders.
    recency_days, age_days : (n,) float, days
        First to last order; first order to cutoff.
    seed : int
        Of the sample that stands for more than MOST_PATTERNS unique histories.
    """
    rows = pd.DataFrame({"x": frequency, "t_x": recency_days, "age": age_days}, dtype=np.float64)
    unique = rows.value_counts(sort=False).rename("customers").reset_index()
    if len(unique) > MOST_PATTERNS:
        # Customers are drawn, not patterns: the sample keeps the shares of the store.
        drawn = rows.sample(MOST_PATTERNS, random_state=seed)
        unique = drawn.value_counts(sort=False).rename("customers").reset_index()
    unit = max(float(unique["age"].max()), 1.0) / 10.0
    x, t_x, age, customers = (unique[name].to_numpy(float) for name in ("x", "t_x", "age", "customers"))

    def miss(logs: Floats) -> float:
        found = float(customers @ _log_likelihood(logs, x, t_x / unit, age / unit)) / customers.sum()
        return -found if np.isfinite(found) else 1e10

    bounds = [(_LOWEST_LOG, _HIGHEST_LOG)] * 4
    for start in _STARTS:
        fit = minimize(miss, np.log(start), method="L-BFGS-B", bounds=bounds, options={"ftol": 1e-11})
        rates = fit.x[:2]
        if fit.success and _LOWEST_LOG < rates.min() <= rates.max() < _HIGHEST_LOG:
            r, alpha, s, beta = (float(value) for value in np.exp(fit.x))
            weeks = unit / DAYS_PER_WEEK
            return ParetoNbd(r=r, alpha_weeks=alpha * weeks, s=s, beta_weeks=beta * weeks)
    _log.warning("Pareto/NBD did not converge from %d starts", len(_STARTS))
    return None


def _log_active(logs: Floats, x: Floats, age: Floats) -> Floats:
    """Return the log-likelihood of a history whose customer is still active."""
    r, alpha, s, beta = np.exp(logs)
    constant = gammaln(r + x) - gammaln(r) + r * np.log(alpha) + s * np.log(beta)
    return np.asarray(constant - (r + x) * np.log(alpha + age) - s * np.log(beta + age))


def _log_likelihood(logs: Floats, x: Floats, t_x: Floats, age: Floats) -> Floats:
    """Return the log-likelihood of each history: still active, or left at a time y between last order and cutoff.

    The second is the integral of s (alpha + y)^-(r + x) (beta + y)^-(s + 1). Over
    w = ((alpha + t_x) / (alpha + y))^(r + s + x) its integrand is ((alpha + y) / (beta + y))^(s + 1) and a constant,
    which is smooth however many orders there are.
    """
    r, alpha, s, beta = np.exp(logs)
    constant = gammaln(r + x) - gammaln(r) + r * np.log(alpha) + s * np.log(beta)
    power = r + s + x
    begin = np.log(alpha + t_x)
    lowest = np.exp(power * (begin - np.log(alpha + age)))
    largest = np.maximum((alpha + t_x) / (beta + t_x), 1.0)
    smooth = np.zeros_like(begin)
    rows = [np.broadcast_to(each, begin.shape) for each in (power, lowest, begin, largest)]
    # All nodes at once, of as many customers as the processor keeps close by.
    for block in range(0, len(begin), _BLOCK):
        found = slice(block, block + _BLOCK)
        smooth[found] = _at_nodes(alpha, beta, s, *(each[found] for each in rows))
    smooth *= (1.0 - lowest) / 2.0
    with np.errstate(divide="ignore"):
        left = np.log(s / power) - power * begin + (s + 1.0) * np.log(largest) + np.log(smooth)
    return np.asarray(np.logaddexp(_log_active(logs, x, age), constant + left))


def _at_nodes(  # noqa: PLR0913, PLR0917 - one a symbol of the formula
    alpha: float, beta: float, s: float, power: Floats, lowest: Floats, begin: Floats, largest: Floats
) -> Floats:
    """Return (n,) float, the weighted sum of the integrand over the nodes."""
    w = 1.0 + (_NODES[:, None] - 1.0) * (1.0 - lowest) / 2.0
    alpha_y = np.exp(begin - np.log(w) / power)
    # beta + y may not reach zero by rounding where beta is far below alpha.
    beta_y = np.maximum(alpha_y + (beta - alpha), beta)
    addends = _WEIGHTS[:, None] * (alpha_y / beta_y / largest) ** (s + 1.0)
    # Node by node: a matrix product rounds otherwise for one customer than for many.
    total = np.zeros_like(begin)
    for each in addends:
        total += each
    return total
