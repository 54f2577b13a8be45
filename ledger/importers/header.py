"""Which of a file's columns are which of a table's: case and spaces do not matter, near misses are suggested."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from types import MappingProxyType

from ledger.errors import InputError
from ledger.schema import Column, Table

SHOWN = 12  # names of a file's columns that an error lists
NOT_RENAMED: Mapping[str, str] = MappingProxyType({})
VALUE = re.compile(
    r"[\d\s.,:/+TZ-]*\d[\d\s.,:/+TZ-]*|.*@.*"
)  # a number, a date or an address is no column's name


@dataclass(frozen=True)
class Header:
    """A file's columns.

    Parameters
    ----------
    positions : dict of str to int
        Plain-format column to its place among the file's columns.
    unknown : tuple of str
        Columns that are not imported.
    width : int
        How many columns the file has.
    """

    positions: dict[str, int]
    unknown: tuple[str, ...]
    width: int


def match_header(
    table: Table, names: Sequence[str], file_name: str, renamed: Mapping[str, str] = NOT_RENAMED
) -> Header:
    """Match a file's column names to a table's.

    Parameters
    ----------
    table : Table
    names : sequence of str
        The file's header.
    file_name : str
    renamed : mapping of str to str
        Plain column to what the file calls it; a column of the file that is called like the plain one is then another.

    Raises
    ------
    InputError
        When a required column is missing, a column appears twice, or a renamed one is not there.
    """
    known = {column.given for column in table.given}
    plain_of = _plain_of(renamed, known, names, file_name)
    positions: dict[str, int] = {}
    unknown: list[str] = []
    for position, name in enumerate(names):
        plain = plain_of.get(_normal(name), "" if _normal(name) in renamed else _normal(name))
        if plain in positions:
            raise InputError(f"{file_name}: column {plain} appears twice in the header; keep one")
        if plain in known:
            positions[plain] = position
        else:
            unknown.append(name.strip())
    missing = [column for column in table.given if column.required and column.given not in positions]
    if missing:
        raise InputError(_missing_text(missing, names, unknown, file_name))
    return Header(positions, tuple(unknown), len(names))


def _plain_of(
    renamed: Mapping[str, str], known: Collection[str], names: Sequence[str], file_name: str
) -> dict[str, str]:
    """Return the plain column of each renamed one by what the file calls it."""
    there = {_normal(name): name for name in names}
    for plain, name in renamed.items():
        if plain not in known:
            near = get_close_matches(plain, known, n=1)
            meant = f"; did you mean {near[0]}?" if near else f"; columns are {', '.join(sorted(known))}"
            raise InputError(f"--map: there is no column {plain[:40]!r} to fill{meant}")
        if _normal(name) not in there:
            near = get_close_matches(_normal(name), list(there), n=1)
            meant = (
                f"did you mean {shown(there[near[0]])}?"
                if near
                else f"found {', '.join(map(shown, names[:SHOWN]))}"
            )
            raise InputError(f"{file_name}: no column {name[:40]!r}, given by --map for {plain}; {meant}")
    return {_normal(name): plain for plain, name in renamed.items()}


def _normal(name: str) -> str:
    return name.strip().lower()


def _missing_text(
    missing: Sequence[Column], names: Sequence[str], unknown: Sequence[str], file_name: str
) -> str:
    if any(VALUE.fullmatch(name) for name in names):  # and a customer's value belongs in no error
        wanted = ", ".join(column.given for column in missing)
        return f"{file_name}: the first line holds values, not column names; add a header line with {wanted}"
    listed = ", ".join(shown(name) for name in names[:SHOWN]) + (", ..." if len(names) > SHOWN else "")
    plural = "s" if len(missing) > 1 else ""
    text = (
        f"{file_name}: missing required column{plural} {', '.join(c.given for c in missing)}; found {listed}"
    )
    if separated := separated_otherwise(names):
        return f"{text}; {separated}"
    meant = [(near, column.given) for column in missing if (near := _near(column, unknown))]
    if meant:
        return f"{text}; did you mean {', '.join(f'{near} -> {plain}' for near, plain in meant)}? Rename in the header"
    return f"{text}; rename the columns in the header, see docs/ledger.md"


def separated_otherwise(names: Sequence[str]) -> str | None:
    """Return what to do with a file whose one column holds another separator; None when that is not so."""
    mark = next((mark for mark in (";", "\t", "|") if len(names) == 1 and mark in names[0]), None)
    if mark is None:
        return None
    seen, option = ("a tab", "tab") if mark == "\t" else (f"'{mark}'", f"'{mark}'")
    return f"the columns seem to be separated by {seen}: import it with --separator {option}"


def _near(column: Column, unknown: Sequence[str]) -> str | None:
    """Return the file's column that probably is the missing one."""
    by_normal = {_normal(name).replace(" ", "_"): name for name in unknown}
    for other in column.also:
        if other in by_normal:
            return shown(by_normal[other])
    close = get_close_matches(column.given, list(by_normal), n=1, cutoff=0.75)
    return shown(by_normal[close[0]]) if close else None


def shown(name: str) -> str:
    """Return a column's name fit for one line."""
    first = next(iter(name.strip().splitlines()), "")  # after an open quote the rest may be a row's values
    return "".join(mark if mark.isprintable() else " " for mark in first[:40])
