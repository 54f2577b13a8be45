"""The ledger's Delta tables in a home directory: what was imported, read through DuckDB views in the stored schema."""

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from ledger import delta, quoting, small_files
from ledger.engine import open_engine
from ledger.errors import InputError
from ledger.home import Home
from ledger.schema import SQL_TYPES, Table
from ledger.shop import Shop
from ledger.tables.identities import IDENTITIES
from ledger.tables.orders import ORDERS
from ledger.tables.products import PRODUCTS
from ledger.tables.shipped import TABLES

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SMALL_BYTES = 16 * 1024**2  # a file of a million lines; merging smaller ones rewrites little
MANY_FILES = 32  # opening so many costs a reader some ten milliseconds
A_DAY = 24 * 3600.0


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
        if known is None or (known != shop and self.is_empty()):  # fixed by an import that was killed
            small_files.put(self.home.shop_facts, json.dumps(asdict(shop), indent=2) + "\n")
        elif known != shop:
            raise InputError(
                f"this ledger is in {known.currency}, {known.time_zone}, and cannot take {shop.currency}, "
                f"{shop.time_zone}; use another --home"
            )

    def is_empty(self) -> bool:
        """Whether no import was ever finished."""
        return not self._versions()

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

    def append(self, rows: Mapping[Table, pa.Table]) -> None:
        """Append rows to one or more tables, all at once or not at all. Call it holding `exclusive()`.

        Raises
        ------
        ValueError, pa.ArrowInvalid
            When the rows are not in the table's stored schema.
        """
        parts: dict[Table, list[Path]] = {}
        for table, found in rows.items():
            if found.num_rows:
                parts[table] = [self.write_rows(table, found)]
        self.commit(parts)

    def write_rows(self, table: Table, rows: pa.Table) -> Path:
        """Write rows as a data file of a table; nobody sees it before `commit`.

        Raises
        ------
        ValueError, pa.ArrowInvalid
            When the rows are not in the table's stored schema.
        """
        wanted = rows.cast(table.arrow_schema)
        path = self.new_part(table)
        pq.write_table(wanted, path, compression="zstd")
        return path

    def new_part(self, table: Table) -> Path:
        """Return where to write a data file of a table, in the stored schema; nobody sees it before `commit`."""
        return delta.new_file(self._root / table.name)

    def commit(
        self, added: Mapping[Table, Sequence[Path]], removed: Mapping[Table, Sequence[Path]] | None = None
    ) -> None:
        """Let data files of several tables count, and others count no more, all at once or not at all.

        Each table's Delta log gets its commit; then one file, which says the version of every table that counts, is
        replaced. Who is killed in between has changed nothing: the next commit takes back what does not count. Call
        it holding `exclusive()`.
        """
        taken: Mapping[Table, Sequence[Path]] = removed or {}
        versions = self._versions()
        if not self._versions_file.exists():
            self._publish(versions)
        for table in dict.fromkeys([*added, *taken]):
            versions[table.name] = delta.commit(
                self._root / table.name,
                table.arrow_schema,
                versions.get(table.name),
                added.get(table, ()),
                taken.get(table, ()),
            )
        self._publish(versions)

    def delete(self, conditions: Mapping[Table, str]) -> dict[str, int]:
        """Remove rows for good: no version of the ledger holds them any more. Call it holding `exclusive()`.

        Parameters
        ----------
        conditions : mapping of Table to str
            SQL of the rows to remove, over the table's stored columns.

        Returns
        -------
        dict of str to int
            Rows removed by table.
        """
        added: dict[Table, list[Path]] = {}
        removed: dict[Table, list[Path]] = {}
        counts = dict.fromkeys((table.name for table in conditions), 0)
        with open_engine() as connection:
            for table, condition in conditions.items():
                for path in self.files(table):
                    rows = relation(table, [path])
                    (found,) = connection.execute(
                        f"SELECT count(*) FROM ({rows}) WHERE {condition}"
                    ).fetchall()[0]
                    if found:
                        counts[table.name] += found
                        removed.setdefault(table, []).append(path)
                        left = f"SELECT * FROM ({rows}) WHERE ({condition}) IS NOT TRUE"
                        added.setdefault(table, []).append(self._write(connection, table, left))
        self.commit(added, removed)
        for table in conditions:
            delta.forget(self._root / table.name, self.files(table), older_than_seconds=0)
        return counts

    def compact(self) -> None:
        """Merge a table's many small files, as appends leave them. Call it holding `exclusive()`."""
        small = {
            table: [path for path in self.files(table) if path.stat().st_size < SMALL_BYTES]
            for table in TABLES
        }
        removed = {table: files for table, files in small.items() if len(files) >= MANY_FILES}
        if not removed:
            return
        with open_engine() as connection:
            added = {
                table: [self._write(connection, table, relation(table, files))]
                for table, files in removed.items()
            }
        self.commit(added, removed)
        for table in removed:
            delta.forget(self._root / table.name, self.files(table), older_than_seconds=A_DAY)

    def _write(self, connection: duckdb.DuckDBPyConnection, table: Table, select: str) -> Path:
        path = self.new_part(table)
        write_part(connection, select, path)
        return path

    @property
    def _versions_file(self) -> Path:
        return self._root / "versions.json"

    def _versions(self) -> dict[str, int]:
        """Return the Delta version of each table that counts; a table without one is empty."""
        if self._versions_file.exists():
            try:
                found = json.loads(self._versions_file.read_text(encoding="utf-8"))
                return {str(name): int(version) for name, version in found.items()}
            except (ValueError, AttributeError, TypeError) as error:
                raise InputError(
                    f"{self._versions_file} should name a version a table; restore it from a backup, or delete it to "
                    "take each table's latest"
                ) from error
        latest = {table.name: delta.version_of(self._root / table.name) for table in TABLES}
        if self._versions_file.exists():
            return self._versions()  # the first writer came meanwhile, and may have written half
        return {name: version for name, version in latest.items() if version is not None}

    def _publish(self, versions: dict[str, int]) -> None:
        small_files.put(self._versions_file, json.dumps(versions, indent=2) + "\n")

    def files(self, table: Table) -> list[Path]:
        """Return the Parquet files of a table as it is now, oldest first; none before its first append."""
        return delta.files_at(self._root / table.name, self._versions().get(table.name))

    def all_files(self) -> dict[Table, list[Path]]:
        """Return the Parquet files of every table, all as they are after the same import."""
        versions = self._versions()
        return {table: delta.files_at(self._root / table.name, versions.get(table.name)) for table in TABLES}

    def connect(self, files: Mapping[Table, Sequence[Path]] | None = None) -> duckdb.DuckDBPyConnection:
        """Return an in-memory connection with a view `ledger_{table}` of each table as it is now.

        A table without rows is there, empty and typed. The session's time zone is UTC.

        Parameters
        ----------
        files : mapping of Table to sequence of Path, optional
            From `all_files`, for one who reads them with something else as well and must see the same.
        """
        files = self.all_files() if files is None else files
        connection = open_engine()
        for table, listed in files.items():
            connection.execute(f"CREATE VIEW ledger_{table.name} AS {relation(table, listed)}")
        return connection

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
        """Return 16 hexadecimal digits of what predictions are made of, whatever the order or number of imports."""
        digest = hashlib.sha256()
        with self.connect() as connection:
            for table in (ORDERS, PRODUCTS, IDENTITIES):
                digest.update(repr(connection.execute(_content_hash(table)).fetchone()).encode())
        return digest.hexdigest()[:16]


