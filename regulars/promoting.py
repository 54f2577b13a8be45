"""`regulars promote` and `regulars rollback`: which release is served, and who made it so when."""

import getpass
import socket
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from ledger.errors import InputError
from regulars import terminal
from regulars.options import AsJson, HomeDirectory, home_of

# What the commands need is imported when one runs: `regulars --help` answers at once.
# ruff: noqa: PLC0415
if TYPE_CHECKING:
    from ledger.home import Home
    from models.deployments import Deployment
    from models.release import Release

ReleaseName = Annotated[
    str | None, typer.Argument(metavar="[RELEASE]", help="As `regulars promote --list` prints it.")
]
By = Annotated[
    str | None, typer.Option("--by", metavar="NAME", help="Who asks.  [default: user@host of this machine]")
]
Listing = Annotated[
    bool,
    typer.Option("--list", help="Print what was served since when, and what was refused; change nothing."),
]
LONGEST_NAME = 100


def promote(
    release: ReleaseName = None,
    *,
    listing: Listing = False,
    by: By = None,
    home: HomeDirectory = None,
    as_json: AsJson = False,
) -> None:
    """Serve another release, or list what was served when.

    It is loaded and tried out before: one that is damaged or of other features is refused, and the one before goes
    on being served. A running service takes it over within seconds, without an error.
    """
    from models import deployments

    shop = home_of(home)
    if listing:
        _list(shop, as_json=as_json)
        return
    if release is None:
        raise InputError("name the release to serve; `regulars promote --list` shows which there are")
    done = deployments.promote(
        shop, release, by=name_of(by), at=datetime.now(UTC), accept=partial(_accept, shop)
    )
    _answer(shop, done, as_json=as_json)


def rollback(*, by: By = None, home: HomeDirectory = None, as_json: AsJson = False) -> None:
    """Serve the release again that was served before; asked again, the one before that."""
    from models import deployments

    shop = home_of(home)
    done = deployments.rollback(shop, by=name_of(by), at=datetime.now(UTC), accept=partial(_accept, shop))
    _answer(shop, done, as_json=as_json)


def name_of(given: str | None) -> str:
    """Return who asks, for the log."""
    if given is not None:
        if not given.strip() or not given.isprintable() or len(given) > LONGEST_NAME:
            raise InputError(f"--by takes a name of 1 to {LONGEST_NAME} printable characters")
        return given.strip()
    try:
        user = getpass.getuser()
    except (OSError, KeyError):  # a container's user may have no name
        user = "unknown"
    return f"{user}@{socket.gethostname()}"[:LONGEST_NAME]


def _accept(home: "Home", release: "Release") -> None:
    """Do what a worker of the service does before it takes a release."""
    from segments.segment import load_library
    from serving.tried import open_scorer

    open_scorer(home, release, load_library())


def _list(home: "Home", *, as_json: bool) -> None:
    from models import deployments
    from models.release import deployed_release

    log = [one.model_dump(mode="json") for one in deployments.listed(home)]
    served, damaged = None, None
    try:
        served = deployed_release(home)
    except InputError as error:  # the list is what it is mended by
        damaged = str(error)
    there = deployments.releases(home)
    if as_json:
        terminal.show_json({"served": served, "releases": there, "log": log})
    else:
        terminal.show([{"release": name, "served": "yes" if name == served else ""} for name in there])
        terminal.show(log, title="\nWhat was served since when:")
    if damaged is not None:
        typer.echo(damaged, err=True)


def _answer(home: "Home", done: "Deployment", *, as_json: bool) -> None:
    from serving.store import PublishedRun

    terminal.answer(done.model_dump(exclude={"refused"}, mode="json"), as_json=as_json)
    try:
        scored_by = PublishedRun.open(home).facts.release
    except InputError:
        scored_by = None
    if scored_by != done.release:
        typer.echo("stored scores are the other release's until `regulars score` has run", err=True)
