"""What a page is: an address, a function that finds out what it says, and the template that shows it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import BinaryIO, Literal

from serving.answers import Answer
from serving.live import Live
from serving.look.charts import Chart
from serving.store import PublishedRun


@dataclass(frozen=True)
class Asked:
    """One request for a page.

    Parameters
    ----------
    run : PublishedRun
        The one that the whole answer is from.
    given : mapping of str to str
        Parameters of path and query; the path's win, and of a name that comes twice the last.
    live : Live
        What else is served: the release behind the run, what was posted since.
    now : datetime or None
        Instant of the request; None when nothing is to be said of how old anything is.
    listed : mapping of str to sequence of str
        All values of each parameter of the query, for forms with rows.
    sent : mapping of str to value
        The JSON object that a POST sent; empty of a GET.
    """

    run: PublishedRun
    given: Mapping[str, str]
    live: Live
    now: datetime | None = None
    listed: Mapping[str, Sequence[str]] = field(default_factory=dict)
    sent: Mapping[str, object] = field(default_factory=dict)


def _no_charts(_: Answer) -> Mapping[str, Chart]:
    return {}


@dataclass(frozen=True)
class Page:
    """One page, or a part of one that is fetched into it.

    Parameters
    ----------
    name : str
        Key of its title in the texts, and of its template: `NAME.html`.
    path : str
        Address, with parameters as Starlette writes them: `/segments/{name}`.
    answer : callable
        Takes `Asked` and returns plain values that JSON can hold: what the page says, and its JSON twin in full.
        Raises `ProblemError` when there is no such thing.
    twin : str
        Address of the same as JSON.
    in_navigation : bool
        Whether every page leads to it.
    charts : callable, optional
        Takes the answer and returns the page's charts by name, as the template draws them: `ui.chart(charts.NAME)`.
    method : "GET" or "POST"
        What is posted is a JSON object, and stands in no address and so in no log.
    """

    name: str
    path: str
    answer: Callable[[Asked], Answer]
    twin: str
    in_navigation: bool = False
    charts: Callable[[Answer], Mapping[str, Chart]] = _no_charts
    method: Literal["GET", "POST"] = "GET"


@dataclass(frozen=True)
class Download:
    """A file to be kept.

    Parameters
    ----------
    name : str
        Of the file; letters, digits, dashes and dots.
    media_type : str
    content : binary file
        Open for reading, from its beginning; closed by who sends it.
    """

    name: str
    media_type: str
    content: BinaryIO


@dataclass(frozen=True)
class File:
    """An address that gives a file.

    Parameters
    ----------
    path : str
        As of a `Page`.
    answer : callable
        Takes `Asked` and returns the file. Raises `ProblemError` when there is no such thing.
    """

    path: str
    answer: Callable[[Asked], Download]
