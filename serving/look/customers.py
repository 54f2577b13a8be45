"""Customers: looked up by id, by the start of one, or by e-mail address, which stands in no address of a page."""

from typing import Final

from serving.answers import Answer, stamp
from serving.errors import Problem, ProblemError, shown
from serving.finding import LONGEST, find
from serving.look.page import Asked
from serving.strangers import Strangers

_STRANGERS: Final = Strangers()


def answer(asked: Asked) -> Answer:
    """Return what the empty search says."""
    return {
        **stamp(asked.run),
        "customers": asked.run.facts.customers,
        "prospects": asked.run.facts.prospects or 0,
    }


def found(asked: Asked) -> Answer:
    """
    Return the customers whom a search finds.

    Raises
    ------
    ProblemError
        When what was sent is no search.
    """
    named = asked.sent.get("asked")
    if not isinstance(named, str) or len(named) > LONGEST:
        expected = f"at most {LONGEST} characters"
        raise ProblemError(
            Problem("bad-request", "there is nothing to look up", "asked", expected, shown(named))
        )
    now = asked.now or asked.run.facts.as_of
    told = find(asked.run, asked.live.home(), _STRANGERS, named, now)
    return {**stamp(asked.run), "searched": bool(named.strip()), **told}
