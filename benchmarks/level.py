"""What the level does to totals: `python benchmarks/level.py [--trees] [ONLINE_RETAIL_II.parquet]`.

At one cutoff after another, as of which everything is fitted anew: expected orders and money of 30 and 90 days over
what then happened, once with every day taken alike and once with the level. The purchase process is asked alone, which
takes seconds a cutoff, or with `--trees` what would be served. Beside real purchases there are made-up stores with a
known season and trend, and such as have neither: those must stay as they are.
"""

import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from unittest.mock import patch

import duckdb
import numpy as np

from benchmarks.accuracy import ONLINE_RETAIL_SALES, SEED, ledger_of
from benchmarks.generate import Store, generate
from features.cutoff import Cutoff
from features.stored import StoredSnapshots, state_of
from ledger.store import Ledger
from models.level import STEADY
from regulars.datasets import CDNOW, COMPLETE_JOURNEY, write_plain
from regulars.terminal import show
from training import fit
from training.dataset import Dataset
from training.outcomes import outcomes, read_joined

HORIZONS_DAYS = (30, 90)
WITHIN = 1.1
FLAT = (1.0,) * 12
STRONG = (0.6, 0.6, 0.8, 1.2, 1.3, 1.2, 0.7, 0.7, 0.9, 1.0, 1.6, 1.9)
MADE_UP = {
    "usual season, 3 years": (Store(), 8_000),
    "strong season, falling": (Store(season=STRONG, growth_a_year=-0.2), 8_000),
    "strong season, 500 days": (Store(days=500, season=STRONG, growth_a_year=0.1), 6_000),
    "no season, no trend": (Store(season=FLAT, growth_a_year=0.0), 8_000),
    "the same, 500 days": (Store(days=500, season=FLAT, growth_a_year=0.0), 6_000),
    "the same, 600 customers": (Store(days=730, season=FLAT, growth_a_year=0.0), 600),
    "the same, 60 customers": (Store(days=400, season=FLAT, growth_a_year=0.0), 60),
}

Row = dict[str, str | float]


@dataclass(frozen=True)
class Total:
    """Predicted over true totals of one cutoff and horizon, every day alike and with the level."""

    steady_orders: float
    steady_value: float
    orders: float
    value: float


def stores(folder: Path, online_retail: Path | None) -> Iterator[tuple[str, Ledger, list[date]]]:
    """Yield each store with the cutoffs that it is asked at."""
    for packaged, days in ((CDNOW, months(1997, 10, 7)), (COMPLETE_JOURNEY, months(2017, 7, 4))):
        file = write_plain(packaged, folder)["orders"]
        yield (
            packaged.name,
            ledger_of([file], folder / packaged.name, packaged.currency, packaged.time_zone),
            days,
        )
    if online_retail is not None:
        sales = folder / "sales.parquet"
        duckdb.execute(ONLINE_RETAIL_SALES.format(file=sales), [str(online_retail)])
        days = [day + timedelta(days=10) for day in months(2010, 9, 13)]
        yield "Online Retail II", ledger_of([sales], folder / "online-retail", "GBP", "Europe/London"), days
    for number, (name, (store, customers)) in enumerate(MADE_UP.items()):
        made = folder / f"made-up-{number}"
        made.mkdir()
        generate(customers, made, SEED + 4 + number, store, events=False)
        last = store.end - timedelta(days=92)
        days = [last - timedelta(days=61 * back) for back in range(4 if store.days < 3 * 365 else 7)]
        yield (
            name,
            ledger_of([made / "orders" / "part-00000.parquet"], folder / f"store-{number}", "EUR", "UTC"),
            days,
        )


def months(year: int, month: int, count: int) -> list[date]:
    """Return the first days of so many months."""
    return [date(year + (month - 1 + k) // 12, (month - 1 + k) % 12 + 1, 1) for k in range(count)]


def totals(ledger: Ledger, day: date, *, trees: bool) -> tuple[dict[int, Total], str]:
    """Return the totals of each horizon, and what the level says."""
    horizon = max(HORIZONS_DAYS)
    cutoff = Cutoff.at_midnight(day, ledger.shop.time_zone)
    with ledger.connect() as connection:
        stored = StoredSnapshots(connection, ledger, state_of(ledger.all_files()))
        dataset = Dataset(connection, cutoff.plus_days(horizon), horizon, stored)
        fitted = served(dataset, cutoff) if trees else alone(dataset, cutoff)
        snapshot, joined = dataset.snapshot(cutoff), read_joined(connection, cutoff)
        found = {}
        for days in HORIZONS_DAYS:
            happened = outcomes(dataset.orders, joined, snapshot["customer_id"], cutoff, days)
            said = []
            for each in fitted:
                p_order = each.next_order.p_order(snapshot, [days])[:, 0]
                orders, value = each.worth.expected(snapshot, days, p_order)
                said += [orders.sum() / happened.orders.sum(), value.sum() / happened.value.sum()]
            found[days] = Total(*said)
    return found, fitted[-1].next_order.level.says


def served(dataset: Dataset, cutoff: Cutoff) -> list[fit.CustomerPredictors]:
    """Return what would be served, fitted without a level and with it."""
    with patch.object(fit, "fit_level", return_value=STEADY):
        steady = fit.fit_customers(dataset, cutoff, SEED)
    return [steady, fit.fit_customers(dataset, cutoff, SEED)]


def alone(dataset: Dataset, cutoff: Cutoff) -> list[fit.CustomerPredictors]:
    """Return the purchase process without trees, without a level and with it: what `fit_customers` starts from."""
    with patch.object(Dataset, "training_cutoffs", return_value=()):
        return served(dataset, cutoff)


def summary(name: str, found: list[Total]) -> Row:
    """Return how far totals are off: the mean distance of the logarithm, and the share within a tenth."""
    row: Row = {"store": name, "cases": len(found)}
    for what in ("orders", "value"):
        for how, column in (("alike", f"steady_{what}"), ("level", what)):
            off = np.abs(np.log([getattr(each, column) for each in found]))
            row[f"{what}, {how}: off by"] = float(off.mean())
            row[f"{what}, {how}: within 10 %"] = float((off < np.log(WITHIN)).mean())
    return row


def main(online_retail: Path | None, *, trees: bool) -> None:
    """Print every cutoff, then a line a store."""
    rows, everything = [], []
    with tempfile.TemporaryDirectory(prefix="regulars-level-") as scratch:
        for name, ledger, days in stores(Path(scratch), online_retail):
            found, table = [], []
            for day in sorted(days):
                told, says = totals(ledger, day, trees=trees)
                print(f"{name}, {day}: {says}", flush=True)
                for horizon, each in told.items():
                    found.append(each)
                    table.append({"cutoff": day.isoformat(), "days": horizon, **vars(each)})
            show(table, title=f"\n{name}: predicted / true totals")
            rows.append(summary(name, found))
            everything += found
    show(
        [*rows, summary("all", everything)], title="\nmean |log(predicted / true)|, and the share within 10 %"
    )


if __name__ == "__main__":
    files = [Path(each) for each in sys.argv[1:] if each != "--trees"]
    main(files[0] if files else None, trees="--trees" in sys.argv)
