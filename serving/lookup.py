"""GET /v1/customers/{id} and POST /v1/customers/lookup: whoever is asked for, each answered for himself by one code."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter, ValidationError

from serving import answers, current, customers
from serving.answers import Answer
from serving.customers import PARTS
from serving.errors import Problem, ProblemError, shown
from serving.live import Live
from serving.schemas.customers import IDS_A_REQUEST, IDS_IN_FULL
from serving.schemas.fields import CustomerId
from serving.store import PublishedRun
from serving.strangers import UNKNOWN, Strangers

NAME: TypeAdapter[str] = TypeAdapter(CustomerId)


class Customers:
    """Answers for customers by id.

    Parameters
    ----------
    live : Live
    now : callable
        Returns the instant of a request; aware.
    """

    def __init__(self, live: Live, now: Callable[[], datetime]) -> None:
        self._live = live
        self._now = now
        self._strangers = Strangers()

    def one(self, run: PublishedRun, given: Mapping[str, str]) -> Answer:
        """
        Answer GET /v1/customers/{id}.

        Parameters
        ----------
        run : PublishedRun
        given : mapping of str to str
            `customer_id`, and `include`: parts by comma, all of them when left out.

        Raises
        ------
        ProblemError
            When there is nothing to tell of the customer, or no such part.
        """
        parts = _parts(
            [each for each in given["include"].split(",") if each] if "include" in given else PARTS
        )
        customer_id = _name(given["customer_id"])
        found = UNKNOWN if customer_id is None else self._told(run, [customer_id], parts)[customer_id]
        if isinstance(found, Problem):
            raise ProblemError(found)
        return {**found, "labels": self._labels(run)}

    def many(self, run: PublishedRun, body: object) -> Answer:
        """
        Answer POST /v1/customers/lookup.

        Parameters
        ----------
        run : PublishedRun
        body : object
            The parsed JSON body.

        Returns
        -------
        dict
            As `schemas.customers.LookupAnswer`.

        Raises
        ------
        ProblemError
            When the body cannot be read; what is wrong with one id is its own result.
        """
        asked, parts = _read(body)
        names = [_name(each) for each in asked]
        told = self._told(run, list(dict.fromkeys(each for each in names if each is not None)), parts)
        results = []
        for place, (name, each) in enumerate(zip(names, asked, strict=True)):
            found = _no_id(each) if name is None else told[name]
            if isinstance(found, Problem):
                error = replace(found, field=f"customer_ids[{place}]").document()
                found = {"customer_id": name, "error": error}
            results.append(found)
        return {**answers.stamp(run), "labels": self._labels(run), "results": results}

    def _labels(self, run: PublishedRun) -> Answer:
        return answers.labels_of(run.facts.horizon_days, run.facts.currency, self._live.release_of(run))

    def _told(
        self, run: PublishedRun, ids: Sequence[str], parts: tuple[str, ...]
    ) -> dict[str, Answer | Problem]:
        """Return the answer of each id, or why there is none."""
        told = self._known(run, ids, parts)
        strangers = [each for each in ids if each not in told]
        if strangers:
            home, now = run.home, self._now()
            persons = self._strangers.persons(home, strangers, now)
            became = self._known(run, list(dict.fromkeys(persons.values())), parts)
            told |= {
                each: {**became[person], "merged_id": each}
                for each, person in persons.items()
                if person in became
            }
            unknown = [each for each in strangers if each not in told]
            return told | self._strangers.why(home, unknown, now)
        return dict(told)

    def _known(self, run: PublishedRun, ids: Sequence[str], parts: tuple[str, ...]) -> dict[str, Any]:
        """Return the answers of whoever has scores: by what was posted since the run, else the run's."""
        live = self._live.rescored(run, ids)
        told = {each: current.customer(run, each, rescored, parts) for each, rescored in live.items()}
        stored = [each for each in ids if each not in told]
        return told | customers.customers(run, stored, self._live.release_of(run), parts)


def _name(value: object) -> str | None:
    """Return an id as the ledger would have it, None for what cannot be one."""
    try:
        return NAME.validate_python(value)
    except ValidationError:
        return None


def _no_id(value: object) -> Problem:
    expected = "text of 1 to 255 characters without control characters, or a whole number"
    return Problem("bad-request", "this is no customer id", expected=expected, got=shown(value))


def _read(body: object) -> tuple[list[object], tuple[str, ...]]:
    """Return the ids asked for, unchecked, and the parts; raises ProblemError when the body is no lookup."""
    if not isinstance(body, Mapping):
        raise _bad("the body must be a JSON object", "body", "an object with 'customer_ids'", body)
    if unknown := sorted(set(body) - {"customer_ids", "include"}):
        raise _bad("unknown field in the body", "body", "customer_ids, include", unknown[0])
    ids, include = body.get("customer_ids"), body.get("include", [])
    if not isinstance(ids, list) or not ids:
        raise _bad("name the customers to look up", "customer_ids", "a list of ids, not empty", ids)
    if not isinstance(include, list):
        raise _bad("include lists parts", "include", f"a list of {', '.join(PARTS)}", include)
    parts = _parts(include)
    limit, what = (IDS_IN_FULL, " with include") if parts else (IDS_A_REQUEST, "")
    if len(ids) > limit:
        expected = f"at most {limit:,} ids{what}"
        raise ProblemError(
            Problem("too-large", "send several requests", "customer_ids", expected, f"{len(ids):,}")
        )
    return ids, parts


def _parts(named: Iterable[object]) -> tuple[str, ...]:
    for each in named:
        if not isinstance(each, str) or each not in PARTS:
            raise _bad("there is no such part", "include", ", ".join(PARTS), each)
    return tuple(str(each) for each in named)


def _bad(detail: str, field: str, expected: str, got: object) -> ProblemError:
    return ProblemError(Problem("bad-request", detail, field, expected, shown(got)))
