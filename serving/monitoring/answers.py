"""Answer of GET /v1/monitoring: how the release does at work, as plain values."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from ledger.errors import InputError
from serving.answers import Answer, stamp
from serving.errors import Problem, ProblemError
from serving.monitoring import words
from serving.monitoring.report import Report, read
from serving.store import PublishedRun

NOTHING_YET = "Nothing was looked at yet: run `regulars monitor`, or score again."


class MonitoringAnswer(BaseModel):
    """How the release does at work.

    Parameters
    ----------
    release : str
    as_of, data_through : datetime
        Of the run that is served.
    says : list of str
        What was found, in sentences.
    found : Report or None
        None before the first look.
    means : dict of str to str
        Each feature and score by name, in a phrase.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    release: str
    as_of: datetime
    data_through: datetime | None
    says: list[str]
    found: Report | None
    means: dict[str, str]


def monitoring(run: PublishedRun) -> Answer:
    """Return what was found last.

    Parameters
    ----------
    run : PublishedRun

    Raises
    ------
    ProblemError
        When the file in which it is kept is damaged.
    """
    report = found(run)
    return {
        **stamp(run),
        "says": [NOTHING_YET] if report is None else words.lines(report),
        "found": None if report is None else report.model_dump(mode="json"),
    }


def found(run: PublishedRun) -> Report | None:
    """Return what was found last, None before the first look; raises as `monitoring`."""
    try:
        return read(run.home)
    except InputError as error:
        raise ProblemError(
            Problem("not-ready", "what was found last is damaged; run `regulars monitor`")
        ) from error
