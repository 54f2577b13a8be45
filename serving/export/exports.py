"""`regulars export`: the latest scores, refills, reminders, demand or members, in one whole file or none."""

from pathlib import Path

import pyarrow as pa

from ledger.errors import InputError
from ledger.home import Home
from serving import tables
from serving.export import members
from serving.export.destination import Destination
from serving.export.files import write_whole
from serving.export.shipped import DESTINATIONS
from serving.reminders.listing import EVERYTHING, Wanted


def export_scores(home: Home, out: Path, to: str | None = None) -> int:
    """
    Write the latest run's scores, one row a customer.

    Parameters
    ----------
    home : Home
    out : Path
        File to write; its ending selects the destination unless `to` names one.
    to : str, optional
        Name of a destination.

    Returns
    -------
    int, rows

    Raises
    ------
    InputError
        When nothing was scored, the destination is unknown or the file cannot be written.
    """
    return _write(_newest(home.scores), out, to)


def export_replenishment(home: Home, out: Path, to: str | None = None, wanted: Wanted = EVERYTHING) -> int:
    """
    Write the latest run's next purchases per customer and product or category; see `export_scores`.

    Parameters
    ----------
    home : Home
    out : Path
    to : str, optional
    wanted : Wanted
        Which rows; all by default.
    """
    return _write(wanted.among(_newest(home.replenishment)), out, to)


def export_reminders(home: Home, out: Path, to: str | None = None) -> int:
    """Write the latest run's suggested reminders, one row a customer with anything due; see `export_scores`."""
    return _write(_newest(home.suggestions), out, to)


def export_demand(home: Home, out: Path, to: str | None = None, wanted: Wanted = EVERYTHING) -> int:
    """
    Write the latest run's expected demand, a row a product or category and day; see `export_scores`.

    Parameters
    ----------
    home : Home
    out : Path
    to : str, optional
    wanted : Wanted
        Of which product, category or level; nothing else of it is looked at.
    """
    days = _newest(home.demand, by=("level", "product_id", "category", "date"))
    return _write(wanted.items_among(days), out, to)


def export_segment(home: Home, name: str, out: Path, to: str | None = None) -> int:
    """
    Write a segment's present members: customer_id, segment, entered_at, reasons and his scores.

    Nothing is written down of it: who wants to be told what changed asks for a delivery (`serving.export.delivery`).

    Raises
    ------
    InputError
        As `export_scores`; also when nobody ever was in a segment of that name.
    """
    return _write(members.newest(home, name), out, to)


def destination_for(out: Path | None, to: str | None) -> Destination:
    """
    Return the destination named, or the one that the file's ending names.

    Raises
    ------
    InputError
        When there is none; lists those there are.
    """
    by_name = {destination.name: destination for destination in DESTINATIONS}
    by_extension = {each.extension: each for each in DESTINATIONS if each.extension is not None}
    if to is not None:
        found, what = by_name.get(to), f"destination '{to}'"
    elif out is not None:
        found, what = by_extension.get(out.suffix.lower()), f"file ending '{out.suffix}' of --out"
    else:
        raise InputError("say where to: give --out FILE, or --to webhook and --url ADDRESS")
    if found is None:
        raise InputError(f"unknown {what}; give --to with one of: {', '.join(by_name)}")
    return found


def _newest(path: Path, by: tuple[str, ...] = ("customer_id",)) -> pa.Table:
    table = tables.read_newest(path)
    if table is None:
        raise InputError(members.NOTHING_SCORED)
    return table.sort_by([(name, "ascending") for name in by])


def _write(table: pa.Table, out: Path, to: str | None) -> int:
    destination = destination_for(out, to)
    if destination.audience is not None:
        raise InputError(
            f"{destination.name} takes the members of a segment; use `regulars export segment NAME`"
        )
    write_whole(destination, [(table, out)])
    return int(table.num_rows)
