"""Who is in a segment, place by place in the run's order of customers, so that a page of them is counted off."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from serving.answers import Answer, scores_of
from serving.errors import Problem, ProblemError, shown
from serving.store import PublishedRun

Places = npt.NDArray[np.int64]

A_PAGE: Final = 50
BY_ID: Final = "customer_id"
DESCENDING, ASCENDING = "descending", "ascending"


def places_of(run: PublishedRun, name: str) -> Places:
    """Return the rows of a segment's members among the run's scores."""
    if name not in run.columns.segments:
        return np.empty(0, dtype=np.int64)
    return np.flatnonzero(run.columns.members([name])[0])


def page_of_members(run: PublishedRun, name: str, given: Mapping[str, str], sorts: tuple[str, ...]) -> Answer:
    """
    Return some members of a segment, sorted.

    Parameters
    ----------
    run : PublishedRun
    name : str
        Of a segment of the run.
    given : mapping of str to str
        Any of `sort`, `order` and `page`, the first being 1.
    sorts : tuple of str
        Scores to sort by; by customer id otherwise.

    Returns
    -------
    dict
        members as `serving.answers.members` has them, sort, order, page, pages.

    Raises
    ------
    ProblemError
        When a parameter cannot be read; names it.
    """
    sort, order = given.get("sort", BY_ID), given.get("order", ASCENDING)
    _among("sort", sort, (BY_ID, *sorts))
    _among("order", order, (ASCENDING, DESCENDING))
    places = places_of(run, name)
    pages = max(1, -(-len(places) // A_PAGE))
    page = _page(given.get("page", "1"), pages)
    if sort != BY_ID:
        places = _first(run, places, sort, page * A_PAGE, down=order == DESCENDING)
    elif order == DESCENDING:
        places = places[::-1]
    chosen = places[(page - 1) * A_PAGE : page * A_PAGE]
    return {
        "members": _members(run, name, chosen),
        "sort": sort,
        "order": order,
        "page_number": page,
        "pages": pages,
    }


def _first(run: PublishedRun, places: Places, score: str, count: int, *, down: bool) -> Places:
    """Return the first members by a score, unknown last, ties by id; who comes after them is not sorted."""
    values = run.columns.read([score])[score].to_numpy()[places]
    key = np.where(np.isnan(values), np.inf, -values if down else values)
    if count < len(key):
        last = np.partition(key, count - 1)[count - 1]
        before = np.flatnonzero(key < last)
        chosen = np.concatenate([before, np.flatnonzero(key == last)[: count - len(before)]])
    else:
        chosen = np.arange(len(key))
    first: Places = places[chosen[np.argsort(key[chosen], kind="stable")]]
    return first


def _members(run: PublishedRun, name: str, places: Places) -> list[Answer]:
    rows = run.tables["scores"].take(places).to_pylist()
    listed = []
    for row in rows:
        mine = run.memberships_of(row["customer_id"])
        stay: Mapping[str, Any] = next(each for each in mine if each["segment"] == name)
        listed.append(
            {
                "customer_id": row["customer_id"],
                "confidence": row["confidence"],
                "since": stay["entered_at"].isoformat(),
                "reasons": stay["reasons"],
                "scores": scores_of(row),
            }
        )
    return listed


def _among(field: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        detail = f"{field} is none of those there are"
        raise ProblemError(Problem("bad-request", detail, field, ", ".join(known), shown(value)))


def _page(text: str, pages: int) -> int:
    if text.isascii() and text.isdigit() and len(text) <= 6 and 1 <= int(text) <= pages:  # noqa: PLR2004 - 50 million
        return int(text)
    raise ProblemError(
        Problem("bad-request", "there is no such page", "page", f"1 to {pages:,}", shown(text))
    )
