"""The ledger's Delta tables in a home directory: what was imported, read through DuckDB views in the stored schema."""

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from pathlib import Path, PurePosixPath

import duckdb
import pyarrow as pa
from deltalake import DeltaTable, write_deltalake

from ledger.engine import open_engine
from ledger.errors import InputError
from ledger.home import Home
from ledger.schema import SQL_TYPES, Table
from ledger.shop import Shop
from ledger.tables.orders import ORDERS
from ledger.tables.products import PRODUCTS
from ledger.tables.shipped import TABLES

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Ledger:
    """One shop's ledger.

    Parameters
    ----------
    home : Home
        Its directory need not exist; nothing is created before something is appended.

    Raises
    ------
    InputError
        When the path holds a `%`, which the Delta library takes for an escape.
    """

    def __init__(self, home: Home) -> None:
        self.home = home
        self._root = home.ledger.absolute()
        if "%" in str(self._root):
            raise InputError(f"the home directory's path may not hold a '%': {home.path}")

    @property
    def shop(self) -> Shop:
        """Facts fixed by the first import.

        Raises
        ------
        InputError
            When nothing was imported yet, or the file cannot be read.
        """
        shop = self.shop_if_known()
        if shop is None:
            raise InputError(
                f"no orders in {self.home.path} yet; run `regulars import orders FILE` or `regulars demo`"
            )
        return shop

    def shop_if_known(self) -> Shop | None:
        """Return the facts fixed by the first import, or None before it."""
        path = self.home.shop_facts
        if not path.exists():
            return None
        try:
            facts = json.loads(path.read_text(encoding="utf-8"))
            return Shop(currency=facts["currency"], time_zone=facts["time_zone"])
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(
                f"{path} should hold currency and time_zone as JSON; restore it from a backup"
            ) from error

    def fix_shop(self, shop: Shop) -> None:
        """Write the shop's facts unless they are there; call it holding `exclusive()`.

        Raises
        ------
        InputError
            When the ledger is another currency's or zone's.
        """
        known = self.shop_if_known()
        if known is None:
            self.home.path.mkdir(parents=True, exist_ok=True)
            draft = self.home.shop_facts.with_suffix(".draft")
            draft.write_text(json.dumps(asdict(shop), indent=2) + "\n", encoding="utf-8")
            draft.replace(self.home.shop_facts)
        elif known != shop:
            raise InputError(
                f"this ledger is in {known.currency}, {known.time_zone}, and cannot take {shop.currency}, "
                f"{shop.time_zone}; use another --home"
            )

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Hold the ledger's writer lock, so that no row appears between looking for it and appending it.

        A kernel file lock: it goes with the process, so a killed import leaves nothing to clean up.
        """
        try:
            self._root.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self._root / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise InputError(
                f"cannot write to {self._root}: {(error.strerror or str(error)).lower()}"
            ) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def append(self, table: Table, rows: pa.Table) -> None:
        """Append rows in one atomic commit; no row, no commit. Call it holding `exclusive()`.

        Raises
        ------
        ValueError, pa.ArrowInvalid
            When the rows are not in the table's stored schema.
        """
        if rows.num_rows:
            write_deltalake(str(self._root / table.name), rows.cast(table.arrow_schema), mode="append")

    def files(self, table: Table) -> list[Path]:
        """Return the Parquet files of a table's latest version; none before its first append."""
        directory = self._root / table.name
        if not DeltaTable.is_deltatable(str(directory)):
            return []
        # Only the name is taken: the library percent-encodes the directories of local paths.
        return [directory / PurePosixPath(uri).name for uri in DeltaTable(str(directory)).file_uris()]

    def connect(self) -> duckdb.DuckDBPyConnection:
        """Return an in-memory connection with a view `ledger_{table}` of each table as it is now.

        A table without rows is there, empty and typed. The session's time zone is UTC.
        """
        connection = open_engine()
        for table in TABLES:
            connection.execute(f"CREATE VIEW ledger_{table.name} AS {self._relation(table)}")
        return connection

    def _relation(self, table: Table) -> str:
        files = self.files(table)
        typed = ", ".join(
            f"CAST({{}} AS {SQL_TYPES[str(column.type)]}) AS {column.name}" for column in table.columns
        )
        if not files:
            return f"SELECT {typed.replace('{}', 'NULL')} WHERE false"
        columns = ", ".join(column.name for column in table.columns)
        listed = ", ".join("'" + str(path).replace("'", "''") + "'" for path in files)
        return f"SELECT {columns} FROM read_parquet([{listed}])"

    def data_through(self) -> datetime:
        """Return the instant of the last order.

        Raises
        ------
        InputError
            When there is none.
        """
        return EPOCH + timedelta(microseconds=self._last("epoch_us(max(ordered_at))"))

    def default_cutoff_date(self) -> date:
        """Return the local day after the last order's, the first day that knows all of the last.

        Raises
        ------
        InputError
            When there is no order.
        """
        return (EPOCH + timedelta(days=self._last("max(order_day)") + 1)).date()

    def _last(self, expression: str) -> int:
        with self.connect() as connection:
            found = connection.execute(f"SELECT {expression} FROM ledger_orders").fetchone()
        if found is None or found[0] is None:
            raise InputError(
                f"no orders in {self.home.path} yet; run `regulars import orders FILE` or `regulars demo`"
            )
        return int(found[0])

    def fingerprint(self) -> str:
        """Return 16 hexadecimal digits of what orders and products hold, whatever the order or number of imports."""
        digest = hashlib.sha256()
        with self.connect() as connection:
            for table in (ORDERS, PRODUCTS):
                digest.update(repr(connection.execute(_content_hash(table)).fetchone()).encode())
        return digest.hexdigest()[:16]


def _content_hash(table: Table) -> str:
    """Return SQL for the row count and an order-independent hash; MD5, as DuckDB's own may change with its version."""
    cells = ", ".join(f"coalesce(CAST({column.name} AS VARCHAR), chr(30))" for column in table.columns)
    hashed = f"md5_number_lower(concat_ws(chr(31), {cells}))"
    return f"SELECT count(*), CAST(sum({hashed}) AS VARCHAR) FROM ledger_{table.name}"
