"""Scoring everybody with the release in force and the segments that ship: for the command and the demo."""

from features.cutoff import Cutoff
from features.engines.spark import open_session
from ledger.home import Home
from models.release import load_deployed
from regulars.options import Engine
from regulars.terminal import Progress
from segments.segment import load_library
from serving import batch
from serving.spark import SparkScoring


def score(home: Home, as_of: Cutoff, progress: Progress, engine: Engine = Engine.DUCKDB) -> batch.RunSummary:
    """Score every customer as of a cutoff and publish the run; `serving.batch.run` says what is refused."""
    scoring = batch.embedded if engine is Engine.DUCKDB else SparkScoring(open_session(), home)
    return batch.run(home, load_deployed(home), load_library(), as_of, progress, scoring=scoring)
