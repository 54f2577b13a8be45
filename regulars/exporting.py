"""`regulars export`: scores, refills, reminders, demand and members of a segment into a file."""

from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ledger.errors import InputError
from regulars import terminal
from regulars.options import AsJson, HomeDirectory, Out, SegmentName, To, home_of, settings_of

# What the commands need is imported when one runs: `regulars --help` answers at once.
# ruff: noqa: PLC0415
if TYPE_CHECKING:
    from httpx import URL

    from ledger.home import Home
    from regulars.settings import Settings
    from serving.export.courier import Courier
    from serving.export.delivery import Request

commands = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


class State(StrEnum):
    """Where a refill stands; as `serving.reminders.states` has them."""

    NOT_DUE = "not_due"
    DUE_SOON = "due_soon"
    DUE_NOW = "due_now"
    LATE = "late"
    LOST = "lost"


class Level(StrEnum):
    """Refills of products, or of whole categories."""

    PRODUCT = "product"
    CATEGORY = "category"


InState = Annotated[
    list[State] | None, typer.Option("--state", help="Only in this state; may be given many times.")
]
OfProduct = Annotated[str | None, typer.Option("--product", metavar="ID", help="Only of this product.")]
OfCategory = Annotated[
    str | None, typer.Option("--category", metavar="PATH", help="Only of this category and those beneath it.")
]
AtLevel = Annotated[Level | None, typer.Option("--level", help="Only of products, or of categories.")]
DueFrom = Annotated[
    datetime | None,
    typer.Option(
        "--due-from", formats=["%Y-%m-%d"], metavar="DATE", help="Probably bought on this day or later."
    ),
]
DueTo = Annotated[
    datetime | None,
    typer.Option(
        "--due-to", formats=["%Y-%m-%d"], metavar="DATE", help="Probably bought on this day or earlier."
    ),
]
Suppressed = Annotated[
    bool | None,
    typer.Option(
        "--suppressed/--not-suppressed",
        help="Only what must not be reminded, or only what may.",
        show_default=False,
    ),
]
ToFile = Annotated[
    Path | None,
    typer.Option(
        "--out", metavar="FILE", help="The file to write; of removals, FILE with .remove before its ending."
    ),
]
ToDestination = Annotated[
    str | None,
    typer.Option(
        "--to",
        help="csv, parquet, meta, google, klaviyo or webhook.  [default: by the file's ending]",
    ),
]
Delta = Annotated[
    bool, typer.Option("--delta", help="Only who entered and left since the last delivery there.")
]
Since = Annotated[
    str | None,
    typer.Option(
        "--since", metavar="TOKEN", help="Only who entered and left since the delivery that answered TOKEN."
    ),
]
Url = Annotated[
    str | None,
    typer.Option("--url", metavar="ADDRESS", help="The webhook's receiver.  [default: REGULARS_WEBHOOK_URL]"),
]


@commands.command("scores")
def export_scores(out: Out, *, to: To = None, home: HomeDirectory = None, as_json: AsJson = False) -> None:
    """Write every score, one row a customer."""
    from serving.export import exports

    terminal.answer(
        {"rows": exports.export_scores(home_of(home), out, to), "file": str(out)}, as_json=as_json
    )


@commands.command("replenishment")
def export_replenishment(  # noqa: PLR0913 - one a switch
    out: Out,
    *,
    state: InState = None,
    product: OfProduct = None,
    category: OfCategory = None,
    level: AtLevel = None,
    due_from: DueFrom = None,
    due_to: DueTo = None,
    suppressed: Suppressed = None,
    to: To = None,
    home: HomeDirectory = None,
    as_json: AsJson = False,
) -> None:
    """Write who runs out of what, and when.

    One row a customer and product or category: how likely it is bought within 7 and 14 days, where it stands and why,
    and why nobody should be reminded of it.
    """
    from serving.export import exports
    from serving.reminders.listing import Wanted

    wanted = Wanted(
        product=product,
        category=category,
        level=level,
        states=tuple(state or ()),
        suppressed=suppressed,
        due_from=due_from.date() if due_from else None,
        due_to=due_to.date() if due_to else None,
    )
    rows = exports.export_replenishment(home_of(home), out, to, wanted)
    terminal.answer({"rows": rows, "file": str(out)}, as_json=as_json)


