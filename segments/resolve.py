"""Numbers of the whole store that conditions need, found once when a release is made and stored in it.

One customer alone can then be judged by `in_top(clv_365d, 10)`, and the same way as in the crowd.
"""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from ledger.errors import InputError
from segments.derived import statistics_of
from segments.expression import Expression
from segments.nodes import Statistic


def thresholds(expressions: Iterable[Expression], frame: pa.Table | pd.DataFrame) -> dict[str, float]:
    """Resolve percentiles, means and deviations over all customers.

    Parameters
    ----------
    expressions : iterable of Expression
    frame : Table or DataFrame
        One row a customer, with features and scores; unknown values do not count.

    Returns
    -------
    dict of str to float
        By key: `clv_365d:75.0` is the 75th percentile, `spend:mean` the mean, `spend:deviation` the standard
        deviation, `clv_365d:known` the number of customers they were taken over. When that is 0 the others
        are left out, and conditions on them are unknown for everybody. Lifecycle limits are not among them.

    Raises
    ------
    InputError
        When the frame lacks a column.
    """
    wanted = {
        each for expression in expressions for each in statistics_of(expression) if each.column is not None
    }
    found: dict[str, float] = {}
    for statistic in sorted(wanted, key=lambda each: each.key):
        name = statistic.column.name if statistic.column else ""
        values = known_values(frame, name)
        found[f"{name}:known"] = float(len(values))
        if len(values):
            found[statistic.key] = _value(statistic, values)
    return found


def known_values(frame: pa.Table | pd.DataFrame, column: str) -> npt.NDArray[np.float64]:
    """Return a column's known, finite values."""
    names = frame.column_names if isinstance(frame, pa.Table) else list(frame.columns)
    if column not in names:
        raise InputError(f"a segment needs the column {column!r}, which the customers' data does not hold")
    series = frame[column].to_pandas() if isinstance(frame, pa.Table) else frame[column]
    values: npt.NDArray[np.float64] = pd.to_numeric(series).to_numpy(dtype=np.float64, na_value=np.nan)
    finite: npt.NDArray[np.float64] = values[np.isfinite(values)]
    return finite


def _value(statistic: Statistic, values: npt.NDArray[np.float64]) -> float:
    if statistic.name == "mean":
        return float(values.mean())
    if statistic.name == "deviation":
        return float(values.std())
    return float(np.quantile(values, float(statistic.name) / 100))
