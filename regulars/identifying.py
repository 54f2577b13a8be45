"""`regulars identities`: who is who, how that was learnt, and merges by hand."""

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from regulars import terminal
from regulars.options import AsJson, HomeDirectory, ledger_of, settings_of

# What the commands need is imported when one runs: `regulars --help` answers at once.
# ruff: noqa: PLC0415
if TYPE_CHECKING:
    from ledger.joining import Change

commands = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

Identifier = Annotated[str, typer.Argument(metavar="ID", help="A visitor's id or an account, as imported.")]
Customer = Annotated[str, typer.Argument(metavar="CUSTOMER", help="The customer that ID is.")]
How = Annotated[str, typer.Option("--how", help="A word on how it was learnt, kept in the audit trail.")]
KnownBefore = Annotated[
    datetime | None,
    typer.Option(
        "--as-of",
        formats=["%Y-%m-%d"],
        metavar="DATE",
        help="Use what was known before this local day began.  [default: now]",
    ),
]


@commands.command("show")
def show_identity(
    identifier: Identifier, *, as_of: KnownBefore = None, home: HomeDirectory = None, as_json: AsJson = False
) -> None:
    """Print who an id is, who else is the same customer, and all that was ever said of it."""
    from features.cutoff import Cutoff
    from ledger import identity, joining

    ledger = ledger_of(settings_of(home))
    zone = ledger.shop.time_zone
    at = Cutoff.at_midnight(as_of.date(), zone).at if as_of else datetime.now(UTC)
    with ledger.connect() as connection:
        known = joining.known_id(connection, identifier)
        standing = identity.standing(connection, known, at)
        trail = identity.trail(connection, known, at)
    told = {"id": known, "as_of": at} | asdict(standing) | {"trail": [asdict(row) for row in trail]}
    terminal.answer(told, as_json=as_json)


@commands.command("merge")
def merge_identity(
    identifier: Identifier,
    customer: Customer,
    *,
    how: How = "merged",
    home: HomeDirectory = None,
    as_json: AsJson = False,
) -> None:
    """Read an id's history as a customer's, from now on.

    What was computed as of an earlier day stays as it was. `regulars identities unmerge ID` parts the two again.
    """
    from ledger import joining

    ledger = ledger_of(settings_of(home))
    change = joining.merge(ledger, identifier, customer, how, datetime.now(UTC))
    _answer(change, ledger.shop.time_zone, as_json=as_json)


@commands.command("unmerge")
def unmerge_identity(identifier: Identifier, *, home: HomeDirectory = None, as_json: AsJson = False) -> None:
    """Let an id be nobody but itself, from now on."""
    from ledger import joining

    ledger = ledger_of(settings_of(home))
    change = joining.unmerge(ledger, identifier, datetime.now(UTC))
    _answer(change, ledger.shop.time_zone, as_json=as_json)


@commands.command("hubs")
def list_hubs(*, home: HomeDirectory = None, as_json: AsJson = False) -> None:
    """Print the ids that were too many customers, such as a shared device, and so join nobody."""
    from ledger import identity

    with ledger_of(settings_of(home)).connect() as connection:
        found = identity.hubs(connection, datetime.now(UTC))
    terminal.answer([asdict(hub) for hub in found], as_json=as_json)


def _answer(change: "Change", time_zone: str, *, as_json: bool) -> None:
    from features.cutoff import Cutoff

    first_day = Cutoff(change.known_at, time_zone).local_date + timedelta(days=1)
    terminal.answer(asdict(change) | {"counts_as_of": first_day}, as_json=as_json)
