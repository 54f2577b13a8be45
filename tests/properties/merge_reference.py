"""The merge of imported rows with the ledger in plain Python, row by row: slow, and to be read as its specification."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from ledger.schema import Table
from ledger.tables.customers import CUSTOMERS
from ledger.tables.orders import ORDERS
from ledger.tables.products import PRODUCTS

Values = Mapping[str, Any]
Key = tuple[Any, ...]
MOMENT = timedelta(microseconds=1)
START = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Row:
    """One row of a file.

    Parameters
    ----------
    line : int
    values : mapping of str to Any
        Stored column to value, of the columns that the file has; empty cells are None or the column's default.
    """

    line: int
    values: Values

    @property
    def given_at(self) -> datetime | None:
        """The known_at that the row gives."""
        at: datetime | None = self.values.get("known_at")
        return at


@dataclass(frozen=True)
class Version:
    """What the ledger holds of a key from an instant on."""

    known_at: datetime
    values: Values


class ReferenceLedger:
    """One table, as a list of versions a key.

    Parameters
    ----------
    table : Table
    defaults : mapping of str to Any
        Stored column to what a row of a file without the column holds, where that is not None.
    """

    def __init__(self, table: Table, defaults: Values) -> None:
        self._table = table
        self._defaults = defaults
        self.held: dict[Key, list[Version]] = {}

    def import_file(self, rows: Sequence[Row], imported_at: datetime) -> Counter[str]:
        """Take in a file's rows and return how many were added, unchanged, corrected and rejected."""
        columns = {name for row in rows for name in row.values}
        accepted = self._settled(rows, has_line_ids="line_id" in columns)
        counts = Counter({"rejected": len(rows) - len(accepted)})
        by_key: dict[Key, list[Row]] = {}
        for row in accepted:
            by_key.setdefault(self._key(row.values), []).append(row)
        for key, of_key in by_key.items():
            self._merge(key, of_key, imported_at, counts)
        return counts

    def _key(self, values: Values) -> Key:
        return tuple(values.get(name, self._defaults.get(name)) for name in self._table.key)

    def _settled(self, rows: Sequence[Row], *, has_line_ids: bool) -> list[Row]:
        """Return the rows that say something no earlier row of the file said, all with their whole key."""
        if self._table is ORDERS:
            rows = self._numbered(rows)
        if self._table is ORDERS and not has_line_ids:
            return list(rows)
        first: dict[tuple[Key, datetime | None], Row] = {}
        for row in rows:
            first.setdefault((self._key(row.values), row.given_at), row)
        return list(first.values())

    def _numbered(self, rows: Sequence[Row]) -> list[Row]:
        """Give lines without a line_id one: `product#k`, the k-th such line of the order and status."""
        kept, turns, seen = [], Counter[Key](), set()
        for row in rows:
            if row.values.get("line_id") is not None:
                kept.append(row)
                continue
            within = tuple(
                row.values.get(name, self._defaults.get(name)) for name in self._table.lines_within
            )
            twin = (within, self._said(row.values, row.values), self._known_at(row, START))
            if twin in seen:
                continue
            seen.add(twin)
            turns[within] += 1
            line_id = f"{row.values.get('product_id') or ''}#{turns[within]}"
            kept.append(Row(row.line, {**row.values, "line_id": line_id}))
        return kept

    def _said(self, values: Values, columns: Iterable[str]) -> tuple[Any, ...]:
        """Return what values say in the columns given, beside key and known_at."""
        said = sorted(name for name in columns if name in self._table.content)
        return tuple(values.get(name, self._defaults.get(name)) for name in said)

    def _known_at(self, row: Row, imported_at: datetime) -> datetime:
        """Return since when a row counts that is the first of its key."""
        ordered_at = row.values.get("ordered_at", START)
        return row.given_at or {ORDERS: ordered_at, PRODUCTS: START, CUSTOMERS: imported_at}[self._table]

    def _merge(self, key: Key, rows: list[Row], imported_at: datetime, counts: Counter[str]) -> None:
        before = self.held.get(key, [])
        after = list(before)
        # A row without a known_at, of a key that is held: said before by whatever version, or true from now on.
        for row in [row for row in rows if before and row.given_at is None]:
            rows.remove(row)
            if any(self._same(row, version) for version in before):
                counts["unchanged"] += 1
            else:
                last = max(before, key=lambda version: version.known_at)
                after.append(Version(max(imported_at, last.known_at + MOMENT), self._whole(row, last)))
                counts["corrected"] += 1
        spoken: dict[datetime, Row] = {}
        for row in sorted(rows, key=lambda row: (self._known_at(row, imported_at), row.line)):
            at = self._known_at(row, imported_at)
            in_force = _in_force(after, at)
            same = in_force is not None and self._same(row, in_force)
            if not same and (at in spoken or (in_force is not None and in_force.known_at == at)):
                counts["rejected"] += 1
                continue
            spoken[at] = row
            if same:
                counts["unchanged"] += 1
            else:
                counts["corrected" if after else "added"] += 1
                after.append(Version(at, self._whole(row, _in_force(before, at))))
        self.held[key] = after

    def _same(self, row: Row, version: Version) -> bool:
        return self._said(row.values, row.values) == self._said(version.values, row.values)

    def _whole(self, row: Row, in_force: Version | None) -> Values:
        """Return all of a row's values; of what the file says nothing, the version in force still holds."""
        return {**self._defaults, **(in_force.values if in_force else {}), **row.values}


def _in_force(versions: Sequence[Version], at: datetime) -> Version | None:
    known = [version for version in versions if version.known_at <= at]
    return max(known, key=lambda version: version.known_at, default=None)
