"""Erasing a customer: what would be removed, the erasure once his id is typed again, and how far it is."""

from typing import Any

from ledger.errors import InputError
from ledger.store import Ledger
from serving.answers import Answer
from serving.errors import Problem, ProblemError
from serving.forgetting import Known, look_up, start, status, told
from serving.look.page import Asked

NEVER_BEGUN = Problem("not-found", "no erasure of that name was begun here", "token")


def answer(asked: Asked) -> Answer:
    """Return whom it is about; raises ProblemError when nobody is known by that id."""
    return {"customer_id": asked.given["customer_id"]}


def counts(asked: Asked) -> Answer:
    """Return what would be removed, and what stays."""
    return {"customer_id": asked.given["customer_id"], **_known(asked)[1]}


def begin(asked: Asked) -> Answer:
    """
    Begin to erase a customer, and return how far it is.

    Raises
    ------
    ProblemError
        When his id was not typed again, or nobody is known by it.
    """
    customer_id = asked.given["customer_id"]
    if asked.sent.get("confirm") != customer_id:
        expected = "the customer's id, letter by letter"
        raise ProblemError(
            Problem("bad-request", "type the id again; nothing was erased", "confirm", expected)
        )
    _known(asked)
    token = start(asked.run.home, customer_id)
    return {"token": token, **_told(asked, token)}


def progress(asked: Asked) -> Answer:
    """Return how far an erasure is, and in the end what was removed; raises ProblemError when there is none."""
    return {"token": asked.given["token"], **_told(asked, asked.given["token"])}


def _told(asked: Asked, token: str) -> dict[str, Any]:
    found = status(asked.run.home, token)
    if found is None:
        raise ProblemError(NEVER_BEGUN)
    return dict(found)


def _known(asked: Asked) -> tuple[Known, dict[str, Any]]:
    home, now = asked.run.home, asked.now or asked.run.facts.as_of
    try:
        known = look_up(Ledger(home), asked.given["customer_id"], now)
    except InputError as error:
        raise ProblemError(Problem("bad-request", str(error), "customer_id")) from error
    if not known.rows and known.before is None:
        raise ProblemError(Problem("unknown-customer", "nothing of this id is held", "customer_id"))
    return known, told(home, known)
