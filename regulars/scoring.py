"""Scoring everybody with the release in force and the segments that ship: for the command and the demo."""

import warnings
from collections.abc import Mapping
from datetime import UTC, datetime

import typer

from features.cutoff import Cutoff
from features.engines.spark import open_session
from ledger.engine import bound
from ledger.errors import InputError
from ledger.home import Home
from ledger.store import Ledger
from ledger.workspace import workspace
from models.release import load_deployed
from regulars import monitoring
from regulars.options import Engine
from regulars.terminal import Progress
from segments.segment import load_library
from serving import batch
from serving.cohorts import found
from serving.cohorts.count import count
from serving.reminders.states import LEAD_DAYS
from serving.segments.in_force import in_force
from serving.spark import SparkScoring


def score(  # noqa: PLR0913, PLR0917 - what is scored, as of when, and the shop's settings
    home: Home,
    as_of: Cutoff,
    progress: Progress,
    engine: Engine = Engine.DUCKDB,
    lead_days: int = LEAD_DAYS,
    memory_limit_mb: int | None = None,
    acquisition_costs: Mapping[str, float] | None = None,
) -> batch.RunSummary:
    """Score every customer as of a cutoff and publish the run, count cohorts, and look how the release does at work.

    `serving.batch.run` says what is refused.
    """
    summary = _run(home, as_of, progress, engine, lead_days, memory_limit_mb)
    if summary.published is not None:
        progress("Counting cohorts", 0.0)
        with workspace(home) as spill, Ledger(home).connect() as connection:
            bound(connection, spill, memory_limit_mb)
            found.write(home, count(connection, as_of, acquisition_costs))
    try:
        monitoring.look(Ledger(home), datetime.now(UTC), progress)
    except InputError as error:  # of a release deleted since, say: the scores are there
        typer.echo(f"monitoring is left out: {error}", err=True)
    return summary


def _run(  # noqa: PLR0913, PLR0917 - as of `score`
    home: Home, as_of: Cutoff, progress: Progress, engine: Engine, lead_days: int, memory_limit_mb: int | None
) -> batch.RunSummary:
    in_use = in_force(home, load_deployed(home), load_library())
    release, segments = in_use.release, in_use.segments
    for name, reason in in_use.aside.items():
        typer.echo(f"segment '{name}' is left out: {reason}", err=True)
    if engine is Engine.DUCKDB:
        return batch.run(
            home, release, segments, as_of, progress, lead_days=lead_days, memory_limit_mb=memory_limit_mb
        )
    with warnings.catch_warnings():
        # 2026-11-22: PySpark 4.3 about pandas 3, whose frames never go through Spark here. Goes when PySpark follows.
        warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas", FutureWarning)
        on_spark = SparkScoring(open_session(), home)
        return batch.run(
            home,
            release,
            segments,
            as_of,
            progress,
            scoring=on_spark,
            lead_days=lead_days,
            memory_limit_mb=memory_limit_mb,
        )
