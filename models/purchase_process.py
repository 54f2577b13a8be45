"""Purchase processes: what three counts and an average say about a customer's next orders and their value.

The fitting is `lifetimes`'; what it does not do is done here: several starts over unique rows, explicit
non-convergence, probabilities instead of "alive", and one-time buyers told apart by what they paid.
"""

import contextlib
import io
import logging
import warnings
from typing import Annotated, Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from models.histories import DAYS_PER_WEEK, Histories
from models.mbg_cnbd import MbgCnbd
from models.pareto_nbd import ParetoNbd, fit_pareto_nbd

__all__ = [
    "BgNbd",
    "Histories",
    "MbgCnbd",
    "OrderValue",
    "ParetoNbd",
    "PurchaseProcess",
    "StoreRate",
    "fit_bg_nbd",
    "fit_gamma_gamma",
    "fit_order_value",
    "fit_purchase_process",
]

Floats = NDArray[np.float64]

MINIMUM_CUSTOMERS = 100
"""Fewer customers leave BG/NBD's four parameters to chance: simulated stores of this size scatter by half."""
MINIMUM_REPEAT_CUSTOMERS = 30
MOST_FITTED = 100_000
"""Customers that BG/NBD is fitted on; of more, a sample, the same on every run. Another sample moves the forecast of
a store's orders by some thousandths."""
PRIOR_GAP_DAYS = 90.0
"""What one customer is assumed to take between orders while a store has shown nothing: a quarter of a year."""
_STARTS_LOG = (None, (0.0, 1.0, 0.0, 1.0), (-1.0, 1.5, -1.0, 0.7), (0.5, 2.5, -1.0, 1.0))
_LARGEST_PARAMETER = 1e4
"""A parameter beyond this means a flat likelihood: the fit ran away although the optimiser was content."""

_log = logging.getLogger(__name__)


class StoreRate(BaseModel):
    """Every customer orders at an own constant rate for ever, drawn from one gamma: the rule for small stores.

    Parameters
    ----------
    shape : float
        r of the gamma; 1 spreads customers as widely as an exponential.
    scale_days : float, days
        alpha of the gamma.

    References
    ----------
    The NBD model: Ehrenberg (1959), Applied Statistics 8(1).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: Literal["store_rate"] = "store_rate"
    shape: float
    scale_days: float

    @classmethod
    def fit(cls, histories: Histories) -> "StoreRate":
        """Return the rule with the store's own mean rate; one prior order in PRIOR_GAP_DAYS keeps it finite."""
        rate = (histories.frequency.sum() + 1.0) / (histories.age_days.sum() + PRIOR_GAP_DAYS)
        return cls(shape=1.0, scale_days=float(1.0 / rate))

    def rate_per_day(self, histories: Histories) -> Floats:
        """Return (n,) float, orders a day."""
        return (self.shape + histories.frequency) / (self.scale_days + histories.age_days)

    def p_active(self, histories: Histories) -> Floats:
        """Return ones: this rule knows no leaving."""
        return np.ones_like(histories.age_days)

    def p_order(self, histories: Histories, horizon_days: float | Floats) -> Floats:
        """Return (n,) float, probability."""
        observed = self.scale_days + histories.age_days
        return 1.0 - (observed / (observed + horizon_days)) ** (self.shape + histories.frequency)

    def expected_orders(self, histories: Histories, horizon_days: float | Floats) -> Floats:
        """Return (n,) float, orders."""
        return self.rate_per_day(histories) * horizon_days


