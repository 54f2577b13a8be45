"""What a page is: an address, a function that finds out what it says, and the template that shows it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from serving.answers import Answer
from serving.live import Live
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
    """

    run: PublishedRun
    given: Mapping[str, str]
    live: Live
    now: datetime | None = None
    listed: Mapping[str, Sequence[str]] = field(default_factory=dict)


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
    """

    name: str
    path: str
    answer: Callable[[Asked], Answer]
    twin: str
    in_navigation: bool = False
