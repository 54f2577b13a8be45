"""How far a buyer's spend will lie from what is expected of him: the wider, the fewer orders it is made of."""

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict
from scipy.optimize import minimize
from scipy.special import digamma, gammaln

Floats = NDArray[np.float64]

_LEAST_RATIOS = 20
_LOG_SHAPES = (-3.0, 4.0)
_GROWTH_COSTS = 10.0
"""What a growth of 1 costs, in units of log-likelihood: of few buyers spreads are alike."""


class ValueShape(BaseModel):
    """Shape of the gamma that spreads a buyer's value around its expectation.

    Parameters
    ----------
    one : float
        Of one who is expected to order once; without unit.
    growth : float
        The power of the orders expected of a buyer by which it grows: 0 is the same for all, 1 that of a sum of
        orders whose values are independent.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    one: float = 1.0
    growth: float = 0.0

    @classmethod
    def fit(cls, ratios: Floats, orders: Floats) -> "ValueShape":
        """Return the likeliest shape.

        Parameters
        ----------
        ratios : (n,) float
            Positive; what buyers spent over what was expected of them.
        orders : (n,) float, orders
            Expected of each, given that he orders; at least 1.
        """
        if len(ratios) < _LEAST_RATIOS:
            return cls()
        logs, ratio = np.log(orders), ratios / ratios.mean()

        def miss(both: Floats) -> tuple[float, Floats]:
            at = both[0] + both[1] * logs
            shape = np.exp(np.clip(at, *_LOG_SHAPES))
            free = (at > _LOG_SHAPES[0]) & (at < _LOG_SHAPES[1])
            found = shape * np.log(shape) + (shape - 1.0) * np.log(ratio) - shape * ratio - gammaln(shape)
            slope = free * shape * (np.log(shape) + 1.0 + np.log(ratio) - ratio - digamma(shape))
            cost = _GROWTH_COSTS * both[1]
            return cost * both[1] / 2.0 - found.sum(), np.array([-slope.sum(), cost - slope @ logs])

        found = minimize(miss, np.zeros(2), jac=True, method="L-BFGS-B", bounds=[_LOG_SHAPES, (-1.0, 2.0)])
        return cls(one=float(np.exp(found.x[0])), growth=float(found.x[1]))

    def at(self, orders: Floats) -> Floats:
        """Return (n,) float, the shapes of those who are expected to order so often."""
        logs = np.log(self.one) + self.growth * np.log(np.maximum(orders, 1.0))
        return np.asarray(np.exp(np.clip(logs, *_LOG_SHAPES)))


EXPONENTIAL = ValueShape()
"""Before a store has shown its own."""
