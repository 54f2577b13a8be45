"""Scoring everybody with the release in force and the segments that ship: for the command and the demo."""

from features.cutoff import Cutoff
from ledger.home import Home
from models.release import load_deployed
from regulars.terminal import Progress
from segments.segment import load_library
from serving import batch


def score(home: Home, as_of: Cutoff, progress: Progress) -> batch.RunSummary:
    """Score every customer as of a cutoff and publish the run; `serving.batch.run` says what is refused."""
    return batch.run(home, load_deployed(home), load_library(), as_of, progress)