@commands.command("reminders")
def export_reminders(out: Out, *, to: To = None, home: HomeDirectory = None, as_json: AsJson = False) -> None:
    """Write whom to remind of what, on which day.

    One row a customer with anything due: the day that catches most of it, his usual weekday and hour, what is at stake.
    """
    from serving.export import exports

    rows = exports.export_reminders(home_of(home), out, to)
    terminal.answer({"rows": rows, "file": str(out)}, as_json=as_json)


@commands.command("demand")
def export_demand(  # noqa: PLR0913 - one a switch
    out: Out,
    *,
    product: OfProduct = None,
    category: OfCategory = None,
    level: AtLevel = None,
    to: To = None,
    home: HomeDirectory = None,
    as_json: AsJson = False,
) -> None:
    """Write how many pieces are expected to be bought on each of the next 30 days.

    One row a product or category and day, with an interval that eight days in ten should fall into.
    """
    from serving.export import exports
    from serving.reminders.listing import Wanted

    wanted = Wanted(product=product, category=category, level=level)
    rows = exports.export_demand(home_of(home), out, to, wanted)
    terminal.answer({"rows": rows, "file": str(out)}, as_json=as_json)


@commands.command("segment")
def export_segment(  # noqa: PLR0913 - one a switch
    name: SegmentName,
    out: ToFile = None,
    *,
    to: ToDestination = None,
    delta: Delta = False,
    since: Since = None,
    url: Url = None,
    home: HomeDirectory = None,
    as_json: AsJson = False,
) -> None:
    """Write a segment's members, or deliver them to where they are written to.

    To csv and parquet: everybody, with scores, since when, and why. To meta, google, klaviyo and webhook: who may be
    delivered there, and beside that who is to be removed. --delta takes what changed since the last delivery.
    """
    from dataclasses import asdict

    from serving.export import delivery, exports

    destination = exports.destination_for(out, to)
    if destination.write is None:
        if out is not None:
            raise InputError(
                f"{destination.name} writes no file; give its address with --url instead of --out"
            )
        settings = settings_of(home)
        receiver, courier = _receiver(settings, url)
        request = _request(home_of(home), name, delta=delta, since=since)
        terminal.answer(asdict(delivery.to_webhook(request, receiver, courier)), as_json=as_json)
        return
    if url is not None:
        raise InputError(f"--url is for webhook; {destination.name} writes a file, so give --out")
    if out is None:
        raise InputError(f"{destination.name} writes a file; give --out FILE")
    if destination.audience is None and not delta and since is None:
        rows = exports.export_segment(home_of(home), name, out, to)
        terminal.answer({"rows": rows, "file": str(out)}, as_json=as_json)
        return
    request = _request(home_of(home), name, delta=delta, since=since)
    done = delivery.to_files(request, destination, out)
    files = {"file": str(out), "removes_file": str(delivery.removes_path(out))}
    terminal.answer(files | asdict(done), as_json=as_json)


def _request(home: "Home", segment: str, *, delta: bool, since: str | None) -> "Request":
    from serving.export.delivery import Request

    return Request(home, segment, datetime.now(UTC), delta=delta, since=since)


def _receiver(settings: "Settings", url: str | None) -> "tuple[URL, Courier]":
    """Return a webhook's address and who goes there."""
    import random
    import time

    from serving.export.courier import Courier, World, checked
    from serving.export.signature import Secret

    address = url or settings.webhook_url
    if address is None:
        raise InputError("give the receiver's address with --url, or as REGULARS_WEBHOOK_URL")
    secret = settings.webhook_secret.get_secret_value() if settings.webhook_secret else ""
    world = World(now=lambda: datetime.now(UTC), sleep=time.sleep, random=random.random)
    receiver = checked(address)
    return receiver, Courier(receiver, Secret.read(secret), world)
