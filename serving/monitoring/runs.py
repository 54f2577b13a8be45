"""The scoring runs that a home keeps: what they are compared on, and which of them can be judged by now."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa
from deltalake import DeltaTable

from features.cutoff import Cutoff
from ledger import delta
from ledger.engine import open_engine
from ledger.home import Home
from ledger.quoting import text as quoted
from models.histograms import Histogram
from models.release import Release
from serving import tables
from serving.monitoring.drift import Drift, drifts
from serving.store import PublishedRun

JUDGED_MONTHS: Final = 12


class ScoredRun(NamedTuple):
    """One run in the table of record: as of when, by which release, how many customers."""

    as_of: datetime
    release: str
    customers: int


def scored_runs(home: Home) -> list[ScoredRun]:
    """Return the runs whose scores are kept, the oldest first."""
    if not DeltaTable.is_deltatable(str(home.scores)):
        return []
    paths = delta.files_at(home.scores, delta.version_of(home.scores))
    files = ", ".join(quoted(str(path)) for path in paths)
    if not files:
        return []
    with open_engine() as connection:
        found = connection.execute(
            f"SELECT epoch_us(as_of), release, count(*) FROM read_parquet([{files}], union_by_name = true) "
            "GROUP BY ALL ORDER BY ALL"
        ).fetchall()
    return [ScoredRun(datetime.fromtimestamp(at / 1e6, UTC), release, count) for at, release, count in found]


def over(
    runs: Iterable[ScoredRun], horizons: Mapping[str, int], known_until: Cutoff, months: int = JUDGED_MONTHS
) -> list[ScoredRun]:
    """
    Return the runs whose horizon is over, the newest first: of each local month the last, of the newest months.

    Parameters
    ----------
    runs : iterable of ScoredRun
    horizons : mapping of str to int, days
        By release.
    known_until : Cutoff
        Before which everything is known.
    months : int
    """
    zone = known_until.time_zone
    of_month: dict[str, ScoredRun] = {}
    for run in sorted(runs):
        cutoff = Cutoff(run.as_of, zone)
        if run.release in horizons and cutoff.plus_days(horizons[run.release]).at <= known_until.at:
            of_month[f"{cutoff.local_date:%Y-%m}"] = run
    return [of_month[month] for month in sorted(of_month, reverse=True)[:months]]


def input_drift(release: Release, run: PublishedRun) -> tuple[Drift, ...]:
    """Compare the features of a run's customers with those that its release was trained on."""
    features = set(release.manifest.feature_names)
    wanted = {name: each for name, each in release.seen.histograms.items() if name in features}
    return drifts(wanted, _again(wanted, run))


def score_drift(release: Release, run: PublishedRun) -> tuple[Drift, ...]:
    """Compare a run's scores with those of the customers that its release was trained on."""
    wanted = _of_scores(release)
    return drifts(wanted, _again(wanted, run))


def drift_since(release: Release, home: Home, before: ScoredRun, run: PublishedRun) -> tuple[Drift, ...]:
    """Compare a run's scores with those of a run before, as they were stored then."""
    wanted = _of_scores(release)
    stored = tables.read_as_of(home.scores, before.as_of)
    earlier = {
        name: each.again(_numbers(stored[name]))
        for name, each in wanted.items()
        if stored is not None and name in stored.column_names
    }
    return drifts(earlier, _again(wanted, run))


def _of_scores(release: Release) -> dict[str, Histogram]:
    features = set(release.manifest.feature_names)
    return {name: each for name, each in release.seen.histograms.items() if name not in features}


def _again(wanted: Mapping[str, Histogram], run: PublishedRun) -> dict[str, Histogram]:
    there = set(run.columns.names)
    # One column at a time: those of a million customers together are gigabytes.
    return {
        name: each.again(_numbers(run.columns.read([name])[name])[run.scored])
        for name, each in wanted.items()
        if name in there
    }


def _numbers(column: pa.ChunkedArray) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    numbers: np.ndarray[tuple[int], np.dtype[np.float64]] = column.to_numpy().astype(np.float64)
    return numbers
