"""Which product is due again, and when: the next purchase of each customer's products and categories.

A first, closed-form answer. Rows are the pairs bought on at least two days, at least one of them within
the last 365: at level "product" (product_id and its category) and at level "category" (product_id null). A
product bought once says little about when it is wanted again and would make the table four times as long; its
category answers for it.
"""

from dataclasses import dataclass
from datetime import UTC
from typing import Any, Final

import duckdb
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from features.cutoff import Cutoff
from models.gap_curve import GapCurve, GapParameters, bases, curves, fit_gaps
from models.gaps import (
    LEVELS,
    REBUY_WINDOW_DAYS,
    Level,
    buyers_as_of,
    pairs_as_of,
    quantities_as_of,
    stage_days,
)
from models.rebuy_hazard import HazardScale, covariates, fit_scale

Floats = npt.NDArray[np.float64]

SCHEMA: Final = pa.schema(
    [
        pa.field("customer_id", pa.string()),
        pa.field("product_id", pa.string()),
        pa.field("category", pa.string()),
        pa.field("level", pa.string()),
        pa.field("p_due_7d", pa.float64()),
        pa.field("p_due_14d", pa.float64()),
        pa.field("next_purchase_p25", pa.date32()),
        pa.field("next_purchase_p50", pa.date32()),
        pa.field("next_purchase_p75", pa.date32()),
        pa.field("next_purchase_p95", pa.date32()),
        pa.field("quantity", pa.float64()),
        pa.field("basis", pa.string()),
        pa.field("suppressed_because", pa.string()),
    ]
)
"""Columns of the forecast. Dates are the shop's local days; null where not reached within a year."""

ACTIVE_DAYS: Final = 365
DUE_PROBABILITY: Final = 0.5
"""A refill is due when it is more likely than not bought within the week."""
_QUANTILES: Final = (25, 50, 75, 95)
_DUE_DAYS: Final = (7, 14)
_CATEGORY_LEVELS: Final[dict[Level, int]] = {"category": 1, "product": 2}
_WINDOWS: Final = 3  # before the cutoff, on which the hazard's factor is fitted: one alone may hold a holiday
_MIN_HISTORY_DAYS: Final = 28  # before the earliest window

# The last row known before the cutoff says whether a product is still sold.
_DISCONTINUED = """
SELECT product_id FROM (
    SELECT product_id, discontinued FROM ledger_products WHERE known_at < $at
    QUALIFY row_number() OVER (PARTITION BY product_id ORDER BY known_at DESC, discontinued DESC) = 1
) WHERE discontinued
"""


_SPAN = "SELECT min(order_day), max(order_day + age_days) FROM history_items"


@dataclass(frozen=True)
class LevelModel:
    """One level's parameters: the gap curve and, with enough history, the factor on its hazard."""

    gaps: GapParameters
    scale: HazardScale | None

    @classmethod
    def fit(cls, connection: duckdb.DuckDBPyConnection, level: Level) -> "LevelModel":
        """Fit one level on the staged history, judged on its own last complete windows."""
        stage_days(connection, level)
        first, cutoff_day = _span(connection)
        days = [cutoff_day - REBUY_WINDOW_DAYS * back for back in range(1, _WINDOWS + 1)]
        days = [day for day in days if day >= first + _MIN_HISTORY_DAYS]
        past = [_described_past(connection, level, day) for day in days]
        scale = None
        if past:
            described, again = zip(*past, strict=True)
            scale = fit_scale(np.concatenate(described), np.concatenate(again))
        return cls(_fit_as_of(connection, level, pairs_as_of(connection, cutoff_day), cutoff_day), scale)

    def factor(self, curve: GapCurve, pairs: pd.DataFrame) -> Floats:
        """Return what each pair's hazard is multiplied by: 1 where nothing was learnt."""
        if self.scale is None:
            return np.ones(len(pairs))
        return self.scale.factor(covariates(self.gaps, curve, pairs))


