"""Where a customer stands among the customers of a release: percentiles against quantiles that the release stores.

One customer alone is so placed as in the crowd, without the crowd.
"""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.scores import scores_for

Floats = NDArray[np.float64]

_PERCENTS = np.linspace(0.0, 100.0, 201)


def percentile(values: Floats, quantiles: Sequence[float]) -> Floats:
    """Return where values stand among the customers of the release, 0 to 100.

    Parameters
    ----------
    values : (n,) float
    quantiles : sequence of float
        The 201 quantiles from 0 to 100 % in half percents, rising.

    Returns
    -------
    (n,) float, percentile
        A value that many share stands in the middle of them.
    """
    return np.interp(values, *_middles(tuple(quantiles)))


@lru_cache(maxsize=64)
def _middles(quantiles: tuple[float, ...]) -> tuple[Floats, Floats]:
    """Return the values that quantiles stand for, each once, and the middle of the percentiles of each."""
    distinct, which = np.unique(quantiles, return_inverse=True)
    return distinct, np.bincount(which, weights=_PERCENTS) / np.bincount(which)


def reference_quantiles(scored: pd.DataFrame, horizon_days: int) -> dict[str, list[float]]:
    """Return the quantiles that percentiles are read from, for each score that has a percentile.

    Parameters
    ----------
    scored : DataFrame
        What `Predictors.score` gave for the customers known in training.
    horizon_days : int, days
    """
    suffix = "_percentile"
    named = [s.name.removesuffix(suffix) for s in scores_for(horizon_days) if s.name.endswith(suffix)]
    return {name: np.percentile(scored[name], _PERCENTS).tolist() for name in named}