class BgNbd(BaseModel):
    """The BG/NBD model: a gamma-mixed order rate, and after each repeat order a beta-mixed chance to leave.

    Parameters
    ----------
    r, a, b : float
        Without unit.
    alpha_weeks : float, weeks
        Time is in weeks, as in the paper.

    References
    ----------
    Fader, Hardie and Lee (2005), Marketing Science 24(2).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: Literal["bg_nbd"] = "bg_nbd"
    r: float
    alpha_weeks: float
    a: float
    b: float

    def p_active(self, histories: Histories) -> Floats:
        """Return (n,) float; 1 for every one-time buyer, which is why it is no churn score."""
        alive = self._fitter().conditional_probability_alive(
            histories.frequency, histories.recency_days / DAYS_PER_WEEK, histories.age_days / DAYS_PER_WEEK
        )
        return np.asarray(alive, dtype=np.float64)

    def rate_per_day(self, histories: Histories) -> Floats:
        """Return (n,) float, orders a day, of those still active."""
        weeks = self.alpha_weeks + histories.age_days / DAYS_PER_WEEK
        return np.asarray((self.r + histories.frequency) / weeks / DAYS_PER_WEEK, dtype=np.float64)

    def p_order(self, histories: Histories, horizon_days: float | Floats) -> Floats:
        """Return (n,) float, probability of at least one order within the horizon.

        Given that the customer is active, the rate is Gamma(r + x, alpha + T), so no order comes in t with
        probability ((alpha + T) / (alpha + T + t)) ** (r + x).
        """
        weeks = self.alpha_weeks + histories.age_days / DAYS_PER_WEEK
        silent = (weeks / (weeks + horizon_days / DAYS_PER_WEEK)) ** (self.r + histories.frequency)
        return self.p_active(histories) * (1.0 - silent)

    def expected_orders(self, histories: Histories, horizon_days: float | Floats) -> Floats:
        """Return (n,) float, orders; never negative, never NaN, never below `p_order`.

        Where the hypergeometric function of equation 10 overflows (very heavy buyers), the model without
        leaving inside the horizon stands in: active x rate x horizon.
        """
        with np.errstate(all="ignore"):
            expected = self._fitter().conditional_expected_number_of_purchases_up_to_time(
                horizon_days / DAYS_PER_WEEK,
                histories.frequency,
                histories.recency_days / DAYS_PER_WEEK,
                histories.age_days / DAYS_PER_WEEK,
            )
        expected = np.asarray(expected, dtype=np.float64)
        ceiling = self.p_active(histories) * self.rate_per_day(histories) * horizon_days
        usable = np.isfinite(expected) & (expected >= 0.0)
        return np.maximum(np.where(usable, expected, ceiling), self.p_order(histories, horizon_days))

    def _fitter(self) -> Any:  # noqa: ANN401  # lifetimes has no types
        from lifetimes import BetaGeoFitter  # noqa: PLC0415  # a second to import; `--help` must not pay it

        fitter = BetaGeoFitter()
        values = {"r": self.r, "alpha": self.alpha_weeks, "a": self.a, "b": self.b}
        fitter.params_ = pd.Series(values)
        return fitter


PurchaseProcess = Annotated[StoreRate | BgNbd | ParetoNbd | MbgCnbd, Field(discriminator="kind")]
"""Probability of an order and expected orders over any horizon, from a history's counts alone."""


def fit_purchase_process(histories: Histories) -> PurchaseProcess:
    """Fit Pareto/NBD where the store is large enough and the fit converges, else BG/NBD, else the store's rate.

    Pareto/NBD comes first: it doubts one-time buyers who have long been silent, whom BG/NBD takes for active for ever.

    Parameters
    ----------
    histories : Histories
        Of one cutoff; customers without an order are left out.

    Returns
    -------
    ParetoNbd, BgNbd or StoreRate
        Falling back is logged with its cause; nothing is ever penalised.
    """
    buyers = histories.orders > 0
    repeaters = int((histories.frequency > 0).sum())
    if int(buyers.sum()) < MINIMUM_CUSTOMERS or repeaters < MINIMUM_REPEAT_CUSTOMERS:
        _log.info(
            "%d buyers, %d repeaters: the store's rate stands in for a purchase process",
            int(buyers.sum()),
            repeaters,
        )
        return StoreRate.fit(histories)
    counted = histories.frequency[buyers], histories.recency_days[buyers], histories.age_days[buyers]
    fitted = fit_pareto_nbd(*counted)
    if fitted is not None:
        return fitted
    stands_in = fit_bg_nbd(*counted)
    if stands_in is not None:
        return stands_in
    _log.warning("BG/NBD did not converge from %d starts: the store's rate stands in", len(_STARTS_LOG))
    return StoreRate.fit(histories)


def fit_bg_nbd(frequency: Floats, recency_days: Floats, age_days: Floats) -> BgNbd | None:
    """Return the BG/NBD model of the first start that converges to finite parameters, or None.

    Parameters
    ----------
    frequency : (n,) float, orders
        Repeat orders.
    recency_days, age_days : (n,) float, days
        First to last order; first order to cutoff.
    """
    from lifetimes import BetaGeoFitter  # noqa: PLC0415

    rows = pd.DataFrame(
        {"x": frequency, "t_x": recency_days / DAYS_PER_WEEK, "age": age_days / DAYS_PER_WEEK}
    )
    if len(rows) > MOST_FITTED:
        rows = rows.sample(MOST_FITTED, random_state=0)
    unique = rows.value_counts(sort=False).rename("customers").reset_index()
    for start in _STARTS_LOG:
        fitter = _try_fit(
            BetaGeoFitter(),
            (unique["x"], unique["t_x"], unique["age"]),
            weights=unique["customers"],
            initial_params=start,
        )
        if fitter is not None:
            r, alpha, a, b = (float(fitter.params_[name]) for name in ("r", "alpha", "a", "b"))
            return BgNbd(r=r, alpha_weeks=alpha, a=a, b=b)
    return None


