"""How fast features are, beside pandas, Polars, lifetimes and pymc-marketing on the same files in the same run.

    python benchmarks/feature_speed.py [--customers N] [--large] [--keep DIR]

Makes a store of a million customers and ten million lines (`benchmarks/generate.py`) and describes it as of its end.
Each step has a process of its own, whose seconds, processor seconds and peak memory are told: on a machine that does
other work too, processor seconds are the ones to compare. Peers' values are checked against ours. `--large` takes ten
times as many customers, a memory limit of 12 GB, and customer buckets; it needs 15 GB of disk and some ten minutes.
pymc-marketing is no dependency of ours (it brings PyTensor and half a gigabyte): install it beside to compare with it.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.generate import Store, generate
from features.buckets import buckets_for, in_buckets
from features.catalog.shipped import CATALOG, CORE
from features.cutoff import Cutoff
from features.feature import FeatureSet
from features.snapshot import compute
from features.stored import StoredSnapshots, state_of
from features.surroundings import orders_alone, read_store
from features.warm import WarmPool
from ledger.checks import records_to_orders
from ledger.engine import bound, open_engine
from ledger.home import Home
from ledger.schema import Table
from ledger.shop import Shop
from ledger.store import Ledger, write_part
from ledger.tables.orders import ORDERS
from ledger.tables.products import PRODUCTS
from ledger.views import add_missing_tables

CUSTOMERS = 1_000_000
TIMES_LARGER = 10
LIMIT_MB = 1_500  # DuckDB's own; unbounded it takes several GB here, and is faster
LARGE_LIMIT_MB = 12_000
BUCKET_LIMIT_MB = 2_500  # of DuckDB's own; Python, Arrow and the answer come on top
SEED = 1
SAMPLE = 20_000
END = Cutoff.at_midnight(Store().end, "UTC")
MONTHLY = tuple(END.plus_days(-30 * month) for month in range(8))
PYMC = "pymc-marketing's summary"
PAID = ("customer_id", "ordered_at", "net_minor")
# Frequency, recency and age; and the mean value of the orders after the first.
SUMMARY = FeatureSet(
    feature
    for feature in CORE
    if feature.name
    in {"orders", "days_first_to_last_order", "days_since_first_order", "spend", "first_order_value"}
)
HISTORIES = 1_000
REQUESTS = 50

# What an import of the made-up files writes; `tests/spec/test_generate.py` compares the two.
STORED = {
    ORDERS: """
        select customer_id, order_id, line_id, ordered_at, known_at, product_id,
            cast(quantity as bigint) * 1000 as quantity_milli, cast(net_amount * 100 as bigint) as net_minor,
            cast(discount_amount * 100 as bigint) as discount_minor, 'EUR' as currency, status,
            cast(null as varchar) as channel,
            cast(date_diff('day', date '1970-01-01', cast(ordered_at as date)) as int) as order_day,
            cast(hour(ordered_at) as int) as order_hour, cast(isodow(ordered_at) as int) as order_isoweekday
        from read_parquet('{file}')""",
    PRODUCTS: """
        select product_id, timestamptz '1970-01-01 00:00:00+00' as known_at, title, category,
            cast(price * 100 as bigint) as price_minor, cast(null as boolean) as discontinued,
            cast(null as varchar) as swap_for, replenishable
        from read_parquet('{file}')""",
}


def store(made: Path, ledger: Ledger) -> None:
    """Put generated orders and products into a ledger, a data file a part."""
    files: dict[Table, list[Path]] = {
        ORDERS: sorted((made / "orders").glob("*.parquet")), PRODUCTS: [made / "products.parquet"]
    }  # fmt: skip
    with ledger.exclusive(), open_engine() as connection:
        ledger.fix_shop(Shop("EUR", "UTC"))
        added: dict[Table, list[Path]] = {table: [] for table in files}
        for table, paths in files.items():
            for path in paths:
                part = ledger.new_part(table)
                write_part(connection, STORED[table].format(file=path), part)
                added[table].append(part)
        ledger.commit(added)


def scan(ledger: Ledger, _out: Path) -> str:
    """Read the columns that the features need, and nothing else: the limit."""
    names = (
        *("customer_id", "order_id", "line_id", "ordered_at", "known_at", "product_id", "quantity_milli"),
        *("net_minor", "discount_minor", "status", "order_day", "order_hour", "order_isoweekday"),
    )
    with ledger.connect() as connection:
        read = ", ".join(f"max({name})" for name in names)
        connection.sql(f"select count(*) as rows, {read} from ledger_orders").to_arrow_table()
    return f"{len(names)} columns"


def at_once(feature_set: FeatureSet, limit_mb: int = LIMIT_MB) -> Callable[[Ledger, Path], str]:
    """Return a step that describes everybody as of the end."""

    def run(ledger: Ledger, out: Path) -> str:
        with tempfile.TemporaryDirectory(dir=out) as spill, ledger.connect() as connection:
            bound(connection, Path(spill), limit_mb)
            found = compute(connection, END, feature_set)
        pq.write_table(found.slice(0, SAMPLE), out / "ours.parquet")
        return f"{found.num_rows:,} customers, {len(feature_set)} features"

    return run


def bucketed(ledger: Ledger, out: Path) -> str:
    """Describe everybody as of the end, a bucket of customers at a time, into files."""
    with (
        tempfile.TemporaryDirectory(dir=out) as spill,
        tempfile.TemporaryDirectory(dir=out) as folder,
        ledger.connect() as connection,
    ):
        bound(connection, Path(spill), BUCKET_LIMIT_MB)
        buckets, rows = buckets_for(connection), 0
        for number, part in enumerate(in_buckets(connection, END, Path(folder), buckets, CORE)):
            pq.write_table(part, Path(folder) / f"snapshot-{number}.parquet")
            rows += part.num_rows
    return f"{rows:,} customers in {buckets} buckets"


def many(ledger: Ledger, out: Path) -> str:
    """Describe everybody as of eight ends of 30 days, each kept as Parquet."""
    files = ledger.all_files()
    with tempfile.TemporaryDirectory(dir=out) as spill, ledger.connect(files) as connection:
        bound(connection, Path(spill), LIMIT_MB)
        stored = StoredSnapshots(connection, ledger, state_of(files))
        rows = sum(stored.at(cutoff, CORE).num_rows for cutoff in MONTHLY)
    return f"{rows:,} rows, {stored.computed} columns computed"


def one_history(_ledger: Ledger, _out: Path) -> str:
    """Describe one posted history again and again, and a thousand in one call, on a kept plan."""
    taken: list[str] = []
    no_products = PRODUCTS.arrow_schema.empty_table()
    for feature_set in (CORE, CATALOG):
        for histories in (1, HISTORIES):
            orders = posted(histories)
            of_store = _store_of(orders)
            row = of_store if feature_set.looks_around else None
            wall, pool = [], WarmPool(feature_set)
            for turn in range(REQUESTS + 1):
                with pool.one() as plan:
                    begun = time.perf_counter()
                    plan.compute(orders, no_products, END, row)
                    wall.append(time.perf_counter() - begun)
                if turn == 0:
                    wall, cpu = [], time.process_time()
            cpu = (time.process_time() - cpu) / REQUESTS
            what = f"{histories:,} x {len(feature_set)}"
            taken.append(f"{what}: p50 {median(wall) * 1e3:.1f} ms, processor {cpu * 1e3:.1f} ms")
    return "; ".join(taken)


def posted(histories: int) -> pa.Table:
    """Return checked orders of so many customers, three lines each."""
    first = END.at - timedelta(days=100)
    records: list[Mapping[str, Any]] = [
        {
            "customer_id": f"{number:05d}", "order_id": f"{number}-{day}", "net_amount": 10 + number % 5,
            "ordered_at": (first + timedelta(days=day + number % 7)).isoformat(), "product_id": f"p{number % 30}",
        }
        for number in range(histories)
        for day in (0, 30, 55)
    ]  # fmt: skip
    return records_to_orders(records, Shop("EUR", "UTC"), datetime(2030, 1, 1, tzinfo=UTC)).accepted


def _store_of(orders: pa.Table) -> pa.Table:
    with open_engine() as connection:
        connection.register("ledger_orders", orders)
        add_missing_tables(connection)
        compute(connection, END, CATALOG)
        return orders_alone(read_store(connection))


def pandas_features(ledger: Ledger, out: Path) -> str:
    """Describe everybody as of the end in pandas."""
    from benchmarks.feature_peers import in_pandas  # noqa: PLC0415 - Polars' memory is not ours

    found = in_pandas(ledger.files(ORDERS), ledger.files(PRODUCTS), pd.Timestamp(END.at), END.day)
    return _checked(pa.Table.from_pandas(found.head(SAMPLE), preserve_index=False), out, len(found))


def polars_features(ledger: Ledger, out: Path) -> str:
    """Describe everybody as of the end in Polars."""
    from benchmarks.feature_peers import in_polars  # noqa: PLC0415

    found = in_polars(ledger.files(ORDERS), ledger.files(PRODUCTS), pd.Timestamp(END.at), END.day)
    return _checked(found.head(SAMPLE).to_arrow(), out, found.height)


def _checked(theirs: pa.Table, out: Path, rows: int) -> str:
    """Return what was compared; raise where a peer's value is another."""
    ours = pq.read_table(out / "ours.parquet").to_pandas().set_index("customer_id")[list(CORE.names)]
    given = theirs.to_pandas().set_index("customer_id")[list(CORE.names)]
    pd.testing.assert_frame_equal(given.astype(float), ours.astype(float), rtol=1e-9, atol=1e-9)
    return f"{rows:,} customers, {len(CORE)} features; the first {len(ours):,} are ours"


