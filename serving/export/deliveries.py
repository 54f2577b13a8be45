"""What was delivered where: whom a segment's list at a destination holds, so that the next delivery tells the rest.

One Parquet file a segment and destination. It holds no address: a row is a customer's id and the SHA-256 of what he
was delivered by, and whoever is erased loses the id too (`forget`). Of removals, those of the last deliveries are kept
for whoever has to repeat one.

A row without `added` is of somebody whom a delivery was about to add when it broke off. He may be on the list: so he
counts as not added, and when he no longer is a member, as to be removed.
"""

import json
import os
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pa_parquet

from ledger.errors import InputError
from ledger.home import Home
from serving.export.contacts import KEYS

ROWS = pa.schema(
    [
        ("customer_id", pa.string()),
        *[(key, pa.string()) for key in KEYS],
        ("added", pa.int64()),
        ("removed", pa.int64()),
    ]
)
KEPT = 10  # deliveries that `--since` can go back to
_FACTS = b"regulars.delivery"


@dataclass(frozen=True)
class Delivery:
    """One delivery that was seen to its end.

    Parameters
    ----------
    number : int
        From 1, of a segment and destination.
    token : str
        What `--since` takes.
    at : str
        When, ISO 8601.
    """

    number: int
    token: str
    at: str


@dataclass(frozen=True)
class Record:
    """What a segment's list at one destination holds.

    Parameters
    ----------
    segment, destination : str
    hashed : bool
        Whether somebody can be removed by his hashes alone, after he was erased.
    rows : pa.Table
        Columns of `ROWS`. `added` and `removed` are numbers of deliveries.
    deliveries : tuple of Delivery
        The last `KEPT`, oldest first.
    """

    segment: str
    destination: str
    hashed: bool
    rows: pa.Table
    deliveries: tuple[Delivery, ...] = ()

    @property
    def last(self) -> Delivery | None:
        """The last delivery, if there was one."""
        return self.deliveries[-1] if self.deliveries else None

    @property
    def next_number(self) -> int:
        """Number of the delivery to come."""
        return self.last.number + 1 if self.last else 1

    @property
    def is_sure(self) -> bool:
        """Whether every delivery that was begun was seen to its end."""
        return bool(self.rows["added"].null_count == 0)

    def find(self, token: str) -> Delivery:
        """
        Return the delivery of a token.

        Raises
        ------
        InputError
            When there is none, or it is too long ago; names those there are.
        """
        for delivery in self.deliveries:
            if delivery.token == token:
                return delivery
        kept = ", ".join(delivery.token for delivery in self.deliveries) or "none yet"
        raise InputError(
            f"--since: no such delivery of '{self.segment}' to {self.destination}; known are the last {KEPT}: {kept}. "
            "Leave it out to deliver everybody"
        )


def path_of(home: Home, segment: str, destination: str) -> Path:
    """Return the file of a segment and destination, both slugs."""
    return home.deliveries / f"{segment}.{destination}.parquet"


def load(home: Home, segment: str, destination: str, *, hashed: bool) -> Record:
    """Return what was delivered; nothing before the first time."""
    path = path_of(home, segment, destination)
    return _read(path) if path.exists() else Record(segment, destination, hashed, ROWS.empty_table())


def save(home: Home, record: Record) -> None:
    """Write a record in place of the one before; a reader or a crash never sees half of it."""
    # Not by `asdict` of the record, which would copy its rows one by one: of a million, gigabytes.
    facts = {
        **{name: getattr(record, name) for name in ("segment", "destination", "hashed")},
        "deliveries": [asdict(delivery) for delivery in record.deliveries],
    }
    table = record.rows.cast(ROWS).replace_schema_metadata({_FACTS: json.dumps(facts).encode()})
    path = path_of(home, record.segment, record.destination)
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".draft-") as scratch:
        draft = Path(scratch) / path.name
        pa_parquet.write_table(table, draft)
        with draft.open("rb") as file:
            os.fsync(file.fileno())
        draft.replace(path)


