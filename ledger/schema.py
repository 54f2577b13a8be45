"""How a table of the ledger is declared: checks, Arrow schemas and docs/ledger.md come from one row a column."""

from dataclasses import dataclass

import pyarrow as pa

from ledger.readings import Reading

INSTANT_TYPE = pa.timestamp("us", tz="UTC")
SQL_TYPES = {
    "string": "VARCHAR",
    "int32": "INTEGER",
    "int64": "BIGINT",
    "bool": "BOOLEAN",
    "date32[day]": "DATE",
    "timestamp[us, tz=UTC]": "TIMESTAMPTZ",
}
# `latest` is the last instant that a check does not call future: a day after the import, see `ledger.checks`.
WHEN_IMPORTED = "latest - INTERVAL 1 DAY"


@dataclass(frozen=True)
class Column:
    """One stored column.

    Parameters
    ----------
    name : str
        Name in the stored table.
    type : pa.DataType
    means : str
        One sentence for the documentation, with the unit.
    reads : Reading, optional
        How a file's cell becomes the value; None when no file gives this column.
    plain : str, optional
        Name in the plain format, when it is another one (`net_amount` is stored as `net_minor`).
    required : bool
        Whether a file must have the column, and a value in every row.
    default : str, optional
        SQL of the value of an empty cell; `{currency}` is the shop's.
    derived : str, optional
        SQL of a column that no file gives; `{local}` is the local time of the table's `local_of`.
    nullable : bool
    may_be_future : bool
        Whether an instant may lie in the future: the end of a pause may, an order may not.
    also : tuple of str
        Names other systems give the column; used only to suggest what was meant.
    """

    name: str
    type: pa.DataType
    means: str
    reads: Reading | None = None
    plain: str | None = None
    required: bool = False
    default: str | None = None
    derived: str | None = None
    nullable: bool = False
    may_be_future: bool = False
    also: tuple[str, ...] = ()

    @property
    def given(self) -> str:
        """Name in the plain format."""
        return self.plain or self.name


@dataclass(frozen=True)
class Rule:
    """When a row is refused for what its cells say together.

    Parameters
    ----------
    about : tuple of str
        Stored columns of the condition; where a file gives none of one, the rule is left out.
    refused_when : str
        SQL condition over them and over `latest`, the last instant that is not in the future; an empty cell is NULL
        or the column's default.
    reason : str
        What is told: what is wrong, and what to do.
    """

    about: tuple[str, ...]
    refused_when: str
    reason: str


@dataclass(frozen=True)
class DerivedId:
    """An id made from what a row says, for files that have none: the same row gets the same id in every file.

    The id is `h-` and the first 24 hexadecimal digits of the MD5 of the cells.

    Parameters
    ----------
    column : str
        The id's column.
    of : tuple of str
        Stored columns, in the order in which they are hashed.
    """

    column: str
    of: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """One append-only table.

    Parameters
    ----------
    name : str
        Directory of the Delta table; the DuckDB view is `ledger_` + name.
    means : str
    key : tuple of str
        Stored columns that say which thing a row describes; a later `known_at` of the same key is a correction.
    columns : tuple of Column
    rules : tuple of Rule
    known_from : str
        SQL of the known_at of a row that gives none and is the first of its key; may name `latest`.
    lines_within : tuple of str
        Stored columns within which rows without a line_id are numbered.
    local_of : str
        Stored instant whose local time, in the shop's zone, is the `{local}` of derived columns.
    derived_id : DerivedId, optional
        How a row without an id gets one.
    """

    name: str
    means: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    rules: tuple[Rule, ...] = ()
    known_from: str = "NULL"
    lines_within: tuple[str, ...] = ()
    local_of: str = ""
    derived_id: DerivedId | None = None

    @property
    def arrow_schema(self) -> pa.Schema:
        """Stored schema."""
        return pa.schema([pa.field(column.name, column.type, column.nullable) for column in self.columns])

    @property
    def names(self) -> tuple[str, ...]:
        """Stored columns' names."""
        return tuple(column.name for column in self.columns)

    @property
    def given(self) -> tuple[Column, ...]:
        """Columns that a plain-format file may have."""
        return tuple(column for column in self.columns if column.reads)

    @property
    def content(self) -> tuple[str, ...]:
        """Stored columns that a correction may change: neither key nor when it was known."""
        return tuple(c.name for c in self.columns if c.name not in (*self.key, "known_at"))
