"""Webhook: who entered and who left, posted as JSON in pages to a receiver of the shop's own.

Customers are known by the shop's ids, and no address is sent, so no consent is asked for here: the receiver decides
what it does with an id. Somebody who was erased is removed by the SHA-256 of his id, as the id is known no more.

A page's id is made of all that it says and of its place in the delivery (segment, the receiver's name in the records,
from which token to which, page), so a delivery that is repeated repeats its ids, and nothing else ever has the same.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import httpx
import pyarrow as pa
import pyarrow.compute as pc

from serving.export.destination import Destination
from serving.export.hashing import sha256

PAGE = 500  # customers; with their reasons and scores less than a megabyte
OF_MEMBERSHIP = ("customer_id", "segment", "entered_at", "reasons", "as_of", "release")


@dataclass(frozen=True)
class Occasion:
    """Which delivery a page belongs to.

    Parameters
    ----------
    segment, destination : str
        As in the records of deliveries.
    as_of : datetime
        Of the run.
    since : str or None
        Token of the delivery that this one continues; None at the first.
    token : str
        Of this delivery.
    everybody : bool
        Whether all members are added, and not only new ones.
    """

    segment: str
    destination: str
    as_of: datetime
    since: str | None
    token: str
    everybody: bool


@dataclass(frozen=True)
class Page:
    """One message.

    Parameters
    ----------
    message_id : str
    body : bytes
    """

    message_id: str
    body: bytes


def name_of(url: httpx.URL) -> str:
    """Return the name of a receiver in the records of deliveries: its address may be a secret, so its hash."""
    return f"{WEBHOOK.name}-{sha256(str(url))[:16]}"


def pages(occasion: Occasion, adds: pa.Table, removes: pa.Table) -> Iterator[Page]:
    """
    Yield the messages that tell of a delivery; none when nothing changed.

    Parameters
    ----------
    occasion : Occasion
    adds : pa.Table
        Of `members.newest`.
    removes : pa.Table
        customer_id (null once erased) and id_key.
    """
    total = adds.num_rows + removes.num_rows
    count = -(-total // PAGE)
    for number in range(1, count + 1):
        start = (number - 1) * PAGE
        entered = _finite(adds.slice(start, PAGE))
        left = removes.slice(max(0, start - adds.num_rows), PAGE - entered.num_rows)
        message = {
            "type": "regulars.segment.changed",
            "segment": occasion.segment,
            "as_of": occasion.as_of.isoformat(),
            "since": occasion.since,
            "token": occasion.token,
            "everybody": occasion.everybody,
            "page": number,
            "pages": count,
            "adds": [_added(row) for row in entered.to_pylist()],
            "removes": [
                {"customer_id": row["customer_id"], "customer_id_sha256": row["id_key"]}
                for row in left.to_pylist()
            ],
        }
        text = json.dumps(
            message, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_in_iso
        )
        body = text.encode()
        yield Page(_message_id(occasion, number, body), body)


def _added(row: dict[str, Any]) -> dict[str, Any]:
    scores = {name: value for name, value in row.items() if name not in OF_MEMBERSHIP}
    return {name: row[name] for name in ("customer_id", "entered_at", "reasons")} | {"scores": scores}


def _message_id(occasion: Occasion, number: int, body: bytes) -> str:
    said = (
        occasion.segment,
        occasion.destination,
        occasion.since or "",
        occasion.token,
        str(number),
        body.decode(),
    )
    return f"msg_{sha256(chr(10).join(said))[:32]}"


def _in_iso(value: date | datetime) -> str:
    return value.isoformat()


def _finite(table: pa.Table) -> pa.Table:
    """Return a table without the numbers that JSON does not have."""
    for place, field in enumerate(table.schema):
        if pa.types.is_floating(field.type):
            column = table.column(place)
            finite = pc.if_else(pc.is_finite(column), column, pa.scalar(None, field.type))
            table = table.set_column(place, field, finite)
    return table


WEBHOOK = Destination(
    "webhook",
    None,
    None,
    "A receiver of the shop's own: who entered and who left, posted as signed JSON.",
)
