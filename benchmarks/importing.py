"""How fast order lines get into the ledger, beside DuckDB and pandas reading the same file in the same run.

    python benchmarks/importing.py [LINES]

Makes a file of LINES order lines (10 million) as CSV and as Parquet, imports each into a new home, imports the CSV once
more (which adds nothing), and appends small files of 100 orders. Every measurement has a process of its own, whose
peak memory is told. Files and homes lie in a temporary directory and are removed.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

import duckdb
import pandas as pd

from ledger.home import Home
from ledger.importers.load import import_files
from ledger.store import Ledger
from ledger.tables.orders import ORDERS

LINES = 10_000_000
APPENDS = 20
ORDERS_APPENDED = 100
COLUMNS = "customer_id,order_id,line_id,ordered_at,product_id,quantity,net_amount,discount_amount"
AT = datetime(2026, 1, 1, tzinfo=UTC)


def make(lines: int, folder: Path) -> None:
    """Write the same made-up lines as CSV and as Parquet: three lines an order, 600,000 customers, 20,000 products."""
    with duckdb.connect() as connection:
        connection.execute(f"""
            CREATE TABLE lines AS SELECT 'C' || (hash(i // 3) % 600000) AS customer_id, 'O-' || (i // 3) AS order_id,
                'L' || (i % 3) AS line_id, TIMESTAMP '2016-01-01' + to_seconds((i // 3) * 60) AS ordered_at,
                'P' || (hash(i * 7) % 20000) AS product_id, 1 + hash(i) % 5 AS quantity,
                CAST((hash(i * 3) % 10000) / 100 AS DECIMAL(10, 2)) AS net_amount,
                CAST((hash(i * 5) % 300) / 100 AS DECIMAL(10, 2)) AS discount_amount
            FROM range({lines}) AS made(i)""")
        connection.execute(f"COPY lines TO '{folder / 'lines.parquet'}' (FORMAT parquet)")
        connection.execute(f"COPY lines TO '{folder / 'lines.csv'}' (FORMAT csv, HEADER)")


def ours(file: str, home: str) -> Callable[[Path], str]:
    """Return a step that imports a file into a home."""

    def run(folder: Path) -> str:
        report = import_files(
            Ledger(Home(folder / home)), ORDERS, [folder / file], imported_at=AT, currency="EUR",
            time_zone="Europe/Berlin",
        )  # fmt: skip
        return f"{report.added:,} added, {report.unchanged:,} there already, {report.rejected:,} refused"

    return run


def duckdb_table(folder: Path) -> str:
    """Read the CSV into a table in memory, types detected."""
    with duckdb.connect() as connection:
        connection.execute(f"CREATE TABLE lines AS FROM read_csv('{folder / 'lines.csv'}')")
    return "typed, in memory"


def duckdb_parquet(folder: Path) -> str:
    """Read the CSV and write it as Parquet: what an import does on the disk, without a check."""
    with duckdb.connect() as connection:
        into = folder / "copy.parquet"
        connection.execute(f"COPY (FROM read_csv('{folder / 'lines.csv'}')) TO '{into}' (COMPRESSION zstd)")
    return "typed, on the disk, unchecked"


def pandas_frame(folder: Path) -> str:
    """Read the CSV into a frame as pandas does by default."""
    return f"{len(pd.read_csv(folder / 'lines.csv')):,} rows, dates as text"


def appends(folder: Path) -> str:
    """Append files of 100 new orders each to the ledger that holds all lines."""
    ledger = Ledger(Home(folder / "from-csv"))
    taken = []
    for turn in range(APPENDS):
        numbers = range(turn * ORDERS_APPENDED, (turn + 1) * ORDERS_APPENDED)
        rows = "".join(f"C{number},N-{number},L0,2025-12-01 10:00:00,P1,1,2.50,0\n" for number in numbers)
        file = folder / "append.csv"
        file.write_text(f"{COLUMNS}\n{rows}", encoding="utf-8")
        start = time.perf_counter()
        report = import_files(ledger, ORDERS, [file], imported_at=AT)
        taken.append((time.perf_counter() - start) * 1000)
        if report.added != ORDERS_APPENDED:
            raise RuntimeError(f"{report.added} of {ORDERS_APPENDED} rows were added")
    return f"first {taken[0]:.0f} ms, median {median(taken):.0f} ms, slowest {max(taken):.0f} ms"


STEPS: dict[str, Callable[[Path], str]] = {
    "DuckDB read_csv into a table": duckdb_table,
    "DuckDB read_csv into Parquet": duckdb_parquet,
    "pandas.read_csv": pandas_frame,
    "regulars import, Parquet": ours("lines.parquet", "from-parquet"),
    "regulars import, CSV": ours("lines.csv", "from-csv"),
    f"regulars import, {APPENDS} files of {ORDERS_APPENDED} orders": appends,
    "regulars import, the same CSV again": ours("lines.csv", "from-csv"),
}


def measured(step: str, folder: Path) -> dict[str, float | str]:
    """Run one step in a process of its own."""
    command = [sys.executable, __file__, "--step", step, str(folder)]
    found = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - this very file
    answer: dict[str, float | str] = json.loads(found.stdout.splitlines()[-1])
    return answer


def run_step(step: str, folder: Path) -> None:
    """Print one step's seconds, peak memory and what it did, as JSON."""
    start = time.perf_counter()
    told = STEPS[step](folder)
    seconds = time.perf_counter() - start
    peak_gib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    print(json.dumps({"seconds": seconds, "peak_gib": peak_gib, "told": told}))


def main(lines: int) -> None:
    """Print a line a step, and the ratios to DuckDB's own reading."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        make(lines, folder)
        megabytes = (folder / "lines.csv").stat().st_size / 1e6
        print(f"{lines:,} order lines, {megabytes:,.0f} MB as CSV")
        results = {}
        for step in STEPS:
            found = results[step] = measured(step, folder)
            print(
                f"{step:<44}{found['seconds']:>8.1f} s {found['peak_gib']:>6.2f} GiB   {found['told']}",
                flush=True,
            )
        ours_csv = float(results["regulars import, CSV"]["seconds"])
        for peer in list(STEPS)[:3]:
            print(f"speed of our CSV import beside {peer}: {float(results[peer]['seconds']) / ours_csv:.2f}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--step"]:
        run_step(sys.argv[2], Path(sys.argv[3]))
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else LINES)
