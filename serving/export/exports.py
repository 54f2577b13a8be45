"""`regulars export`: the latest scores, refills, reminders, demand or members, in one whole file or none."""

import os
import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from ledger.errors import InputError
from ledger.home import Home
from serving import tables
from serving.export.destination import Destination
from serving.export.shipped import DESTINATIONS
from serving.reminders.listing import EVERYTHING, Wanted

NOTHING_SCORED = "nothing has been scored yet; run `regulars score`"


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

    Raises
    ------
    InputError
        As `export_scores`; also when nobody ever was in a segment of that name.
    """
    memberships = tables.read(home.memberships)
    if memberships is None:
        raise InputError(NOTHING_SCORED)
    mine = memberships.filter(pc.equal(memberships["segment"], name))
    if mine.num_rows == 0:
        raise InputError(f"segment '{name}' has no members; `regulars segments list` shows which there are")
    members = mine.filter(pc.is_null(mine["left_at"])).drop_columns(["left_at"])
    # Arrow joins carry no lists, so reasons are put back by row number.
    numbered = members.drop_columns(["reasons"]).append_column("row", pa.array(range(members.num_rows)))
    joined = numbered.join(_newest(home.scores), "customer_id", join_type="left outer").sort_by("customer_id")
    reasons = members["reasons"].take(joined["row"])
    place = joined.column_names.index("row")
    return _write(joined.set_column(place, "reasons", reasons), out, to)


def destination_for(out: Path, to: str | None) -> Destination:
    """
    Return the destination named, or the one that the file's ending names.

    Raises
    ------
    InputError
        When there is none; lists those there are.
    """
    by_name = {destination.name: destination for destination in DESTINATIONS}
    by_extension = {destination.extension: destination for destination in DESTINATIONS}
    found = by_extension.get(out.suffix.lower()) if to is None else by_name.get(to)
    if found is None:
        what = f"destination '{to}'" if to is not None else f"file ending '{out.suffix}' of --out"
        raise InputError(f"unknown {what}; give --to with one of: {', '.join(by_name)}")
    return found


def _newest(path: Path, by: tuple[str, ...] = ("customer_id",)) -> pa.Table:
    table = tables.read_newest(path)
    if table is None:
        raise InputError(NOTHING_SCORED)
    return table.sort_by([(name, "ascending") for name in by])


def _write(table: pa.Table, out: Path, to: str | None) -> int:
    """Write beside `out` and move over it, so that a reader or a crash never sees half a file."""
    destination = destination_for(out, to)
    if not out.parent.is_dir():
        raise InputError(f"--out: there is no directory {out.parent}; make it first")
    if out.is_dir():
        raise InputError(f"--out: {out} is a directory; give a file name in it")
    try:
        with tempfile.TemporaryDirectory(dir=out.parent, prefix=".export-") as scratch:
            written = Path(scratch) / out.name
            destination.write(table, written)
            with written.open("rb") as file:
                os.fsync(file.fileno())
            written.replace(out)
    except OSError as error:
        raise InputError(f"--out: cannot write {out}: {error.strerror or type(error).__name__}") from error
    return int(table.num_rows)
