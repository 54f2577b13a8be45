"""Which product is due again, and when: the next purchase of each customer's products and categories.

Rows are pairs bought within the last 365 days, at level "product" (product_id and its category) and at level
"category" (product_id null). A pair bought once has its item's curve; it is left out where hardly anybody buys the
item a second time (`models.refills.LEAST_REBUY_SHARE`).
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC
from typing import Any, Final

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped] # comes with scikit-learn

from features.cutoff import Cutoff
from models.gap_curve import bases
from models.gaps import (
    LEVELS,
    Days,
    Floats,
    Ints,
    Items,
    Level,
    Names,
    chunks,
    read_days,
    read_ids,
    read_items,
    span,
    stage_days,
)
from models.item_counts import count_everybody
from models.pair_history import pairs_as_of
from models.refills import ACTIVE_DAYS, Known, RefillModel

SCHEMA: Final = pa.schema(
    [
        pa.field("customer_id", pa.string()),
        pa.field("product_id", pa.string()),
        pa.field("category", pa.string()),
        pa.field("level", pa.string()),
        pa.field("p_due_7d", pa.float64()),
        pa.field("p_due_14d", pa.float64()),
        pa.field("p_due_30d", pa.float64()),
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

DUE_PROBABILITY: Final = 0.5
"""A refill is due when it is more likely than not bought within the week."""
MOST_DAYS_LEARNT: Final = 1_500_000
"""Days of pairs that are learnt from. Of a larger store, as many customers as hold about these, with all that they
bought: every n-th, from a place that the seed gives. What is merely counted of an item is counted over all."""
SEED: Final = 1
_QUANTILES: Final = (25, 50, 75, 95)
_DUE_DAYS: Final = (7, 14, 30)

# The last row known before the cutoff says whether a product is still sold.
_DISCONTINUED = """
SELECT product_id FROM (
    SELECT product_id, discontinued FROM ledger_products WHERE known_at < $at
    QUALIFY row_number() OVER (PARTITION BY product_id ORDER BY known_at DESC, discontinued DESC) = 1
) WHERE discontinued
"""


@dataclass(frozen=True)
class ReplenishmentModel:
    """When each customer buys a product, or from a category, again; the parameters of every level.

    Parameters
    ----------
    levels : dict of level -> RefillModel
    """

    levels: dict[Level, RefillModel]

    @classmethod
    def fit(cls, connection: duckdb.DuckDBPyConnection, seed: int = SEED) -> "ReplenishmentModel":
        """Learn from the history staged as of one cutoff; nothing after it is seen.

        Parameters
        ----------
        connection : duckdb.DuckDBPyConnection
            After `features.history.stage`: reads the temp table `history_items`.
        seed : int
            Of the rows that trees learn from.

        Returns
        -------
        ReplenishmentModel
            Also without any product in the history: its forecast is then empty.
        """
        stage_days(connection)
        _, cutoff_day = span(connection)
        known = []
        for level in LEVELS:
            items, share = read_items(connection, level), learnt_share(connection, level)
            everybody = count_everybody(connection, level, items, cutoff_day) if share < 1 else None
            days = learnt_from(connection, level, seed)
            known.append(Known(level, items, days, everybody))
        # Small matrices: threads of the linear algebra would mostly wait for each other, and sum in another order.
        with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(len(LEVELS)) as pool:
            models = pool.map(lambda each: RefillModel.fit(each, cutoff_day, seed), known)
            return cls(dict(zip(LEVELS, models, strict=True)))

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
        return pa.concat_tables(self.forecasts(connection, cutoff))

    def forecasts(self, connection: duckdb.DuckDBPyConnection, cutoff: Cutoff) -> Iterator[pa.Table]:
        """Return the same, some customers at a time in their order, in memory that does not grow with the store.

        The first table is empty: it tells the columns where there is nothing to forecast.
        """
        yield SCHEMA.empty_table()
        known_at = cutoff.at.astimezone(UTC)
        gone = connection.execute(_DISCONTINUED, {"at": known_at}).df()["product_id"].to_numpy(object)
        stage_days(connection)
        items = {level: read_items(connection, level) for level in LEVELS}
        for customers in chunks(connection):
            asked = [
                (level, items[level], read_days(connection, level, customers)) for level in sorted(LEVELS)
            ]
            with ThreadPoolExecutor(len(LEVELS)) as pool:
                told = pool.map(lambda each: _forecast(self.levels[each[0]], each, gone, cutoff), asked)
                found = list(told)
            ids = read_ids(connection, customers)
            place = np.concatenate(
                [
                    np.column_stack([rows[0], np.full(len(rows[0]), at), rows[1]])
                    for at, (_, rows) in enumerate(found)
                ]
            )
            number = pa.array(np.concatenate([rows[0] for _, rows in found]) - customers[0])
            table = pa.concat_tables([table for table, _ in found])
            named = table.set_column(0, SCHEMA.field("customer_id"), ids.take(number))
            yield named.take(pa.array(np.lexsort(place.T[::-1])))

    def items(self) -> pd.DataFrame:
        """Return what was learnt of each product and category: which repeat at all, and how.

        Returns
        -------
        pandas.DataFrame
            A row an item with at least two buyers, and "" for all together; most repeated first within a level.
            level, item, within (its category), buyers; rebuy_share_84d and ever_rebuy_share of first-time buyers;
            gap_p25, gap_p50, gap_p75 (days, of those who rebuy); quantity_elasticity; trend (28 days beside 84);
            season (the coming four weeks last year, beside the year and the store); own_weight (share of its own gaps
            in these, the rest is borrowed from the level above).
        """
        return pd.concat([_items(level, self.levels[level]) for level in sorted(LEVELS)], ignore_index=True)

    def to_json_dict(self) -> dict[str, Any]:
        """Return the parameters; no customer's rows are among them."""
        return {level: model.to_json_dict() for level, model in self.levels.items()}

    @classmethod
    def from_json_dict(cls, stored: dict[str, Any]) -> "ReplenishmentModel":
        """Return a model whose forecasts equal those of the one that was stored, bit for bit."""
        return cls({level: RefillModel.from_json_dict(stored[level]) for level in LEVELS})