def relation(table: Table, files: Sequence[Path]) -> str:
    """Return SQL for a table's rows in some of its data files; empty and typed without a file.

    A column that a file was written without is empty there: tables grow columns, and files are never rewritten.
    """
    by_columns: dict[tuple[str, ...], list[str]] = {}
    for path in files:
        there = set(pq.read_schema(path).names)
        columns = tuple(name for name in table.names if name in there)
        by_columns.setdefault(columns, []).append(quoting.text(path))
    parts = [
        f"SELECT {_columns(table, there)} FROM read_parquet([{', '.join(listed)}])"
        for there, listed in by_columns.items()
    ]
    return " UNION ALL ".join(parts) or f"SELECT {_columns(table, ())} WHERE false"


def _columns(table: Table, there: Sequence[str]) -> str:
    typed = {column.name: SQL_TYPES[str(column.type)] for column in table.columns}
    return ", ".join(
        name if name in there else f"CAST(NULL AS {typed[name]}) AS {name}" for name in table.names
    )


def write_part(connection: duckdb.DuckDBPyConnection, select: str, path: Path) -> None:
    """Write the rows of a SELECT in a table's stored schema as a data file."""
    connection.execute(f"COPY ({select}) TO {quoting.text(path)} (FORMAT parquet, COMPRESSION zstd)")


def _content_hash(table: Table) -> str:
    """Return SQL for the row count and an order-independent hash; MD5, as DuckDB's own may change with its version."""
    cells = ", ".join(f"coalesce(CAST({column.name} AS VARCHAR), chr(30))" for column in table.columns)
    hashed = f"md5_number_lower(concat_ws(chr(31), {cells}))"
    return f"SELECT count(*), CAST(sum({hashed}) AS VARCHAR) FROM ledger_{table.name}"
