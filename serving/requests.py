"""Reading what a client posted: one request into its customers, each checked for itself, and its cutoff."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from features.cutoff import Cutoff
from serving.errors import Problem, ProblemError, shown
from serving.schemas.fields import TEXT_LENGTH
from serving.schemas.scores import CUSTOMERS_A_REQUEST, LINES_A_REQUEST, OrderLine, PostedCustomer

FIRST_DAY = datetime(1970, 1, 1, tzinfo=UTC)


def split_request(body: object) -> tuple[str | None, list[object], bool]:
    """
    Take a score request apart without looking into its customers.

    Parameters
    ----------
    body : object
        The parsed JSON body.

    Returns
    -------
    (as_of, customers, alone)
        `as_of` as given; the customers, unchecked; whether one object came instead of a list.

    Raises
    ------
    ProblemError
        When the body is no such request, or holds more customers or lines than one request may.
    """
    if not isinstance(body, Mapping):
        raise _bad("the body must be a JSON object", "body", "an object with 'customers'", body)
    if unknown := sorted(set(body) - {"as_of", "customers"}):
        raise _bad("unknown field in the body", "body", "as_of, customers", unknown[0])
    as_of, customers = body.get("as_of"), body.get("customers")
    if as_of is not None and (not isinstance(as_of, str) or len(as_of) > TEXT_LENGTH):
        raise _bad("as_of must be a date or an instant", "as_of", "ISO 8601 text, such as 2018-01-01", as_of)
    alone = isinstance(customers, Mapping)
    items: Any = [customers] if alone else customers
    if not isinstance(items, list) or not items:
        raise _bad(
            "name the customers to score", "customers", "a customer or a list of them, not empty", customers
        )
    lines = sum(len(orders) for item in items if isinstance(orders := _orders(item), list))
    for count, limit, what in (
        (len(items), CUSTOMERS_A_REQUEST, "customers"),
        (lines, LINES_A_REQUEST, "order lines"),
    ):
        if count > limit:
            expected = f"at most {limit:,} {what}"
            raise ProblemError(
                Problem("too-large", "send several requests", "customers", expected, f"{count:,}")
            )
    return as_of, items, alone


def _orders(item: object) -> object:
    return item.get("orders") if isinstance(item, Mapping) else None


def _bad(detail: str, field: str, expected: str, got: object) -> ProblemError:
    return ProblemError(Problem("bad-request", detail, field, expected, shown(got)))


def read_customer(item: object, position: int) -> PostedCustomer | Problem:
    """
    Check one item of a request.

    Parameters
    ----------
    item : object
        The item as parsed JSON.
    position : int
        Its place in the list, from 0; named in the problem.

    Returns
    -------
    PostedCustomer or Problem
    """
    try:
        return PostedCustomer.model_validate(item)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in _known(first["loc"]))
        unknown = first["type"] == "extra_forbidden"
        return Problem(
            kind="invalid-history",
            detail="unknown field"
            if unknown
            else "this customer's history cannot be read; correct it and send it again",
            field=f"customers[{position}]{path}",
            expected=_expected(first, unknown=unknown),
            got=shown(first["loc"][-1] if unknown else first["input"]),
        )


def _known(location: tuple[int | str, ...]) -> tuple[int | str, ...]:
    """Leave out a path's parts that are the caller's own words."""
    names = {*PostedCustomer.model_fields, *OrderLine.model_fields}
    return tuple(part for part in location if isinstance(part, int) or part in names)


def _expected(error: Mapping[str, Any], *, unknown: bool) -> str:
    if unknown:
        return ", ".join(OrderLine.model_fields if "orders" in error["loc"] else PostedCustomer.model_fields)
    return str(error["msg"]).removeprefix("Value error, ")


def read_as_of(text: str | None, now: datetime, time_zone: str) -> Cutoff:
    """
    Return the cutoff that a request asks for.

    Parameters
    ----------
    text : str or None
        ISO 8601 date (local midnight) or instant (the shop's zone unless it has an offset); None means `now`.
    now : datetime
        The instant of the request; aware.
    time_zone : str
        The shop's zone.

    Raises
    ------
    ProblemError
        When it is no date or instant, before 1970 or more than a day ahead.
    """
    if text is None:
        return Cutoff(now, time_zone)
    expected = "ISO 8601 date or instant from 1970 to now, such as 2018-01-01"
    try:
        is_day = len(text) == len("2018-01-01")
        cutoff = (
            Cutoff.at_midnight(date.fromisoformat(text), time_zone)
            if is_day
            else Cutoff(_aware(datetime.fromisoformat(text), time_zone), time_zone)
        )
    except (ValueError, OverflowError) as error:
        raise _bad("as_of is not a date or an instant", "as_of", expected, text) from error
    if not FIRST_DAY <= cutoff.at <= now + timedelta(days=1):
        raise _bad("as_of is out of range", "as_of", expected, text)
    return cutoff


def _aware(instant: datetime, time_zone: str) -> datetime:
    return instant if instant.tzinfo else instant.replace(tzinfo=ZoneInfo(time_zone))