def summary(ledger: Ledger, out: Path) -> str:
    """Describe everybody by the features that a summary of recency, frequency, age and money is made of."""
    with tempfile.TemporaryDirectory(dir=out) as spill, ledger.connect() as connection:
        bound(connection, Path(spill), LIMIT_MB)
        found = compute(connection, END, SUMMARY)
    return f"{found.num_rows:,} customers, {len(SUMMARY)} features"


def lifetimes_summary(ledger: Ledger, _out: Path) -> str:
    """Count recency, frequency, age and money as lifetimes does: four features of paid lines."""
    from lifetimes.utils import summary_data_from_transaction_data  # noqa: PLC0415 - sets an option on import

    found = summary_data_from_transaction_data(_paid_lines(ledger), *PAID, observation_period_end=_end())
    return f"{len(found):,} customers, 4 features"


def pymc_summary(ledger: Ledger, _out: Path) -> str:
    """Count recency, frequency, age and money as pymc-marketing does, where it is installed."""
    from pymc_marketing.clv.utils import rfm_summary  # noqa: PLC0415 - no dependency of ours

    found = rfm_summary(_paid_lines(ledger), *PAID, observation_period_end=_end())
    return f"{len(found):,} customers, 4 features"


def _paid_lines(ledger: Ledger) -> pd.DataFrame:
    lines = pd.concat(
        [pd.read_parquet(path, columns=[*PAID, "status"]) for path in ledger.files(ORDERS)], ignore_index=True
    )
    lines = lines.loc[lines["status"] == "paid", list(PAID)]
    return lines.assign(ordered_at=lines["ordered_at"].dt.tz_localize(None))


