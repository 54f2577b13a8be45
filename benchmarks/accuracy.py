"""Predictions beside the peers on real purchases: `python benchmarks/accuracy.py [ONLINE_RETAIL_II.parquet]`.

Each case is imported like any shop's, trained on what was known before its cutoff and compared with what then
happened, by the same settings for all. CDNOW comes with the package lifetimes; the UCI Online Retail II lines
(columns as published) are read from the file that is given, and left out without one.
"""

import sys
import tempfile
import time
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb

from features.cutoff import Cutoff
from ledger.home import Home
from ledger.importers.load import import_files
from ledger.store import Ledger
from ledger.tables.orders import ORDERS
from regulars.datasets import CDNOW, write_plain
from regulars.terminal import show
from training.evaluate import evaluate

SEED = 1
CDNOW_CASES = ((date(1998, 4, 2), 90), (date(1998, 1, 1), 181))
ONLINE_RETAIL_CASES = ((date(2011, 3, 11), 90), (date(2011, 6, 11), 90), (date(2011, 9, 11), 90))
# Sales to known customers: no cancellations (invoices starting with C), no give-aways, no corrections.
ONLINE_RETAIL_SALES = """
copy (
    select "Customer ID"::varchar as customer_id, Invoice as order_id, row_number() over () as line_id,
           InvoiceDate as ordered_at, StockCode as product_id, Quantity as quantity,
           round(Quantity * Price, 2)::decimal(12, 2) as net_amount
      from read_parquet(?)
     where "Customer ID" is not null and Invoice not like 'C%' and Quantity > 0 and Price > 0
       and round(Quantity * Price, 2) > 0
) to '{file}' (format parquet)
"""


def ledger_of(file: Path, home: Path, currency: str, time_zone: str) -> Ledger:
    """Return a new ledger with a file's orders."""
    ledger = Ledger(Home(home))
    import_files(
        ledger, ORDERS, [file], imported_at=datetime.now(UTC), currency=currency, time_zone=time_zone
    )
    return ledger


def compare(name: str, ledger: Ledger, cases: tuple[tuple[date, int], ...]) -> None:
    """Print a table for each cutoff and horizon."""
    for day, horizon_days in cases:
        started = time.perf_counter()
        cutoff = Cutoff.at_midnight(day, ledger.shop.time_zone)
        with ledger.connect() as connection:
            found = evaluate(connection, cutoff, horizon_days, SEED)
        taken = time.perf_counter() - started
        asked = f"{name}, {found.cutoff}, {horizon_days} days"
        show(
            found.rows,
            title=f"\n{asked}: {found.customers:,} customers, {found.ordered_share:.1%} ordered ({taken:.0f} s)",
        )


def main(online_retail: Path | None) -> None:
    """Print every table."""
    with tempfile.TemporaryDirectory(prefix="regulars-accuracy-") as scratch:
        folder = Path(scratch)
        file = write_plain(CDNOW, folder)["orders"]
        compare("CDNOW", ledger_of(file, folder / "cdnow", CDNOW.currency, CDNOW.time_zone), CDNOW_CASES)
        if online_retail is None:
            print("\nOnline Retail II: left out, no file was given")
            return
        sales = folder / "sales.parquet"
        duckdb.execute(ONLINE_RETAIL_SALES.format(file=sales), [str(online_retail)])
        ledger = ledger_of(sales, folder / "online-retail", "GBP", "Europe/London")
        compare("Online Retail II", ledger, ONLINE_RETAIL_CASES)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