def due_within_a_week(forecast: pa.Table) -> pa.Table:
    """Return the rows of a forecast that are due, those that must not be reminded left out."""
    due = pc.fill_null(pc.greater_equal(forecast["p_due_7d"], DUE_PROBABILITY), fill_value=False)
    return forecast.filter(pc.and_(due, pc.is_null(forecast["suppressed_because"])))


def learnt_from(connection: duckdb.DuckDBPyConnection, level: Level, seed: int) -> Days:
    """Return the days of all customers, or in a store too large of some of them, after `stage_days`."""
    customers = chunks(connection, rows=2**62)
    whole = customers[0] if customers else (0, 0)
    return read_days(connection, level, whole, learnt_share(connection, level), seed)


def learnt_share(connection: duckdb.DuckDBPyConnection, level: Level) -> float:
    """Return the share of customers who are learnt from."""
    count = connection.execute(f"SELECT count(*) FROM replenishment_{level}_days").fetchone()
    return min(1.0, MOST_DAYS_LEARNT / max(count[0] if count else 0, 1))


def _forecast(
    model: RefillModel, asked: tuple[Level, Items, Days], gone: Names, cutoff: Cutoff
) -> tuple[pa.Table, tuple[Ints, Ints]]:
    """Return one level's table of some customers, and the numbers of customer and item of each row."""
    level, items, days = asked
    curve, kept = model.curve(pairs_as_of(days, items, cutoff.day), items)
    customer, item = kept["customer"].to_numpy(), kept["item"].to_numpy()
    stopped = np.isin(items.names.astype(str), gone.astype(str))[item] & (level == "product")
    paths = model.gaps.paths(items)[item]
    columns: dict[str, pa.Array] = {
        "customer_id": pa.nulls(len(kept), pa.string()),  # told by the caller, of both levels at once
        "product_id": _texts(items.names, item) if level == "product" else pa.nulls(len(kept), pa.string()),
        "category": _texts(items.categories, item),
        "level": pa.repeat(level, len(kept)),
        "quantity": pa.array(kept["quantity"].to_numpy(), from_pandas=True),
        "basis": pa.array(bases(model.gaps, paths, kept), pa.string()),
        "suppressed_because": pa.DictionaryArray.from_arrays(
            pa.array(np.zeros(len(kept), dtype=np.int8), mask=~stopped), ["discontinued"]
        ).cast(pa.string()),
    }
    columns |= {f"p_due_{ahead}d": pa.array(curve.probability(ahead)) for ahead in _DUE_DAYS}
    for percent in _QUANTILES:
        columns[f"next_purchase_p{percent}"] = _dates(curve.days_ahead(percent / 100), cutoff.day)
    return pa.table([columns[field.name] for field in SCHEMA], schema=SCHEMA), (customer, item)


def _texts(names: Names, numbers: Ints) -> pa.Array:
    return pa.array(names, pa.string()).take(pa.array(numbers))


def _dates(days_ahead: Floats, cutoff_day: int) -> pa.Array:
    """Return local dates, null beyond a year."""
    far = ~(days_ahead < ACTIVE_DAYS)
    day = (cutoff_day + np.where(far, 0.0, days_ahead)).astype(np.int32)
    return pa.array(day, pa.int32(), mask=far).cast(pa.date32())


def _items(level: Level, model: RefillModel) -> pd.DataFrame:
    gaps = model.gaps
    own = gaps.depth == max(1, int(gaps.depth.max())) if level == "product" else gaps.depth == 1
    rows = np.flatnonzero(own | (gaps.depth == 0))
    names = np.asarray(gaps.names, dtype=object)
    quartile = 0.6744897501960817 * np.sqrt(gaps.log_gap_variance)
    frame = pd.DataFrame(
        {
            "level": level,
            "item": names,
            "within": names[gaps.parent],
            "buyers": gaps.buyers,
            "rebuy_share_84d": gaps.rebuy_share,
            "ever_rebuy_share": 1 - gaps.stopped_first,
            "gap_p25": np.exp(gaps.log_gap_mean - quartile),
            "gap_p50": np.exp(gaps.log_gap_mean),
            "gap_p75": np.exp(gaps.log_gap_mean + quartile),
            "quantity_elasticity": gaps.elasticity,
            "trend": gaps.trend,
            "season": gaps.season,
            "own_weight": gaps.gaps / (gaps.gaps + 20.0),
        }
    ).iloc[rows]
    order = ["rebuy_share_84d", "buyers", "item"]
    return frame.sort_values(order, ascending=[False, False, True], ignore_index=True)
