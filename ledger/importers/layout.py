"""How the files of another system become rows of the ledger: a layout is data, and this module turns it into SQL.

A layout names the file's columns and says, in DuckDB SQL, what each plain-format cell is made of. Reading the file and
checking, merging and storing the rows are left to the importer, which asks the functions here for the SQL.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import NamedTuple

from ledger import quoting
from ledger.errors import InputError
from ledger.importers.header import SHOWN, VALUE, Header, separated_otherwise, shown
from ledger.schema import Table

GUIDE = "docs/importing.md"
NEAR = 0.75  # how much of a name must agree before it is suggested


@dataclass(frozen=True)
class SourceColumn:
    """A column of the file.

    Parameters
    ----------
    name : str
        As in the file's header, where case and outer spaces do not matter; SQL names it in double quotes.
    required : bool
        Whether a file without it is refused; any other missing column is all NULL.
    also : tuple of str
        Names that other versions of the export give the same column.
    """

    name: str
    required: bool = False
    also: tuple[str, ...] = ()


@dataclass(frozen=True)
class Translation:
    """How rows of `prepared` become rows of one table; a layout may have several for one table.

    Parameters
    ----------
    table : Table
    cells : mapping of str to str
        Plain-format column to SQL over `prepared` that gives its text or NULL.
    where : str, optional
        SQL condition: which rows speak of this table.
    refused : str, optional
        SQL of the reason why a row is refused, NULL for a row that is not.
    """

    table: Table
    cells: Mapping[str, str]
    where: str | None = None
    refused: str | None = None


class Finding(NamedTuple):
    """Something worth telling of a file.

    Parameters
    ----------
    name : str
    sql : str
        A SELECT over `prepared` of one whole number.
    says : str
        One sentence with `{n}`; told when n is not 0.
    """

    name: str
    sql: str
    says: str


@dataclass(frozen=True)
class Layout:
    """The files of one system.

    Parameters
    ----------
    name : str
        As in `--format`.
    title : str
        As in a sentence: "this looks like a Shopify order export".
    columns : tuple of SourceColumn
    currency : str
        SQL over `source` of a row's currency code or NULL; the most frequent one is the shop's when none is fixed yet.
    translations : tuple of Translation
        The first is the one that accounts for every row: it accepts or refuses each that no other speaks of.
    prepare : str
        A SELECT over `source` (line BIGINT, and every declared column as text) that gives line and whatever the
        translations and findings name. `getvariable('imported_at')` is the import's instant, a text in ISO 8601.
    findings : tuple of Finding
    """

    name: str
    title: str
    columns: tuple[SourceColumn, ...]
    currency: str
    translations: tuple[Translation, ...]
    prepare: str = "SELECT * FROM source"
    findings: tuple[Finding, ...] = ()

    @property
    def tables(self) -> tuple[Table, ...]:
        """The tables that a file of this layout fills, each once."""
        return tuple({one.table.name: one.table for one in self.translations}.values())


def source_columns(layout: Layout, names: Sequence[str], file_name: str) -> Header:
    """Match a file's column names to a layout's.

    Parameters
    ----------
    layout : Layout
    names : sequence of str
        The file's header.
    file_name : str

    Returns
    -------
    Header
        Positions by declared name; columns that the layout does not declare are unknown.

    Raises
    ------
    InputError
        When a required column is missing, or a declared one appears twice.
    """
    known = {
        _normal(other): column.name for column in layout.columns for other in (column.name, *column.also)
    }
    positions: dict[str, int] = {}
    unknown: list[str] = []
    for position, name in enumerate(names):
        declared = known.get(_normal(name))
        if declared in positions:
            raise InputError(f"{file_name}: column {declared} appears twice in the header; keep one")
        if declared:
            positions[declared] = position
        else:
            unknown.append(name.strip())
    missing = [column for column in layout.columns if column.required and column.name not in positions]
    if missing:
        raise InputError(_missing(layout, missing, names, unknown, file_name))
    return Header(positions, tuple(unknown), len(names))


def layout_of(names: Sequence[str], layouts: Sequence[Layout]) -> Layout | None:
    """Return the layout whose required columns are all among a file's, if there is one.

    For the error about a file that was taken for another format; see `advice`.
    """
    given = {_normal(name) for name in names}
    for layout in layouts:
        needed = [column for column in layout.columns if column.required]
        if all(given.intersection(map(_normal, (column.name, *column.also))) for column in needed):
            return layout
    return None


def advice(layout: Layout) -> str:
    """Return what to do with a file that is of this layout."""
    return f"this looks like {layout.title}: use --format {layout.name}"


def source_sql(layout: Layout, given: Sequence[str], rows: str) -> str:
    """Return the SELECT that makes `source` of a relation with line and the declared columns that the file has."""
    texts = [
        quoting.name(column.name)
        if column.name in given
        else f"CAST(NULL AS VARCHAR) AS {quoting.name(column.name)}"
        for column in layout.columns
    ]
    return f"SELECT line, {', '.join(texts)} FROM {rows}"


def prepared_sql(layout: Layout) -> str:
    """Return the SELECT over `source` that makes `prepared`."""
    return layout.prepare


def translated_sql(translation: Translation) -> str:
    """Return the SELECT over `prepared` of line, the plain-format cells as text, and `refused`."""
    cells = "".join(f", {sql} AS {plain}" for plain, sql in translation.cells.items())
    where = f" WHERE {translation.where}" if translation.where else ""
    return f"SELECT line{cells}, CAST({translation.refused or 'NULL'} AS VARCHAR) AS refused FROM prepared{where}"


def _normal(name: str) -> str:
    return name.strip("\ufeff \t\r\n").lower()


def _missing(
    layout: Layout,
    missing: Sequence[SourceColumn],
    names: Sequence[str],
    unknown: Sequence[str],
    file_name: str,
) -> str:
    """Return the error for missing columns: which, what was found, and what was probably meant."""
    wanted = ", ".join(column.name for column in missing)
    if any(VALUE.fullmatch(name) for name in names):  # and a customer's value belongs in no error
        return f"{file_name}: the first line holds values, not column names; export it again with {wanted}"
    listed = ", ".join(shown(name) for name in names[:SHOWN]) + (", ..." if len(names) > SHOWN else "")
    plural = "s" if len(missing) > 1 else ""
    text = f"{file_name}: {layout.title} has the column{plural} {wanted}; found {listed}"
    if separated := separated_otherwise(names):
        return f"{text}; {separated}"
    by_normal = {_normal(name): name for name in unknown}
    close = [(get_close_matches(_normal(column.name), by_normal, 1, NEAR), column.name) for column in missing]
    meant = [f"{shown(by_normal[near[0]])} -> {name}" for near, name in close if near]
    if meant:
        return f"{text}; did you mean {', '.join(meant)}? Rename in the header"
    return f"{text}; see {GUIDE}"