def _try_fit(fitter: Any, columns: tuple["pd.Series[float]", ...], **options: Any) -> Any | None:  # noqa: ANN401
    """Return the fitter when it converges to parameters one can use, else None; `lifetimes` prints, so it is muted."""
    from lifetimes.utils import ConvergenceError  # noqa: PLC0415

    arrays = [column.to_numpy() for column in columns]
    options = {
        key: value.to_numpy() if hasattr(value, "to_numpy") else value for key, value in options.items()
    }
    try:
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")  # autograd and the optimiser step through impossible parameters
            fitter.fit(*arrays, **options)
    except (ConvergenceError, np.linalg.LinAlgError) as cause:
        _log.debug("no convergence: %s", type(cause).__name__)
        return None
    parameters = fitter.params_.to_numpy()
    return fitter if np.isfinite(parameters).all() and parameters.max() < _LARGEST_PARAMETER else None


class OrderValue(BaseModel):
    """Expected net value of one order: the customer's own mean, drawn towards the store's.

    Parameters
    ----------
    store_mean : float, currency
        Mean over customers of the expected order value.
    prior_orders : float, orders
        How many orders the store's mean weighs as much as.
    basis : str
        `gamma_gamma`, or `shrunk_mean` where that model could not be fitted.

    Notes
    -----
    Gamma-Gamma's conditional expectation is this very form, with store mean p v / (q - 1) and prior orders
    (q - 1) / p. It is fitted on all orders, the first included, so that one-time buyers differ by what they paid.

    References
    ----------
    Fader and Hardie (2013), "The Gamma-Gamma Model of Monetary Value", equation 5.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    store_mean: float
    prior_orders: float
    basis: Literal["gamma_gamma", "shrunk_mean"]

    def expected(self, histories: Histories) -> Floats:
        """Return (n,) float, currency an order."""
        total = histories.orders * histories.mean_order_value + self.prior_orders * self.store_mean
        return np.asarray(total / (histories.orders + self.prior_orders), dtype=np.float64)


def fit_order_value(histories: Histories) -> OrderValue:
    """Fit Gamma-Gamma on all orders; too few customers or no convergence give the shrunk mean, logged.

    Parameters
    ----------
    histories : Histories
        Of one cutoff.
    """
    paying = (histories.orders > 0) & (histories.mean_order_value > 0)
    orders, means = histories.orders[paying], histories.mean_order_value[paying]
    if len(orders) >= MINIMUM_CUSTOMERS:
        fitted = fit_gamma_gamma(orders, means)
        if fitted is not None:
            p, q, v = fitted
            return OrderValue(store_mean=p * v / (q - 1.0), prior_orders=(q - 1.0) / p, basis="gamma_gamma")
        _log.warning("Gamma-Gamma did not converge: the shrunk mean stands in")
    store_mean = float(means.mean()) if len(means) else 0.0
    return OrderValue(store_mean=store_mean, prior_orders=2.0, basis="shrunk_mean")


def fit_gamma_gamma(orders: Floats, mean_value: Floats) -> tuple[float, float, float] | None:
    """Return (p, q, v) of the Gamma-Gamma model, or None without convergence or where its mean is infinite (q <= 1).

    Parameters
    ----------
    orders : (n,) float, orders
        At least one.
    mean_value : (n,) float, currency
        Positive.
    """
    from lifetimes import GammaGammaFitter  # noqa: PLC0415

    scale = float(np.median(mean_value))
    columns = (pd.Series(orders), pd.Series(mean_value / scale))
    for start in (None, (1.0, 1.0, 0.0), (1.8, 1.3, 2.7)):
        fitter = _try_fit(GammaGammaFitter(), columns, initial_params=start)
        if fitter is not None and float(fitter.params_["q"]) > 1.0:
            p, q, v = (float(fitter.params_[name]) for name in ("p", "q", "v"))
            return p, q, v * scale
    return None
