"""What `regulars monitor` found last, as one file in the home: for the service, the pages and whoever asks."""

from datetime import date, datetime

from pydantic import BaseModel, ConfigDict

from ledger import small_files
from ledger.home import Home
from models.checked import Checked
from serving.monitoring.drift import Drift
from serving.monitoring.replay import Replay


class Since(BaseModel):
    """Scores beside those of the run before, whose local day `as_of` is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    as_of: date
    release: str
    scores: tuple[Drift, ...]


class Report(BaseModel):
    """How a release does at work.

    Parameters
    ----------
    made_at : datetime
    run, release : str
        The published run, and who scored it.
    as_of, trained_as_of : date
        Local days.
    customers, trained_customers : int
    features, scores : tuple of Drift
        Against the customers that the release was trained on, the farthest apart first.
    since : Since or None
        None when no run before is kept.
    replays : tuple of Replay
        Of the published run, and of those before that are kept.
    happened : tuple of Checked
        Runs whose horizon is over, newest first.
    over_on : date or None
        When the horizon of the next run will be over; None when every run's is.
    notes : tuple of str
        What could not be looked at, and why.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    made_at: datetime
    run: str
    release: str
    as_of: date
    trained_as_of: date
    customers: int
    trained_customers: int
    features: tuple[Drift, ...] = ()
    scores: tuple[Drift, ...] = ()
    since: Since | None = None
    replays: tuple[Replay, ...] = ()
    happened: tuple[Checked, ...] = ()
    over_on: date | None = None
    notes: tuple[str, ...] = ()


def write(home: Home, report: Report) -> None:
    """Replace what was found before."""
    small_files.put(home.monitoring, report.model_dump_json(indent=1) + "\n")


def read(home: Home) -> Report | None:
    """Return what was found last, None when nothing was looked at yet.

    Raises
    ------
    InputError
        When the file is damaged.
    """
    remedy = "run `regulars monitor` to write it anew"
    return small_files.read(home.monitoring, Report.model_validate_json, remedy=remedy)