@dataclass(frozen=True)
class ReplenishmentModel:
    """When each customer buys a product, or from a category, again; the parameters of every level.

    Parameters
    ----------
    levels : dict of level -> LevelModel
    """

    levels: dict[Level, LevelModel]

    @classmethod
    def fit(cls, connection: duckdb.DuckDBPyConnection) -> "ReplenishmentModel":
        """Learn from the history staged as of one cutoff; nothing after it is seen.

        Parameters
        ----------
        connection : duckdb.DuckDBPyConnection
            After `features.history.stage`: reads the temp table `history_items`.

        Returns
        -------
        ReplenishmentModel
            Also without any product in the history: its forecast is then empty.
        """
        return cls({level: LevelModel.fit(connection, level) for level in LEVELS})

    def forecast(self, connection: duckdb.DuckDBPyConnection, cutoff: Cutoff) -> pa.Table:
        """Forecast every pair's next purchase, given that it was not bought until the cutoff.

        Parameters
        ----------
        connection : duckdb.DuckDBPyConnection
            A ledger connection after `features.history.stage` at the same cutoff.
        cutoff : Cutoff

        Returns
        -------
        pyarrow.Table
            Columns of `SCHEMA`, sorted by customer, level (category first), product and category.
            `p_due_7d` is the probability of a purchase on the cutoff's local day or the six after it.
        """
        gone = connection.execute(_DISCONTINUED, {"at": cutoff.at.astimezone(UTC)}).df()["product_id"]
        tables = []
        for level in LEVELS:
            stage_days(connection, level)
            pairs = pairs_as_of(connection, cutoff.day)
            pairs = pairs.assign(quantity=quantities_as_of(connection, cutoff.day))
            pairs = pairs[pairs["elapsed_days"] <= ACTIVE_DAYS].reset_index(drop=True)
            tables.append(_forecast(self.levels[level], level, pairs, cutoff, set(gone)))
        order = [(name, "ascending") for name in ("customer_id", "level", "product_id", "category")]
        return pa.concat_tables(tables).sort_by(order)

    def to_json_dict(self) -> dict[str, Any]:
        """Return the parameters; no customer's rows are among them."""
        return {
            level: {"gaps": model.gaps.to_json_dict(), "scale": model.scale and model.scale.to_json_dict()}
            for level, model in self.levels.items()
        }

    @classmethod
    def from_json_dict(cls, stored: dict[str, Any]) -> "ReplenishmentModel":
        """Return a model whose forecasts equal those of the one that was stored, bit for bit."""
        return cls(
            {
                level: LevelModel(
                    GapParameters.from_json_dict(stored[level]["gaps"]),
                    stored[level]["scale"] and HazardScale.from_json_dict(stored[level]["scale"]),
                )
                for level in LEVELS
            }
        )


def due_within_a_week(forecast: pa.Table) -> pa.Table:
    """Return the rows of a forecast that are due, those that must not be reminded left out."""
    due = pc.fill_null(pc.greater_equal(forecast["p_due_7d"], DUE_PROBABILITY), fill_value=False)
    return forecast.filter(pc.and_(due, pc.is_null(forecast["suppressed_because"])))


def _span(connection: duckdb.DuckDBPyConnection) -> tuple[int, int]:
    """Return the first local day with a purchase and the cutoff's; both 0 without any."""
    found = connection.execute(_SPAN).fetchone()
    return (0, 0) if found is None or found[0] is None else (int(found[0]), int(found[1]))


def _fit_as_of(
    connection: duckdb.DuckDBPyConnection, level: Level, pairs: pd.DataFrame, day: int
) -> GapParameters:
    return fit_gaps(pairs, buyers_as_of(connection, day), _CATEGORY_LEVELS[level])


def _described_past(
    connection: duckdb.DuckDBPyConnection, level: Level, day: int
) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Describe the pairs as they stood on an earlier day, by what was known then, and what they did next."""
    pairs = pairs_as_of(connection, day)
    parameters = _fit_as_of(connection, level, pairs, day)
    active = pairs[pairs["elapsed_days"] <= ACTIVE_DAYS].reset_index(drop=True)
    described = covariates(parameters, curves(parameters, active), active)
    return described, active["bought_again"].to_numpy(np.bool_)


def _forecast(
    model: LevelModel, level: Level, pairs: pd.DataFrame, cutoff: Cutoff, gone: set[str]
) -> pa.Table:
    curve = curves(model.gaps, pairs)
    factor = model.factor(curve, pairs)
    item, is_product = pairs["item"].to_numpy(object), level == "product"
    stopped = [is_product and product in gone for product in item]
    columns: dict[str, Any] = {
        "customer_id": pairs["customer_id"],
        "product_id": item if is_product else [None] * len(pairs),
        "category": pairs["category"],
        "level": [level] * len(pairs),
        "quantity": pairs["quantity"],
        "basis": bases(model.gaps, pairs),
        "suppressed_because": ["discontinued" if yes else None for yes in stopped],
    }
    for days in _DUE_DAYS:
        columns[f"p_due_{days}d"] = -np.expm1(factor * np.log1p(-curve.probability(days)))
    for percent in _QUANTILES:
        # 1 - (1 - P)^factor = q, solved for the curve's own probability P.
        gap = curve.gap_days(-np.expm1(np.log1p(-percent / 100) / factor))
        columns[f"next_purchase_p{percent}"] = _dates(gap - curve.elapsed_days, cutoff.day)
    return pa.table(
        [pa.array(columns[field.name], field.type, from_pandas=True) for field in SCHEMA], schema=SCHEMA
    )


def _dates(days_ahead: Floats, cutoff_day: int) -> npt.NDArray[np.object_]:
    """Return local dates, None beyond a year."""
    near = days_ahead < ACTIVE_DAYS
    dates = np.full(len(days_ahead), np.datetime64("NaT", "D"), dtype="datetime64[D]")
    dates[near] = (cutoff_day + days_ahead[near]).astype(np.int64).astype("datetime64[D]")
    return dates
