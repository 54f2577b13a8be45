"""`regulars export`: scores, refills, reminders, demand and members of a segment into a file."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

import typer

from regulars import terminal
from regulars.options import AsJson, HomeDirectory, Out, SegmentName, To, home_of

# What the commands need is imported when one runs: `regulars --help` answers at once.
# ruff: noqa: PLC0415

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
def export_segment(
    name: SegmentName, out: Out, *, to: To = None, home: HomeDirectory = None, as_json: AsJson = False
) -> None:
    """Write a segment's members.

    With their scores, since when they are in it, and why.
    """
    from serving.export import exports

    rows = exports.export_segment(home_of(home), name, out, to)
    terminal.answer({"rows": rows, "file": str(out)}, as_json=as_json)
