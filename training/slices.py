"""Kinds of customers that predictions are judged on apart: a method may be right on the whole and wrong on each."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from training.metrics import top_rows

Rows = NDArray[np.intp]

NEW_DAYS = 90
DORMANT_DAYS = 180


@dataclass(frozen=True)
class Slice:
    """One kind of customers, told apart by what was known at the cutoff.

    Parameters
    ----------
    name : str
    rows : callable
        Snapshot to the row numbers of its members.
    means : str
    """

    name: str
    rows: Callable[[pd.DataFrame], Rows]
    means: str


def _numbers(snapshot: pd.DataFrame, name: str) -> NDArray[np.float64]:
    return snapshot[name].to_numpy(dtype=np.float64, na_value=np.nan)


SLICES: tuple[Slice, ...] = (
    Slice("one_time", lambda s: np.flatnonzero(_numbers(s, "orders") == 1), "one order so far"),
    Slice("repeat", lambda s: np.flatnonzero(_numbers(s, "orders") > 1), "two orders or more"),
    Slice(
        "new",
        lambda s: np.flatnonzero(_numbers(s, "days_since_first_order") <= NEW_DAYS),
        f"first order within the last {NEW_DAYS} days",
    ),
    Slice(
        "heavy",
        lambda s: np.sort(top_rows(np.nan_to_num(_numbers(s, "spend"), nan=-np.inf))),
        "the tenth of the customers who spent most so far",
    ),
    Slice(
        "dormant",
        lambda s: np.flatnonzero(_numbers(s, "days_since_last_order") > DORMANT_DAYS),
        f"last order more than {DORMANT_DAYS} days ago",
    ),
)
