"""What was predicted as of a day beside what then happened: as numbers of groups, never of a customer."""

from datetime import date
from typing import Final

from pydantic import BaseModel, ConfigDict

from models.histograms import Histogram


class Group(BaseModel):
    """Some customers thought about equally likely to order.

    Parameters
    ----------
    customers : int
    p_order : float, share
        Who would order, as predicted.
    ordered : float, share
        Who did.
    low, high : float, share
        Between which 95 of 100 groups of this size would have come out, had the prediction been exactly right.
    expected_orders, orders : float, orders
        Of all of them together, predicted and come.
    expected_value, value : float, currency
        Likewise.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    customers: int
    p_order: float
    ordered: float
    low: float
    high: float
    expected_orders: float
    orders: float
    expected_value: float
    value: float


class Called(BaseModel):
    """Whom a run called likely to leave, and what they did.

    Parameters
    ----------
    customers : int
    limit : float, probability
        Above which one was called likely to leave.
    horizon_days : int, days
        Left is who did not order within them.
    expected : float, customers
        Sum of their probabilities.
    left : int, customers
    low, high : float, share
        Between which the share of those who leave lies, in 95 of 100 cases, judged by these alone.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    customers: int
    limit: float
    horizon_days: int
    expected: float
    left: int
    low: float
    high: float


class Checked(BaseModel):
    """Predictions as of a day, judged once their horizon was over.

    Parameters
    ----------
    as_of : date
        Local day.
    release : str
        Who predicted; empty for a backtest, whose predictors were fitted for it alone.
    horizon_days : int, days
    customers : int
    expected_ordered : float, customers
        Sum of the probabilities of an order within the horizon.
    ordered : int, customers
    groups : tuple of Group
        Of equal size by probability, lowest first.
    metrics : dict of str to float
        Of `training.metrics`, where they have an answer.
    called : Called or None
        None when nobody was called likely to leave, or its horizon is not over.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    as_of: date
    release: str
    horizon_days: int
    customers: int
    expected_ordered: float
    ordered: int
    groups: tuple[Group, ...]
    metrics: dict[str, float]
    called: Called | None = None


class Seen(BaseModel):
    """What a release keeps of the customers that it was made from and judged on.

    Parameters
    ----------
    histograms : dict of str to Histogram
        Of features and scores over the customers scored in training, by name.
    backtests : tuple of Checked
        Newest first; none where history was too short.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    histograms: dict[str, Histogram] = {}
    backtests: tuple[Checked, ...] = ()


NOTHING_SEEN: Final = Seen()
