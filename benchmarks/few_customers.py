"""Where SQLite describes posted histories faster than DuckDB: `python benchmarks/few_customers.py`.

The same histories on both engines, each on a plan that is kept, as a worker of the service has it; answers are
compared.
"""

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa

from features.catalog.shipped import CORE
from features.cutoff import Cutoff
from features.warm import WarmSnapshots
from ledger.checks import records_to_orders
from ledger.engine import open_engine
from ledger.plans import alone
from ledger.shop import Shop
from ledger.tables.products import PRODUCTS
from regulars.terminal import show

END = Cutoff(datetime(2018, 1, 1, tzinfo=UTC), "UTC")
HISTORIES = ((1, 1), (1, 50), (4, 50), (5, 50), (16, 50))
"""Customers, and orders of each."""
PRODUCTS_SOLD = 40
TURNS = 30
EVERYTHING = 1_000_000_000


def main() -> None:
    """Print a row a number of histories."""
    engine = open_engine()
    alone(engine)
    plans = {
        name: WarmSnapshots(engine.cursor(), CORE, few_lines=lines)
        for name, lines in (("sqlite", EVERYTHING), ("duckdb", 0))
    }
    rows: list[dict[str, object]] = []
    for customers, orders in HISTORIES:
        posted = lines(customers, orders)
        answers = [plan.compute(posted, PRODUCTS.arrow_schema.empty_table(), END) for plan in plans.values()]
        if not answers[0].equals(answers[1]):
            raise AssertionError("the engines differ")
        took = {f"{name}_cpu_ms": taken(plan, posted) for name, plan in plans.items()}
        rows.append({"customers": customers, "lines": posted.num_rows, **took})
    show(rows)


def taken(plan: WarmSnapshots, orders: pa.Table) -> float:
    """Return the processor time of describing their customers, in milliseconds, the mean of some turns."""
    begun = time.process_time()
    for _ in range(TURNS):
        plan.compute(orders, PRODUCTS.arrow_schema.empty_table(), END)
    return round((time.process_time() - begun) / TURNS * 1e3, 2)


def lines(customers: int, orders: int) -> pa.Table:
    """Return checked lines, one an order, a week apart and less."""
    records: Sequence[Mapping[str, Any]] = [
        {
            "customer_id": f"{number:05d}",
            "order_id": f"{number}-{order}",
            "ordered_at": (
                END.at - timedelta(days=1 + (order * 7 + number) % 700, hours=order % 24)
            ).isoformat(),
            "net_amount": 10 + (number + order) % 90,
            "product_id": f"p{(number + order * 3) % PRODUCTS_SOLD}",
        }
        for number in range(customers)
        for order in range(orders)
    ]
    return records_to_orders(records, Shop("EUR", "UTC"), datetime(2030, 1, 1, tzinfo=UTC)).accepted


if __name__ == "__main__":
    main()