def _read(path: Path) -> Record:
    table = pa_parquet.read_table(path)
    facts: dict[str, Any] = json.loads(table.schema.metadata[_FACTS])
    deliveries = tuple(Delivery(**each) for each in facts.pop("deliveries"))
    return Record(**facts, rows=table.replace_schema_metadata(None), deliveries=deliveries)


def begun(record: Record, adds: pa.Table) -> Record:
    """Return the record once it is known whom a delivery is about to add."""
    who = ["customer_id", *KEYS]
    seen = record.rows.filter(pc.is_valid(record.rows["added"]))
    before = record.rows.filter(pc.is_null(record.rows["added"]))
    # As often as a delivery is tried, whom it would add is written down once.
    pending = pa.concat_tables([before.select(who), adds.select(who)]).group_by(who, use_threads=False)
    unseen = pending.aggregate([])
    nulls = pa.nulls(unseen.num_rows, pa.int64())
    rows = pa.table([*(unseen[name] for name in who), nulls, nulls], schema=ROWS)
    return replace(record, rows=pa.concat_tables([seen, rows]))


def done(record: Record, rows: pa.Table, token: str, at: datetime) -> Record:
    """
    Return the record after a delivery.

    Parameters
    ----------
    record : Record
    rows : pa.Table
        From `changes.carried`: the rows of after, of this delivery's number where they changed.
    token : str
    at : datetime
    """
    delivered = (*record.deliveries, Delivery(record.next_number, token, at.isoformat()))[-KEPT:]
    oldest = delivered[0].number
    in_reach = pc.or_(pc.is_null(rows["removed"]), pc.greater(rows["removed"], oldest))
    return replace(record, rows=rows.filter(pc.fill_null(in_reach, fill_value=True)), deliveries=delivered)


def holding(home: Home, ids: Sequence[str]) -> tuple[str, ...]:
    """
    Return the lists that some customers were delivered to and not removed from, as "segment at destination".

    Parameters
    ----------
    home : Home
    ids : sequence of str
        Customer ids.
    """
    return tuple(
        f"{record.segment} at {record.destination}"
        for record in _all(home)
        if pc.any(pc.and_(_theirs(record, ids), pc.is_null(record.rows["removed"]))).as_py()
    )


def count(home: Home, ids: Sequence[str]) -> int:
    """Return how many rows of all records are some customers'."""
    return sum(pc.sum(_theirs(record, ids)).as_py() or 0 for record in _all(home))


def forget(home: Home, ids: Sequence[str]) -> None:
    """
    Take some customers' ids out of all records.

    What stays of whom a list still holds is the hash that it knows him by, where it can be removed by it; the next
    delivery removes it there and then drops it here. All else of them goes.

    Parameters
    ----------
    home : Home
    ids : sequence of str
        Customer ids.
    """
    for record in _all(home):
        theirs = _theirs(record, ids)
        if not pc.any(theirs).as_py():
            continue
        owed = (
            pc.and_(theirs, pc.is_null(record.rows["removed"])) if record.hashed else pa.scalar(value=False)
        )
        kept = record.rows.filter(pc.or_(pc.invert(theirs), owed))
        anonymous = pc.if_else(pc.is_in(kept["customer_id"], _ids(ids)), None, kept["customer_id"])
        save(home, replace(record, rows=kept.set_column(0, ROWS.field(0), anonymous)))


def _all(home: Home) -> Iterator[Record]:
    if home.deliveries.is_dir():
        for path in sorted(home.deliveries.glob("*.parquet")):
            yield _read(path)


def _ids(ids: Sequence[str]) -> pa.Array:
    return pa.array(ids, pa.string())


def _theirs(record: Record, ids: Sequence[str]) -> pa.ChunkedArray:
    return pc.is_in(record.rows["customer_id"], value_set=_ids(ids))
