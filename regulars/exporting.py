"""`regulars export`: scores, refills and members of a segment into a file."""

import typer

from regulars import terminal
from regulars.options import AsJson, HomeDirectory, Out, SegmentName, To, home_of

# What the commands need is imported when one runs: `regulars --help` answers at once.
# ruff: noqa: PLC0415

commands = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


@commands.command("scores")
def export_scores(out: Out, *, to: To = None, home: HomeDirectory = None, as_json: AsJson = False) -> None:
    """Write every score, one row a customer."""
    from serving.export import exports

    terminal.answer(
        {"rows": exports.export_scores(home_of(home), out, to), "file": str(out)}, as_json=as_json
    )


@commands.command("replenishment")
def export_replenishment(
    out: Out, *, to: To = None, home: HomeDirectory = None, as_json: AsJson = False
) -> None:
    """Write who runs out of what, and when.

    One row a customer and product or category, with the chance that it is bought within 7 and 14 days.
    """
    from serving.export import exports

    rows = exports.export_replenishment(home_of(home), out, to)
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
