"""What the API takes and gives, as frozen pydantic models: the border where requests are checked once."""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from math import isfinite
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from features.cutoff import Cutoff
from serving.errors import Problem, ProblemError, shown

CUSTOMERS_A_REQUEST = 1_000
LINES_A_REQUEST = 10_000
TEXT_LENGTH = 200
FIRST_DAY = datetime(1970, 1, 1, tzinfo=UTC)


def _as_text(value: object) -> object:
    """Read a whole number as the text it would be in a CSV; ids are often numbers."""
    return (
        str(value)
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**18
        else value
    )


def _as_amount(value: object) -> object:
    """Read a JSON number as the decimal text it would be in a CSV, so that both go through the same check."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    if not isfinite(value) or abs(value) >= 10**15:  # more cents than an int64 holds is no amount
        raise ValueError("a finite number below a thousand million million")
    return format(Decimal(repr(value)), "f")


def _as_name(text: str) -> str:
    """Refuse an id that an import would refuse; orders are checked like an import, under keys of our own."""
    if not text.strip() or re.search(r"[\x00-\x1f\x7f]", text):
        raise ValueError("text that is not blank and holds no control character")
    return text


# What is read is a text either way; the description says what may be sent.
Text = Annotated[
    str,
    BeforeValidator(_as_text, json_schema_input_type=str | int),
    Field(min_length=1, max_length=TEXT_LENGTH),
]
Name = Annotated[Text, AfterValidator(_as_name)]
Amount = Annotated[
    str, BeforeValidator(_as_amount, json_schema_input_type=str | float), Field(min_length=1, max_length=40)
]


class Frozen(BaseModel):
    """A frozen model that refuses unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class OrderLine(Frozen):
    """One order line in the plain format; the ledger's own checks decide whether it holds together."""

    order_id: Text
    ordered_at: Text = Field(
        description="Instant or local date, ISO 8601; without an offset in the shop's time zone."
    )
    net_amount: Amount = Field(
        description="Paid for this line after discounts, in the shop's currency; refunds negative."
    )
    line_id: Text | None = None
    known_at: Text | None = Field(None, description="When the shop knew this line; required for refunds.")
    product_id: Text | None = None
    quantity: Amount | None = None
    discount_amount: Amount | None = None
    currency: Text | None = None
    status: Text | None = Field(None, description="paid, cancelled or refunded; paid when left out.")
    channel: Text | None = None


class PostedCustomer(Frozen):
    """One customer's whole history."""

    customer_id: Name
    orders: tuple[OrderLine, ...] = Field(min_length=1, max_length=LINES_A_REQUEST)


class ScoreRequest(Frozen):
    """Histories to score: one customer or up to 1,000, 10,000 order lines in all."""

    as_of: str | None = Field(
        None, description="Instant or local date to describe the customers as of; now when left out."
    )
    customers: (
        PostedCustomer | Annotated[list[PostedCustomer], Field(min_length=1, max_length=CUSTOMERS_A_REQUEST)]
    )

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={
            "example": {
                "as_of": "2018-01-01",
                "customers": [
                    {
                        "customer_id": "c-1",
                        "orders": [
                            {"order_id": "o-1", "ordered_at": "2017-10-02", "net_amount": 24.9},
                            {
                                "order_id": "o-2",
                                "ordered_at": "2017-11-20T17:30:00-05:00",
                                "net_amount": "31.50",
                            },
                        ],
                    }
                ],
            }
        },
    )


class SegmentReason(Frozen):
    """A segment the customer is in, and why."""

    name: str
    title: str
    reasons: list[str]
    since: datetime | None = None


class ProblemDocument(Frozen):
    """RFC 9457 problem document."""

    type: str
    title: str
    status: int
    detail: str
    field: str | None = None
    expected: str | None = None
    got: str | None = None
    instance: str | None = None


class ScoredCustomer(Frozen):
    """Scores and segments of one customer."""

    customer_id: str
    confidence: str
    scores: dict[str, float | None]
    segments: list[SegmentReason]


class RefusedCustomer(Frozen):
    """One item that could not be scored; the others were."""

    customer_id: str | None = None
    error: ProblemDocument


class ScoreAnswer(Frozen):
    """Results in the order of the request."""

    release: str
    as_of: datetime
    data_through: datetime | None
    results: list[ScoredCustomer | RefusedCustomer]


class Refill(Frozen):
    """One product or category that a customer is expected to buy again; dates are the shop's local days."""

    level: str = Field(description="product or category.")
    product_id: str | None
    category: str | None
    p_due_7d: float
    p_due_14d: float
    next_purchase_p25: date | None
    next_purchase_p50: date | None
    next_purchase_p75: date | None
    next_purchase_p95: date | None
    quantity: float | None
    basis: str = Field(description="Whose gaps the dates rest on.")
    suppressed_because: str | None = Field(description="Why nobody should be reminded of it, or null.")


class CustomerAnswer(ScoredCustomer):
    """Stored scores of one customer in the latest run."""

    release: str
    as_of: datetime
    data_through: datetime | None
    replenishment: list[Refill]


class Readiness(Frozen):
    """What is served, and what newer release or run was refused."""

    status: str
    release: str | None
    run: str | None
    refused: str | None


class SegmentSummary(Frozen):
    """A segment: what it is, how many are in it and what they are worth."""

    name: str
    title: str
    group: str = Field(description="predicted, history or lifecycle.")
    sentence: str
    description: str
    advice: str
    expression: str
    size: int
    share: float
    value: float = Field(description="Sum of clv_365d over the members, in the shop's currency.")


class SegmentsAnswer(Frozen):
    """All segments of the latest run."""

    release: str
    as_of: datetime
    data_through: datetime | None
    customers: int
    currency: str
    segments: list[SegmentSummary]


class SegmentAnswer(SegmentSummary):
    """One segment of the latest run."""

    release: str
    as_of: datetime
    data_through: datetime | None
    currency: str


class Member(Frozen):
    """One member of a segment."""

    customer_id: str
    confidence: str
    since: datetime
    reasons: list[str]
    scores: dict[str, float | None]


class MembersAnswer(Frozen):
    """One page of a segment's members, by customer id; `next_cursor` is null on the last page."""

    release: str
    as_of: datetime
    data_through: datetime | None
    name: str
    size: int
    members: list[Member]
    next_cursor: str | None


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
