"""`regulars erase`: a customer taken out of the whole home, and a search of it that proves so."""

import json
import secrets
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from ledger.errors import InputError
from regulars import terminal
from regulars.options import AsJson, HomeDirectory, ledger_of, settings_of

# What the commands need is imported when one runs: `regulars --help` answers at once.
# ruff: noqa: PLC0415
if TYPE_CHECKING:
    from ledger.erasure import Erased
    from ledger.home import Home
    from ledger.person import Person
    from ledger.proof import Proof
    from ledger.store import Ledger

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
class Known:
    """What there is of somebody before he is erased.

    Parameters
    ----------
    person : Person
    rows : dict of str to int
        Rows of his by table; empty when there is none.
    before : Erased or None
        An erasure of him that was done, or begun, before.
    delivered : tuple of str
        Lists elsewhere that hold him, as "segment at destination".
    """

    person: "Person"
    rows: dict[str, int]
    before: "Erased | None"
    delivered: tuple[str, ...] = ()


@dataclass(frozen=True)
class Step:
    """One step of an erasure; taking it again does no harm."""

    name: str
    take: Callable[[], object]


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
    ledger, now = ledger_of(settings_of(home)), datetime.now(UTC)
    known = look_up(ledger, customer, now)
    if not known.rows and known.before is None and not check:
        raise InputError(f"no customer '{customer}' in {ledger.home.path}; give an id, an e-mail or a phone")
    if not check:
        if known.rows and not yes:
            ask(known)
        carry_out(ledger, known, now)
    report = _report(ledger.home, customer, known, removed=not check)
    if as_json:
        terminal.show_json(asdict(report))
    else:
        terminal.show_lines(told(report))
    if report.proof.found:
        raise typer.Exit(1)


def look_up(ledger: "Ledger", customer: str, now: datetime) -> Known:
    """Find who is meant, and how many rows are his."""
    from ledger import erasure, person
    from serving import erasure as scored
    from serving.export import deliveries

    with ledger.connect() as connection:
        found = person.find(connection, customer, now)
        rows = person.count(connection, found)
        before = erasure.erased_before(connection, customer)
    delivered = deliveries.holding(ledger.home, found.ids)
    return Known(found, rows | scored.count(ledger.home, found.ids), before, delivered)


def ask(known: Known) -> None:
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


def carry_out(ledger: "Ledger", known: Known, now: datetime) -> None:
    """Take every step, while no import and no scoring run writes."""
    from serving.lock import alone

    with alone(ledger.home), ledger.exclusive(), terminal.progress() as progress:
        todo = steps(ledger, known, now)
        for number, step in enumerate(todo):
            progress(step.name, number / len(todo))
            step.take()


def steps(ledger: "Ledger", known: Known, now: datetime) -> tuple[Step, ...]:
    """Return the steps in their order.

    First it is written down that he is erased, so that no import brings him back. His rows in the ledger go last,
    for they alone tell who else he was: until their one commit, the same command begins a killed erasure anew;
    after it, what is left to remove is whatever belongs to no present version, and needs no name.
    """
    from ledger import erasure
    from ledger.arrivals import Arrivals
    from serving import erasure as scored

    home, person = ledger.home, known.person
    salt = secrets.token_hex(16)
    note = Step("Writing the erasure down", lambda: erasure.remember(ledger, person, now, salt))
    rest = (
        Step("Publishing the scores of the others", lambda: scored.unpublish(home, person.ids)),
        Step("Removing scores, refills and memberships", lambda: scored.remove(home, person.ids)),
        Step("Removing what was posted", lambda: Arrivals(home.arrivals).forget(person.ids)),
        Step("Removing rows from the ledger", lambda: erasure.forget(ledger, person)),
    )
    return (note, *rest) if known.rows else rest


def search(home: "Home", known: Known) -> "Proof":
    """Search every file for all he is called and, by its hashes, for what he was called when he was erased."""
    from ledger import proof
    from ledger.person import sought

    wanted = sought(known.person)
    if known.before is not None:
        wanted = replace(wanted, salt=known.before.salt, hashes=known.before.hashes)
    with terminal.progress() as progress:
        return proof.search(home, wanted, progress)


def releases_with(home: "Home", first_known_at: datetime | None) -> tuple[str, ...]:
    """Return the releases trained when somebody was known already, and those that do not say when they were."""
    if first_known_at is None:
        return ()
    manifests = sorted(home.releases.glob("*/manifest.json"))
    return tuple(path.parent.name for path in manifests if _trained_at(path.read_bytes()) > first_known_at)


def _trained_at(manifest: bytes) -> datetime:
    from features.cutoff import Cutoff

    try:
        facts = json.loads(manifest)
        return Cutoff.at_midnight(date.fromisoformat(facts["as_of"]), facts["time_zone"]).at
    except (ValueError, KeyError, TypeError):
        return datetime.max.replace(tzinfo=UTC)


def _report(home: "Home", customer: str, known: Known, *, removed: bool) -> Report:
    person = known.person
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
        proof=search(home, known),
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
