"""Options that several commands share, and how they become the objects the packages take."""

from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

# What the commands need is imported when one runs: `regulars --help` answers at once.
# ruff: noqa: PLC0415
if TYPE_CHECKING:
    from features.cutoff import Cutoff
    from ledger.home import Home
    from ledger.store import Ledger
    from regulars.settings import Settings

HomeDirectory = Annotated[
    Path | None,
    typer.Option("--home", metavar="DIR", help="The shop's directory.  [default: ./regulars-home]"),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
Files = Annotated[list[Path], typer.Argument(metavar="FILE...", help="CSV or Parquet files.")]
Encoding = Annotated[str, typer.Option("--encoding", help="Character encoding of CSV files.")]
Currency = Annotated[str | None, typer.Option("--currency", help="ISO code; fixed by the first import.")]
TimeZone = Annotated[
    str | None, typer.Option("--time-zone", help="The shop's IANA zone; fixed by the first import.")
]
AsOf = Annotated[
    datetime | None,
    typer.Option(
        "--as-of",
        formats=["%Y-%m-%d"],
        metavar="DATE",
        help="Use what was known before this local day began.  [default: the day after the last order]",
    ),
]
PastDay = Annotated[
    datetime | None,
    typer.Option(
        "--as-of",
        formats=["%Y-%m-%d"],
        metavar="DATE",
        help="Take this local day for today.  [default: the last day whose horizon is over]",
    ),
]
BySlice = Annotated[
    bool,
    typer.Option("--by-slice", help="Also among one-time, repeat, new, heavy and dormant customers."),
]
Replenishment = Annotated[
    bool,
    typer.Option(
        "--replenishment", help="Judge refills instead of customers; 14 days unless said otherwise."
    ),
]
HorizonDays = Annotated[
    int | None, typer.Option("--horizon-days", help="How many days ahead.  [default: 90]")
]
Out = Annotated[
    Path, typer.Option("--out", metavar="FILE", help="The file to write; replaced when it exists.")
]
To = Annotated[
    str | None,
    typer.Option("--to", help="Kind of file, such as csv or parquet.  [default: by the file's ending]"),
]
Workers = Annotated[int | None, typer.Option("--workers", help="Processes that answer.  [default: 1]")]
Port = Annotated[int | None, typer.Option("--port", help="Port of the pages and the API.  [default: 3000]")]


class Engine(StrEnum):
    """Where everybody is scored; the tables written are the same."""

    DUCKDB = "duckdb"
    SPARK = "spark"


OnEngine = Annotated[
    Engine, typer.Option("--engine", help="Embedded DuckDB, or Spark for shops that outgrow one machine.")
]
SegmentName = Annotated[str, typer.Argument(metavar="NAME", help="As `regulars segments list` prints it.")]


def settings_of(home: Path | None, **given: object) -> "Settings":
    """Return the settings in force; what is None was not said."""
    from regulars import settings

    return settings.load(home=home, **given)


def home_of(home: Path | None) -> "Home":
    """Return the shop's home."""
    from ledger.home import Home

    return Home(settings_of(home).home)


def ledger_of(settings: "Settings") -> "Ledger":
    """Return the shop's ledger, with all that was posted to the service until now."""
    from ledger.home import Home
    from ledger.settling import settle
    from ledger.store import Ledger

    ledger = Ledger(Home(settings.home))
    settle(ledger, datetime.now(UTC))
    return ledger


def cutoff_of(ledger: "Ledger", day: datetime | None) -> "Cutoff":
    """Return the start of a local day; of the day after the last order when none is given."""
    from features.cutoff import Cutoff

    return Cutoff.at_midnight(day.date() if day else ledger.default_cutoff_date(), ledger.shop.time_zone)
