"""`regulars import`: files of orders and products into the ledger."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import typer

from ledger.errors import InputError
from regulars import terminal
from regulars.options import (
    AsJson,
    Currency,
    Encoding,
    Files,
    HomeDirectory,
    TimeZone,
    ledger_of,
    settings_of,
)

# What the commands need is imported when one runs: `regulars --help` answers at once.
# ruff: noqa: PLC0415
if TYPE_CHECKING:
    from ledger.importers.report import ImportReport

commands = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


@commands.command("orders")
def import_orders(  # noqa: PLR0913 - one a switch
    files: Files,
    *,
    currency: Currency = None,
    time_zone: TimeZone = None,
    encoding: Encoding = "utf-8",
    home: HomeDirectory = None,
    as_json: AsJson = False,
) -> None:
    """Add order lines.

    A file imported before adds nothing; refused lines are kept with their number and reason.
    """
    from ledger.importers import plain

    with terminal.progress() as progress:
        report = plain.import_orders(
            ledger_of(settings_of(home)),
            files,
            imported_at=datetime.now(UTC),
            currency=currency,
            time_zone=time_zone,
            encoding=encoding,
            progress=progress,
        )
    _answer(report, as_json=as_json)


@commands.command("products")
def import_products(
    files: Files, *, encoding: Encoding = "utf-8", home: HomeDirectory = None, as_json: AsJson = False
) -> None:
    """Add products: title, category path, price, discontinued."""
    from ledger.importers import plain

    with terminal.progress() as progress:
        report = plain.import_products(
            ledger_of(settings_of(home)),
            files,
            imported_at=datetime.now(UTC),
            encoding=encoding,
            progress=progress,
        )
    _answer(report, as_json=as_json)


def _answer(report: "ImportReport", *, as_json: bool) -> None:
    from regulars import findings

    if report.read and report.read == report.rejected:
        first = report.reasons[0]
        place = f"{first.file_name}, {first.place} {first.line}"
        raise InputError(f"none of {report.read:,} rows could be taken; {place}: {first.text}")
    if as_json:
        terminal.show_json(asdict(report))
    else:
        terminal.show_lines(findings.imported(report))
