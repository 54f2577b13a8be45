"""Segments followed over twelve monthly runs of real purchases: `python benchmarks/followed.py [SHOP]`.

CDNOW by default; Complete Journey when SHOP is `complete-journey`, Online Retail II when it is that file. A release is
trained as of the first day, then every month is scored. Printed are some segments month by month, who moved between
lifecycle cells and RFM groups in that year, and how often a warning was raised. That the feed, replayed, gives the
present members, and that the members of each past day are what that day's run said, is checked of every segment on
the way.
"""

import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa

from benchmarks.accuracy import ONLINE_RETAIL_SALES, SEED, ledger_of
from features.cutoff import Cutoff
from ledger.engine import open_engine
from ledger.store import Ledger
from models.release import load_deployed
from regulars.datasets import CDNOW, COMPLETE_JOURNEY, DATASETS, write_plain
from regulars.terminal import show
from segments.movement import present_on
from segments.segment import load_library
from serving import batch
from serving.segments.feed import Feed
from serving.segments.records import view_stays
from serving.segments.trend import moved, points
from serving.store import PublishedRun
from training.train import train

RUNS = 12
SHOWN = ("loyal_customers", "likely_to_churn")
EVERYBODY = 10_000_000

Said = dict[str, set[str]]


def followed(ledger: Ledger, days: list[date]) -> Iterator[tuple[PublishedRun, Said]]:
    """Yield every run and what it said of who is in which segment."""
    first, *_ = cutoffs = [Cutoff.at_midnight(day, ledger.shop.time_zone) for day in days]
    train(ledger.home, cutoff=first, horizon_days=90, seed=SEED)
    release = load_deployed(ledger.home)
    for cutoff in cutoffs:
        batch.run(ledger.home, release, load_library(), cutoff)
        run = PublishedRun.open(ledger.home)
        yield run, by_segment(run.tables["members"])


def check(run: PublishedRun, said: list[tuple[Cutoff, Said]]) -> int:
    """Replay every feed, look up every past day, and return how many changes were told."""
    told = 0
    for segment in run.facts.segments:
        present: set[str] = set()
        for change in Feed.of(run).read(segment.name, None, EVERYBODY).changes:
            inside = change["customer_id"] in present
            if inside is not (change["kind"] == "left"):
                raise AssertionError(f"{segment.name}: {change} is told twice or out of turn")
            present ^= {change["customer_id"]}
            told += 1
        if present != said[-1][1].get(segment.name, set()):
            raise AssertionError(f"{segment.name}: the feed does not end in the present members")
    with open_engine() as connection:
        view_stays(connection, run.home)
        for cutoff, members in said:
            if by_segment(present_on(connection, cutoff.at)) != members:
                raise AssertionError(f"members of {cutoff.local_date} are not what that day's run said")
    return told


def by_segment(members: pa.Table) -> Said:
    """Return who is in each segment."""
    said: Said = {}
    for who, segment in zip(members["customer_id"].to_pylist(), members["segment"].to_pylist(), strict=True):
        said.setdefault(segment, set()).add(who)
    return said


def tell(name: str, ledger: Ledger, days: list[date]) -> None:
    """Print one shop's year."""
    cpu = time.process_time()
    said: list[tuple[Cutoff, Said]] = []
    warned: Counter[str] = Counter()
    for run, members in followed(ledger, days):
        said.append((Cutoff(run.facts.as_of, run.facts.time_zone), members))
        warned.update(segment.name for segment in run.facts.segments if segment.warning)
    told = check(run, said)
    for segment in SHOWN:
        rows = [
            {
                "as of": Cutoff(point["as_of"], run.facts.time_zone).local_date.isoformat(),
                **{column: point[column] for column in ("size", "value", "entered", "left")},
            }
            for point in points(run, segment)
        ]
        show(rows, title=f"\n{name}: {segment}")
    for partition in ("lifecycle", "rfm"):
        found = moved(run, partition, said[0][0].at, said[-1][0].at)
        top = sorted(found.counts.items(), key=lambda pair: -pair[1])[:8]
        rows = [
            {"from": one or "(new)", "to": two or "(gone)", "customers": count} for (one, two), count in top
        ]
        show(rows, title=f"\n{name}: most frequent moves between {partition} groups, first to last run")
    segments = len(run.facts.segments)
    print(
        f"\n{told:,} changes of {segments} segments in {len(days)} runs, replayed and looked up as they were said; "
        f"{sum(warned.values())} warnings: {dict(warned)}; {time.process_time() - cpu:.0f} CPU s"
    )


def months(first: date) -> list[date]:
    """Return the first days of the months that are followed."""
    return [
        date(first.year + (first.month - 1 + k) // 12, (first.month - 1 + k) % 12 + 1, 1) for k in range(RUNS)
    ]


FIRST_RUNS = {CDNOW.name: date(1997, 8, 1), COMPLETE_JOURNEY.name: date(2017, 2, 1)}


def main(shop: str) -> None:
    """Follow one shop."""
    with tempfile.TemporaryDirectory(prefix="regulars-followed-") as scratch:
        folder = Path(scratch)
        if shop in FIRST_RUNS:
            dataset = DATASETS[shop]
            file = write_plain(dataset, folder)["orders"]
            ledger = ledger_of([file], folder / "home", dataset.currency, dataset.time_zone)
            tell(dataset.title, ledger, months(FIRST_RUNS[shop]))
        else:
            sales = folder / "sales.parquet"
            duckdb.execute(ONLINE_RETAIL_SALES.format(file=sales), [shop])
            days = [day + timedelta(days=9) for day in months(date(2011, 1, 1))]
            tell("Online Retail II", ledger_of([sales], folder / "home", "GBP", "Europe/London"), days)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else CDNOW.name)