def _end() -> pd.Timestamp:
    return pd.Timestamp(Store().end)


NORMAL: dict[str, Callable[[Ledger, Path], str]] = {
    "scan of the needed columns": scan,
    "core features": at_once(CORE),
    "core features, 8 cutoffs": many,
    "whole catalogue": at_once(CATALOG),
    "core features in pandas": pandas_features,
    "core features in Polars": polars_features,
    "what a summary is made of": summary,
    "lifetimes' summary": lifetimes_summary,
    PYMC: pymc_summary,
    "posted histories, a kept plan": one_history,
}
LARGE: dict[str, Callable[[Ledger, Path], str]] = {
    "large: scan of the needed columns": scan,
    f"large: core features, {LARGE_LIMIT_MB // 1000} GB": at_once(CORE, LARGE_LIMIT_MB),
    "large: core features in buckets": bucketed,
}
BASE = "core features"
BARS = (
    ("core features in pandas", BASE, "pandas over ours"),
    ("core features in Polars", BASE, "Polars over ours"),
    ("lifetimes' summary", "what a summary is made of", "lifetimes over ours"),
    (PYMC, "what a summary is made of", "pymc-marketing over ours"),
    ("core features, 8 cutoffs", BASE, "8 cutoffs over one"),
    ("whole catalogue", BASE, "catalogue over core"),
    (BASE, "scan of the needed columns", "ours over the scan"),
)


