"""docs/ledger.md, written from the declared tables."""

from ledger.schema import Table
from ledger.tables.shipped import TABLES


def page() -> str:
    """Return the page's text: every table and column as declared."""
    heading = (
        "# The ledger\n\nGenerated from `ledger/tables/` by `make docs`; a test holds the two together.\n\n"
        "Append-only Delta tables in the home directory's `ledger/`. Nothing is edited: a correction is a further\n"
        "row of the same key with a later `known_at`. Money is kept in hundredths and quantities in thousandths, as\n"
        "whole numbers, so that sums are exact; times are kept in UTC beside the shop's local day, hour and weekday.\n"
        "\nFour columns are enough: customer_id, order_id, ordered_at and net_amount. A file may have more columns\n"
        "than these tables; they are named and left out. Without a line_id, give all lines of an order in one file.\n"
        "A line refunded twice is one row that is corrected: the second row gives the sum of both and a later\n"
        "known_at, in a file of its own.\n"
    )
    return "\n".join([heading, "\n\n".join(_table(table) for table in TABLES), ""])


def _table(table: Table) -> str:
    lines = [
        f"## {table.name}",
        "",
        table.means,
        "",
        f"Key: {', '.join(f'`{name}`' for name in table.key)}.",
        "",
    ]
    if table.given:
        lines += [
            "In a file (plain format, CSV or Parquet):",
            "",
            "| column | required | holds |",
            "|---|---|---|",
        ]
        lines += [
            f"| `{column.given}` | {'yes' if column.required else 'no'} | {column.reads.means} |"
            for column in table.given
            if column.reads
        ]
        lines += ["", "Stored:", ""]
    lines += ["| column | type | may be empty | means |", "|---|---|---|---|"]
    lines += [
        f"| `{c.name}` | {c.type} | {'yes' if c.nullable else 'no'} | {c.means} |" for c in table.columns
    ]
    if table.rules:
        lines += ["", "Refused besides cells that cannot be read:", ""]
        lines += [f"- {rule.reason}" for rule in table.rules]
    return "\n".join(lines)
