"""`regulars erase`: a customer taken out of the whole home, and a search of it that proves so."""

import sys
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from ledger.errors import InputError
from regulars import terminal
from regulars.options import AsJson, HomeDirectory, ledger_of, settings_of

# What the commands need is imported when one runs: `regulars --help` answers at once.
# ruff: noqa: PLC0415
if TYPE_CHECKING:
    from ledger.home import Home
    from ledger.proof import Proof
    from serving.forgetting import Known

Customer = Annotated[
    str, typer.Argument(metavar="CUSTOMER", help="The customer's id, e-mail address or telephone number.")
]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
Check = Annotated[bool, typer.Option("--check", help="Search the home only, and remove nothing.")]

NO_ROWS_IN_RELEASES = "  They and their MLflow runs hold fitted numbers and no customer's rows."
REMOVED_WITH_THE_NEXT = (
    "  The next delivery to each removes the customer there; until then it keeps a hash to do so. Remove the customer "
    "at klaviyo by hand: it takes no hashes."
)


@dataclass(frozen=True)
class Report:
    """What was removed and what a search then found; of his values only the one that was asked.

    Parameters
    ----------
    customer : str
        As asked.
    erased_before : datetime or None
    removed : dict of str to int
        Rows by table; empty when there was only a search.
    ids, emails, phones : int
        How many he is known by.
    shared_with_others : int
        E-mails and phones that stay, because another customer has them too.
    releases : tuple of str
        Those that were trained while he was known.
    delivered : tuple of str
        Lists elsewhere that held him, as "segment at destination".
    proof : Proof
    """

    customer: str
    erased_before: datetime | None
    removed: dict[str, int]
    ids: int
    emails: int
    phones: int
    shared_with_others: int
    releases: tuple[str, ...]
    delivered: tuple[str, ...]
    proof: "Proof"


def erase(
    customer: Customer,
    *,
    yes: Yes = False,
    check: Check = False,
    home: HomeDirectory = None,
    as_json: AsJson = False,
) -> None:
    """Remove a customer everywhere, and prove it.

    Takes every row out of ledger, scores and segments for good, then searches every file of the home. Exit code 1
    when something still holds the customer.
    """
    from serving.forgetting import carry_out, look_up

    ledger, now = ledger_of(settings_of(home)), datetime.now(UTC)
    known = look_up(ledger, customer, now)
    if not known.rows and known.before is None and not check:
        raise InputError(f"no customer '{customer}' in {ledger.home.path}; give an id, an e-mail or a phone")
    if not check:
        if known.rows and not yes:
            ask(known)
        with terminal.progress() as progress:
            carry_out(ledger, known, now, progress)
    report = _report(ledger.home, customer, known, removed=not check)
    if as_json:
        terminal.show_json(asdict(report))
    else:
        terminal.show_lines(told(report))
    if report.proof.found:
        raise typer.Exit(1)


def ask(known: "Known") -> None:
    """Say what will be removed, and ask whether it shall be.

    Raises
    ------
    InputError
        When there is nobody to ask, or the answer is no.
    """
    if not sys.stdin.isatty():
        raise InputError("nothing was erased: it cannot be undone, so give --yes where nobody can be asked")
    person = known.person
    typer.echo(f"Rows to remove: {_counts(known.rows)}", err=True)
    typer.echo(
        f"Known by {len(person.ids)} ids, {len(person.emails)} e-mails, {len(person.phones)} phones", err=True
    )
    if not typer.confirm("Remove all of it? It cannot be undone", err=True):
        raise InputError("nothing was erased")


def _report(home: "Home", customer: str, known: "Known", *, removed: bool) -> Report:
    from serving.forgetting import releases_with, search

    person = known.person
    with terminal.progress() as progress:
        found = search(home, known, progress)
    return Report(
        customer=customer,
        erased_before=known.before.at if known.before else None,
        removed=known.rows if removed else {},
        ids=len(person.ids),
        emails=len(person.emails),
        phones=len(person.phones),
        shared_with_others=person.shared,
        releases=releases_with(home, person.first_known_at),
        delivered=known.delivered,
        proof=found,
    )


def told(report: Report) -> list[str]:
    """Return the report in sentences."""
    lines = []
    if report.erased_before:
        lines.append(f"Erased before, on {report.erased_before:%Y-%m-%d %H:%M} UTC.")
    if report.removed:
        lines.append(f"Rows removed: {_counts(report.removed)}")
    if report.shared_with_others:
        lines.append(
            f"{report.shared_with_others} of the e-mails and phones stay: another customer has them too."
        )
    if report.releases:
        lines.append(f"Trained while the customer was known: {', '.join(report.releases)}")
        lines.append(NO_ROWS_IN_RELEASES)
    if report.delivered:
        lines.append(f"Delivered to: {', '.join(report.delivered)}")
        lines.append(REMOVED_WITH_THE_NEXT)
    lines += _proved(report.proof)
    if report.erased_before and report.proof.found:
        lines.append(
            "What is held came after that erasure, or it was not finished: erase again to remove it."
        )
    return lines


def _proved(proof: "Proof") -> list[str]:
    kinds = ", ".join(f"{files} {kind}" for kind, files in proof.kinds.items())
    lines = [f"Searched: {proof.files} files ({kinds})"]
    lines += [f"  not what its name says, so searched as bytes: {path}" for path in proof.unreadable]
    lines += [f"  STILL HELD in {one.path}: {one.place}, {one.cells:,} times" for one in proof.found]
    lines.append(f"Places that still hold the customer: {len(proof.found)}")
    lines += ["Not looked for:", *(f"  {what}" for what in proof.not_looked_for)]
    return [*lines, "Not covered:", *(f"  {what}" for what in proof.outside)]


def _counts(rows: dict[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in rows.items())
