"""`regulars import`: files, and answers of a database, into the ledger; a command each table."""

from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from ledger.errors import InputError
from regulars import terminal
from regulars.options import AsJson, Currency, Encoding, HomeDirectory, TimeZone, ledger_of, settings_of

# What the commands need is imported when one runs: `regulars --help` answers at once.
# ruff: noqa: PLC0415
if TYPE_CHECKING:
    from ledger.importers.layout import Layout
    from ledger.importers.report import ImportReport

commands = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

PLAIN_FORMAT = "regulars"
From = Annotated[
    list[str],
    typer.Argument(metavar="FILE...", help="CSV or Parquet files, or the URL of a PostgreSQL database."),
]
Format = Annotated[
    str,
    typer.Option("--format", help="Whose files they are: regulars, shopify, woocommerce or online-retail."),
]
Map = Annotated[
    list[str] | None,
    typer.Option(
        "--map", metavar="COLUMN=NAME", help="What the file calls a column; may be given many times."
    ),
]
Query = Annotated[str | None, typer.Option("--query", help="SELECT that gives the rows, of a database.")]
Separator = Annotated[str, typer.Option("--separator", help="Between the cells of CSV files: , ; | or tab.")]
WHAT = {
    "orders": "Add order lines, refunds and cancellations.",
    "products": "Add products: title, category path, price, discontinued, in stock.",
    "customers": "Add what is known of customers: e-mail, country, consent, birth date.",
    "events": "Add what visitors did: product views, carts, checkouts, e-mails opened.",
    "identities": "Add who is who: visitors who said who they are, accounts of one person.",
    "subscriptions": "Add subscriptions, of whose products nobody is reminded.",
    "reminders": "Add reminders that were sent elsewhere.",
    "pauses": "Add customers who want no reminders for a while.",
}
MORE = "\n\nA file imported before adds nothing; refused lines are kept with their number and reason."


def _command(name: str) -> Callable[..., None]:
    """Return the command that imports one table."""

    def run(  # noqa: PLR0913 - one a switch
        files: From,
        *,
        format_name: Format = PLAIN_FORMAT,
        renamed: Map = None,
        query: Query = None,
        currency: Currency = None,
        time_zone: TimeZone = None,
        encoding: Encoding = "utf-8",
        separator: Separator = ",",
        home: HomeDirectory = None,
        as_json: AsJson = False,
    ) -> None:
        from ledger.importers.load import import_files
        from ledger.tables.shipped import TABLES

        ledger = ledger_of(settings_of(home))
        table = next(table for table in TABLES if table.name == name)
        layout = _layout(format_name)
        if layout and table not in layout.tables:
            raise InputError(f"--format {layout.name} has no {name}; it gives {_names(layout)}")
        with terminal.progress() as progress:
            report = import_files(
                ledger,
                table,
                files,
                imported_at=datetime.now(UTC),
                layout=layout,
                renamed=_renamed(renamed or []),
                query=query,
                currency=currency,
                time_zone=time_zone,
                encoding=encoding,
                separator="\t" if separator in ("tab", "\\t") else separator,
                progress=progress,
            )
        _answer(report, as_json=as_json)

    run.__doc__ = WHAT[name] + MORE
    return run


for table_name in WHAT:
    commands.command(table_name)(_command(table_name))


def _layout(name: str) -> "Layout | None":
    if name == PLAIN_FORMAT:
        return None
    from ledger.importers.shipped import LAYOUTS

    found = next((layout for layout in LAYOUTS if layout.name == name), None)
    if found is None:
        known = ", ".join([PLAIN_FORMAT, *(layout.name for layout in LAYOUTS)])
        raise InputError(f"unknown format {name[:40]!r}; formats are {known}")
    return found


def _names(layout: "Layout") -> str:
    return " and ".join(table.name for table in layout.tables)


def _renamed(pairs: list[str]) -> dict[str, str]:
    """Return plain column to the file's, of texts like `customer_id=Client no.`."""
    renamed: dict[str, str] = {}
    for pair in pairs:
        plain, equals, name = pair.partition("=")
        if not (equals and plain.strip() and name.strip()):
            raise InputError(f"--map takes COLUMN=NAME, such as customer_id=Client; got {pair[:60]!r}")
        if plain.strip().lower() in renamed:
            raise InputError(f"--map gives {plain.strip()[:40]} twice; a column is filled from one")
        renamed[plain.strip().lower()] = name.strip()
    return renamed


def _answer(report: "ImportReport", *, as_json: bool) -> None:
    from regulars import findings

    if report.read and report.read == report.rejected:
        first = report.reasons[0]
        place = f"{first.file_name}, {first.place} {first.line}"
        raise InputError(f"none of {report.read:,} rows could be taken; {place}: {first.text}")
    if as_json:
        terminal.show_json(asdict(report))
    else:
        for one in (report, *report.also):
            terminal.show_lines(findings.imported(one))
