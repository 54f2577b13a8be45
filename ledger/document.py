"""docs/ledger.md, written from the declared tables."""

import re

from ledger.event_names import EVENT_NAMES
from ledger.readings import Reading
from ledger.schema import Column, Table
from ledger.tables.events import EVENTS
from ledger.tables.shipped import TABLES

HEADING = """# The ledger

Generated from `ledger/` by `make docs`; a test holds the two together.

Append-only Delta tables in the home directory's `ledger/`. Nothing is edited: a correction is a further
row of the same key with a later `known_at`. Money is kept in hundredths and quantities in thousandths, as
whole numbers, so that sums are exact; times are kept in UTC beside the shop's local day, hour and weekday.

Four columns are enough: customer_id, order_id, ordered_at and net_amount. A file may have more columns
than these tables; they are named and left out. Without a line_id, give all lines of an order in one file.
A line refunded twice is one row that is corrected: the second row gives the sum of both and a later
known_at, in a file of its own.

E-mail addresses and telephone numbers are kept in `customers` alone. Where an e-mail address is the id of a
customer, every table holds a pseudonym made from it instead; in any other text it is withheld. Consents,
subscriptions, reminders and pauses say whom not to write to.
"""

CELLS = """## Cells of a file

A file in the plain format, CSV or Parquet, has the columns named below, in any order and case; the names in
bold are required. Blanks around a cell are left out, and an empty cell says that nothing is known. What is
not of the column's kind is refused with its line, and the other lines are imported.

| kind | holds |
|---|---|
"""

EVENT_TABLE = """The names that have a common meaning, written in any case and with blanks, hyphens, underscores
or nothing between the words:

| event | means |
|---|---|
"""


def page() -> str:
    """Return the page's text: every kind of cell, table and column as declared."""
    listed = "\n".join(f"| [{table.name}](#{table.name}) | {_in_short(table)}. |" for table in TABLES)
    tables = "\n\n".join(_table(table) for table in TABLES)
    return f"{HEADING}\n| table | holds |\n|---|---|\n{listed}\n\n{CELLS}{_kinds()}\n\n{tables}\n"


def _in_short(table: Table) -> str:
    return re.split("[:;.]", table.means)[0]


def _kinds() -> str:
    used = {column.reads for table in TABLES for column in table.columns if column.reads}
    return "\n".join(f"| {kind.kind} | {kind.means} |" for kind in sorted(used, key=_kind))


def _kind(reading: Reading) -> str:
    return reading.kind


def _table(table: Table) -> str:
    key = ", ".join(f"`{name}`" for name in table.key)
    parts = [f"## {table.name}", "", table.means, "", f"Key: {key}.", ""]
    if table.given:
        parts += ["| in a file | kind | stored as | means |", "|---|---|---|---|"]
        parts += [f"| {_in_file(column)} | {_stored(column)} | {column.means} |" for column in table.columns]
    else:
        parts += ["No file gives it.", "", "| stored as | means |", "|---|---|"]
        parts += [f"| {_stored(column)} | {column.means} |" for column in table.columns]
    if table.rules:
        parts += ["", "Refused besides cells that cannot be read:", ""]
        parts += [f"- {rule.reason}" for rule in table.rules]
    if table is EVENTS:
        parts += ["", EVENT_TABLE.rstrip()]
        parts += [f"| {name} | {means} |" for name, means in EVENT_NAMES.items()]
    return "\n".join(parts)


def _in_file(column: Column) -> str:
    if column.reads is None:
        return " | "
    named = f"`{column.given}`"
    return f"{f'**{named}**' if column.required else named} | {column.reads.kind}"


def _stored(column: Column) -> str:
    """Return a column's name where it is another than in a file, its type, and whether it may be empty."""
    named = f"`{column.name}` " if column.reads is None or column.plain else ""
    return f"{named}{column.type}{' or empty' if column.nullable else ''}"
