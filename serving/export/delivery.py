"""Delivering a segment to a destination, whole or what changed since an earlier delivery, and writing down what was.

The order is what makes it safe to break off anywhere: first it is written down who is about to be added, then it is
written or posted, and only then that it was. A delivery that failed leaves the last token in force; repeating it adds
and removes the same people, and whoever it may have added in vain is removed later (`serving.export.deliveries`).
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import httpx
import pyarrow as pa
import pyarrow.compute as pc

from ledger.errors import InputError
from ledger.home import Home
from serving import tables
from serving.export import contacts, deliveries, members, webhook
from serving.export.changes import Changes, carried, changes
from serving.export.contacts import KEYS, Deliverable
from serving.export.courier import Courier
from serving.export.destination import Destination
from serving.export.files import write_whole
from serving.lock import alone


@dataclass(frozen=True)
class Request:
    """What is to be delivered.

    Parameters
    ----------
    home : Home
    segment : str
        Name.
    now : datetime
        Aware; when it is delivered.
    delta : bool
        Only what changed since the last delivery.
    since : str, optional
        Only what changed since the delivery of this token.
    """

    home: Home
    segment: str
    now: datetime
    delta: bool = False
    since: str | None = None

    @property
    def everybody(self) -> bool:
        """Whether all members are to be added, and not only those that are new."""
        return not (self.delta or self.since)


@dataclass(frozen=True)
class Sending:
    """What one delivery consists of.

    Parameters
    ----------
    occasion : webhook.Occasion
    members : pa.Table
        All of the segment, from `members.newest`; told only where nobody is known by an address.
    changes : Changes
    """

    occasion: webhook.Occasion
    members: pa.Table
    changes: Changes


@dataclass(frozen=True)
class Delivered:
    """What became of a delivery; it names nobody.

    Parameters
    ----------
    added, removed : int
        Customers.
    not_named : int
        Customers to be removed of whom the ledger no longer has the address that the other side knows.
    members : int
        Of the segment.
    left_out : dict of str to int
        Why how many members may or can not be delivered.
    phones_left_out : int
        Phones that could not be written in E.164, of members who are delivered by e-mail.
    since, token : str
        `since` is None when there was no delivery before.
    """

    added: int
    removed: int
    not_named: int
    members: int
    left_out: dict[str, int]
    phones_left_out: int
    since: str | None
    token: str


def removes_path(out: Path) -> Path:
    """Return the file of those to remove, beside the one of those to add."""
    return out.with_name(f"{out.stem}.remove{out.suffix}")


def to_files(request: Request, destination: Destination, out: Path) -> Delivered:
    """
    Write who is to be added to one file and who is to be removed to another.

    Parameters
    ----------
    request : Request
    destination : Destination
        One that writes files.
    out : Path

    Raises
    ------
    InputError
        When there is no such segment or delivery, or a file cannot be written.
    """

    def send(sending: Sending) -> int:
        adds, removes = _tables(request, destination, sending)
        write_whole(destination, [(adds, out), (removes, removes_path(out))])
        return int(removes.num_rows)

    return _deliver(request, destination, destination.name, send)


def to_webhook(request: Request, url: httpx.URL, courier: Courier) -> Delivered:
    """
    Post who is to be added and removed.

    Parameters
    ----------
    request : Request
    url : httpx.URL
        Of the receiver; each has its own record.
    courier : Courier
        To the same address.

    Raises
    ------
    InputError
        When there is no such segment or delivery, or the receiver did not accept a page.
    """

    def send(sending: Sending) -> int:
        adds, removes = _tables(request, webhook.WEBHOOK, sending)
        with courier:
            for page in webhook.pages(sending.occasion, adds, removes):
                courier.post(page.message_id, page.body)
        return int(removes.num_rows)

    return _deliver(request, webhook.WEBHOOK, webhook.name_of(url), send)


def _deliver(
    request: Request, destination: Destination, name: str, send: Callable[[Sending], int]
) -> Delivered:
    home, segment = request.home, request.segment
    if not home.scores.is_dir():
        raise InputError(
            members.NOTHING_SCORED
        )  # taking the lock would make the directory of a misspelt home
    with alone(home):  # neither a run nor an erasure may come between looking and writing down
        all_of_it = members.newest(home, segment, told=destination.audience is None)
        wanted = _deliverable(request, destination, all_of_it)
        hashed = destination.audience is None or destination.audience.hashed
        record = deliveries.load(home, segment, name, hashed=hashed)
        since = record.find(request.since) if request.since else record.last
        number = since.number if since else 0
        found = changes(wanted.contacts, record.rows, number, everybody=request.everybody)
        as_of = tables.newest_as_of(home.scores) or request.now
        occasion = webhook.Occasion(
            segment=segment,
            destination=name,
            as_of=as_of,
            since=since.token if since else None,
            token=_token(as_of, wanted.contacts),
            everybody=request.everybody,
        )
        sending = Sending(occasion, all_of_it, found)
        removed = _send_and_write_down(request, record, wanted.contacts, sending, send)
    return Delivered(
        added=found.adds.num_rows,
        removed=removed,
        not_named=found.removes.num_rows - removed,
        members=all_of_it.num_rows,
        left_out=wanted.left_out,
        phones_left_out=wanted.phones_left_out,
        since=occasion.since,
        token=occasion.token,
    )


def _send_and_write_down(
    request: Request,
    record: deliveries.Record,
    present: pa.Table,
    sending: Sending,
    send: Callable[[Sending], int],
) -> int:
    """Return how many were removed."""
    token, removes = sending.occasion.token, sending.changes.removes
    last = record.last
    if last is not None and last.token == token and record.is_sure and removes.num_rows == 0:
        return send(sending)  # the list is what it is
    record = deliveries.begun(record, sending.changes.adds)
    deliveries.save(request.home, record)
    removed = send(sending)
    rows = carried(present, record.rows, record.next_number)
    deliveries.save(request.home, deliveries.done(record, rows, token, request.now))
    return removed


def _deliverable(request: Request, destination: Destination, all_of_it: pa.Table) -> Deliverable:
    if destination.audience is None:
        return contacts.by_id(all_of_it)
    return contacts.by_address(request.home, all_of_it, destination.audience, request.now)


def _tables(request: Request, destination: Destination, sending: Sending) -> tuple[pa.Table, pa.Table]:
    """Return the rows to add and the rows to remove as the destination has them."""
    audience, found = destination.audience, sending.changes
    if audience is None:
        chosen = pc.is_in(sending.members["customer_id"], found.adds["customer_id"].combine_chunks())
        gone = found.removes.select(["customer_id", "id_key"])
        if destination.write is not None:
            gone = gone.rename_columns(["customer_id", "customer_id_sha256"])
        return sending.members.filter(chosen), gone
    segment = request.segment
    gone = found.removes
    if not audience.hashed:
        gone = contacts.named(request.home, gone, audience, request.now)
    return audience.adds(found.adds, segment), audience.removes(gone, segment)


def _token(as_of: datetime, present: pa.Table) -> str:
    """Return the name of a delivery: of which run, and a digest of whom the list holds after it."""
    digest = hashlib.sha256()
    for keys in sorted(zip(*(present[key].to_pylist() for key in KEYS), strict=True), key=str):
        digest.update(repr(keys).encode())
    return f"{as_of:%Y%m%dT%H%M%SZ}-{digest.hexdigest()[:12]}"
