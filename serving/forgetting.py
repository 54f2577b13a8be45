"""Erasing a customer everywhere: who is meant, the steps in their order, and the search that proves it.

The command and the page take the same steps. A page cannot wait for them: `start` lets a process of its own take them,
which tells how far it is in a small file that names nobody.
"""

import json
import re
import secrets
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

from features.cutoff import Cutoff
from ledger import erasure, person, proof, small_files
from ledger.arrivals import Arrivals
from ledger.erasure import Erased
from ledger.errors import InputError
from ledger.home import Home
from ledger.person import Person, sought
from ledger.proof import Progress, Proof
from ledger.store import Ledger
from serving import erasure as scored
from serving.export import deliveries
from serving.lock import alone

STATUSES_KEPT: Final = 20
SEARCHING: Final = "Searching every file"
RUNNING, DONE, FAILED = "running", "done", "failed"
_TOKEN: Final = re.compile(r"[0-9a-f]{32}")


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

    person: Person
    rows: dict[str, int]
    before: Erased | None
    delivered: tuple[str, ...] = ()


@dataclass(frozen=True)
class Step:
    """One step of an erasure; taking it again does no harm."""

    name: str
    take: Callable[[], object]


def look_up(ledger: Ledger, customer: str, now: datetime) -> Known:
    """
    Find who is meant, and how many rows are his.

    Raises
    ------
    InputError
        When the id is nobody's own.
    """
    with ledger.connect() as connection:
        found = person.find(connection, customer, now)
        rows = person.count(connection, found)
        before = erasure.erased_before(connection, customer)
    delivered = deliveries.holding(ledger.home, found.ids)
    return Known(found, rows | scored.count(ledger.home, found.ids), before, delivered)


def carry_out(ledger: Ledger, known: Known, now: datetime, progress: Progress) -> None:
    """Take every step, while no import and no scoring run writes."""
    with alone(ledger.home), ledger.exclusive():
        todo = steps(ledger, known, now)
        for number, step in enumerate(todo):
            progress(step.name, number / len(todo))
            step.take()


def steps(ledger: Ledger, known: Known, now: datetime) -> tuple[Step, ...]:
    """Return the steps in their order.

    First it is written down that he is erased, so that no import brings him back. His rows in the ledger go last,
    for they alone tell who else he was: until their one commit, the same command begins a killed erasure anew;
    after it, what is left to remove is whatever belongs to no present version, and needs no name.
    """
    home, person_ = ledger.home, known.person
    salt = secrets.token_hex(16)
    note = Step("Writing the erasure down", lambda: erasure.remember(ledger, person_, now, salt))
    rest = (
        Step("Publishing the scores of the others", lambda: scored.unpublish(home, person_.ids)),
        Step("Removing scores, refills and memberships", lambda: scored.remove(home, person_.ids)),
        Step("Removing what was posted", lambda: Arrivals(home.arrivals).forget(person_.ids)),
        Step("Removing rows from the ledger", lambda: erasure.forget(ledger, person_)),
    )
    return (note, *rest) if known.rows else rest


def search(home: Home, known: Known, progress: Progress) -> Proof:
    """Search every file for all he is called and, by its hashes, for what he was called when he was erased."""
    wanted = sought(known.person)
    if known.before is not None:
        wanted = replace(wanted, salt=known.before.salt, hashes=known.before.hashes)
    return proof.search(home, wanted, progress)


def releases_with(home: Home, first_known_at: datetime | None) -> tuple[str, ...]:
    """Return the releases trained when somebody was known already, and those that do not say when they were."""
    if first_known_at is None:
        return ()
    manifests = sorted(home.releases.glob("*/manifest.json"))
    return tuple(path.parent.name for path in manifests if _trained_at(path.read_bytes()) > first_known_at)


def _trained_at(manifest: bytes) -> datetime:
    try:
        facts = json.loads(manifest)
        return Cutoff.at_midnight(date.fromisoformat(facts["as_of"]), facts["time_zone"]).at
    except (ValueError, KeyError, TypeError):
        return datetime.max.replace(tzinfo=UTC)


def told(home: Home, known: Known) -> dict[str, Any]:
    """Return what will be removed and what stays, in numbers: of the customer himself nothing is in it."""
    return {
        "rows": known.rows,
        "ids": len(known.person.ids),
        "emails": len(known.person.emails),
        "phones": len(known.person.phones),
        "shared_with_others": known.person.shared,
        "releases": releases_with(home, known.person.first_known_at),
        "delivered": known.delivered,
        "erased_before": known.before is not None,
    }


def start(home: Home, customer_id: str) -> str:
    """
    Let a process of its own erase a customer.

    Parameters
    ----------
    home : Home
    customer_id : str
        It reaches the process by its standard input: arguments are there for others to read.

    Returns
    -------
    str
        By which `status` tells how far it is.
    """
    token = secrets.token_hex(16)
    home.erasures.mkdir(parents=True, exist_ok=True)
    written = sorted(home.erasures.glob("*.json"), key=lambda path: path.stat().st_mtime)
    for path in written[: -STATUSES_KEPT or None]:
        path.unlink(missing_ok=True)
    _say(home, token, {"state": RUNNING, "step": "", "share": 0.0})
    command = [sys.executable, "-m", "serving.forgetting", str(home.path), token]
    process = subprocess.Popen(  # noqa: S603 - this module itself, and a token that we made
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    if process.stdin is not None:
        with process.stdin as given:
            given.write(customer_id.encode())
    return token


def status(home: Home, token: str) -> Mapping[str, Any] | None:
    """Return how far an erasure is: state, step and share, and in the end what was removed and found; None of none."""
    if not _TOKEN.fullmatch(token):
        return None
    try:
        found: Mapping[str, Any] = json.loads((home.erasures / f"{token}.json").read_bytes())
    except FileNotFoundError:
        return None
    return found


def erase(home: Home, customer_id: str, now: datetime, progress: Progress) -> dict[str, Any]:
    """Erase a customer, search for what is left, and return both as `told` and `Proof` have them."""
    ledger = Ledger(home)
    known = look_up(ledger, customer_id, now)
    removed = told(home, known)
    carry_out(ledger, known, now, progress)
    found = search(home, known, lambda _, share: progress(SEARCHING, share))
    return {**removed, "proof": asdict(found)}


def _say(home: Home, token: str, said: Mapping[str, Any]) -> None:
    path = home.erasures / f"{token}.json"
    small_files.put(path, json.dumps(said))


def _main(path: str, token: str, customer_id: str) -> None:
    home = Home(Path(path))

    def progress(step: str, share: float) -> None:
        _say(home, token, {"state": RUNNING, "step": step, "share": share})

    try:
        report = erase(home, customer_id, datetime.now(UTC), progress)
    except InputError as error:
        _say(home, token, {"state": FAILED, "why": str(error)})
    except BaseException:
        _say(home, token, {"state": FAILED, "why": ""})
        raise
    else:
        _say(home, token, {"state": DONE, **report})


if __name__ == "__main__":
    _main(sys.argv[1], sys.argv[2], sys.stdin.read())
