"""A shop with one segment and addresses of its customers, and what deliveries of it are asked with."""

import csv
import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from ledger.home import Home
from ledger.importers.load import import_files
from ledger.store import Ledger
from ledger.tables.customers import CUSTOMERS
from ledger.tables.identities import IDENTITIES
from ledger.tables.orders import ORDERS
from serving import tables
from serving.export.delivery import Request

SEGMENT = "loyal"
FIRST_RUN = dt.datetime(2024, 1, 1, 5, tzinfo=dt.UTC)
NOW = dt.datetime(2024, 7, 1, 12, tzinfo=dt.UTC)
HEADER = "customer_id,known_at,email,phone,country,city,birth_date,email_consent,sms_consent,ads_consent,attributes"
STAYS = pa.schema(
    [
        ("customer_id", pa.string()),
        ("segment", pa.string()),
        ("entered_at", pa.timestamp("us", tz="UTC")),
        ("left_at", pa.timestamp("us", tz="UTC")),
        ("reasons", pa.list_(pa.string())),
    ]
)


@dataclass(frozen=True)
class Loyal:
    """A home whose segment `loyal` moves from day to day."""

    home: Home
    files: Path

    def customers(self, *rows: str) -> None:
        """Import rows of the customers table, of the columns in `HEADER`; later cells may be left out."""
        missing = [row + "," * (HEADER.count(",") - row.count(",")) for row in rows]
        self._import(CUSTOMERS, [HEADER, *missing])

    def same(self, *rows: str) -> None:
        """Import rows of who is who: anonymous_id, customer_id."""
        told = [f"{row},2024-01-01,merged" for row in rows]
        self._import(IDENTITIES, ["anonymous_id,customer_id,known_at,how", *told])

    def _import(self, table: object, lines: Sequence[str]) -> None:
        path = self.files / f"{len(list(self.files.iterdir()))}.csv"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        import_files(Ledger(self.home), table, [path], imported_at=NOW)  # type: ignore[arg-type]

    def run(self, day: int, *members: str) -> None:
        """Score everybody as of a day, when these were in the segment; one who is in no other is needed too."""
        as_of = FIRST_RUN + dt.timedelta(days=day)
        everybody = sorted({*members, "somebody"})
        clv = pa.array([float(len(each)) for each in everybody])
        scores = pa.table(
            {"customer_id": everybody, "confidence": ["model"] * len(everybody), "clv_365d": clv}
        )
        tables.replace_as_of(self.home.scores, tables.with_run(scores, as_of, "r1"), as_of)
        before = self._stays()
        held = {stay["customer_id"]: stay for stay in before if stay["left_at"] is None}
        stays = [stay for stay in before if stay["left_at"] is not None]
        stays += [
            {**stay, "left_at": as_of} for one, stay in held.items() if one not in (*members, "somebody")
        ]
        for one in (*members, "somebody"):
            entered = held[one]["entered_at"] if one in held else as_of
            segment = SEGMENT if one in members else "others"
            cells = (one, segment, entered, None, ["3 orders"])
            stays.append(dict(zip(STAYS.names, cells, strict=True)))
        tables.replace_all(self.home.memberships, pa.Table.from_pylist(stays, STAYS))

    def _stays(self) -> list[dict[str, Any]]:
        found = tables.read(self.home.memberships)
        return [] if found is None else found.to_pylist()

    def asked(self, *, delta: bool = False, since: str | None = None) -> Request:
        """Return a request for the segment."""
        return Request(self.home, SEGMENT, NOW, delta=delta, since=since)


def open_shop(directory: Path) -> Loyal:
    """Return a shop with one order and nobody in the segment."""
    shop = Loyal(Home(directory / "home"), directory / "files")
    shop.files.mkdir(parents=True)
    orders = shop.files / "orders.csv"
    orders.write_text("customer_id,order_id,ordered_at,net_amount\nsomebody,o1,2023-12-01,10\n")
    import_files(Ledger(shop.home), ORDERS, [orders], imported_at=NOW, currency="EUR", time_zone="UTC")
    return shop


def rows_of(path: Path) -> list[dict[str, str]]:
    """Read a CSV file back."""
    with path.open(newline="", encoding="utf-8-sig") as file:
        return list(csv.DictReader(file))