def measured(step: str, folder: Path) -> dict[str, Any]:
    """Run one step in a process of its own."""
    command = [sys.executable, __file__, "--step", step, "--keep", str(folder)]
    found = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)  # noqa: S603 - this very file
    answer: dict[str, Any] = json.loads(found.stdout.splitlines()[-1])
    return answer


def run_step(step: str, folder: Path) -> None:
    """Print one step's seconds, processor seconds, peak memory and what it did, as JSON."""
    begun, processor = time.perf_counter(), time.process_time()
    told = {**NORMAL, **LARGE}[step](Ledger(Home(folder / "home")), folder)
    seconds = time.perf_counter() - begun
    cpu, peak = time.process_time() - processor, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    print(json.dumps({"seconds": seconds, "cpu": cpu, "peak_gib": peak, "told": told}))


def show(step: str, found: Mapping[str, Any]) -> None:
    """Print one step."""
    figures = f"{found['seconds']:>8.1f} s {found['cpu']:>8.1f} s {found['peak_gib']:>6.2f} GiB"
    print(f"{step:<36}{figures}   {found['told']}", flush=True)


def main(customers: int, folder: Path, *, large: bool) -> None:
    """Print a line a step, and the ratios."""
    steps = LARGE if large else NORMAL
    ledger = Ledger(Home(folder / "home"))
    if ledger.is_empty():
        lines = generate(customers, folder / "made", SEED, events=False)
        store(folder / "made", ledger)
        print(f"{lines:,} lines of {customers:,} customers")
    print(f"{'':<36}{'wall':>10} {'processor':>10} {'peak':>10}")
    results = {}
    for step in steps:
        if step == PYMC and find_spec("pymc_marketing") is None:
            print(f"{step:<36}left out, for the package pymc-marketing is not installed", flush=True)
            continue
        results[step] = measured(step, folder)
        show(step, results[step])
    for above, below, what in BARS:
        if above in results and below in results:
            shares = [results[above][name] / results[below][name] for name in ("seconds", "cpu", "peak_gib")]
            print(f"{what}: wall {shares[0]:.2f}, processor {shares[1]:.2f}, peak memory {shares[2]:.2f}")


def read_arguments() -> argparse.Namespace:
    """Return what the command line says."""
    parser = argparse.ArgumentParser(description="Measure the features.")
    parser.add_argument("--customers", type=int)
    parser.add_argument("--large", action="store_true")
    parser.add_argument("--keep", type=Path, help="a directory for the store, used again when it is there")
    parser.add_argument("--step")
    return parser.parse_args()


if __name__ == "__main__":
    asked = read_arguments()
    if asked.step:
        run_step(asked.step, asked.keep)
    else:
        count = asked.customers or CUSTOMERS * (TIMES_LARGER if asked.large else 1)
        with tempfile.TemporaryDirectory() as scratch:
            place = asked.keep or Path(scratch)
            place.mkdir(parents=True, exist_ok=True)
            main(count, place, large=asked.large)
