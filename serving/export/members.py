"""Who is in a segment at present: since when, why, and with which scores."""

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable

from ledger.errors import InputError
from ledger.home import Home
from models.scores import UNSCORED
from serving import tables
from serving.store import PublishedRun

NOTHING_SCORED = "nothing has been scored yet; run `regulars score`"


def newest(home: Home, segment: str, *, told: bool = True) -> pa.Table:
    """
    Return a segment's members as of the latest run, sorted by customer.

    Parameters
    ----------
    home : Home
    segment : str
        Its name.
    told : bool
        Whether with all that is told of them, or just who they are and since when: of a million, a gigabyte less.

    Returns
    -------
    pa.Table
        customer_id, segment, entered_at, and if they are told reasons, as_of, release and every score.

    Raises
    ------
    InputError
        Before the first run, and when nobody ever was in a segment of that name.
    """
    as_of = tables.newest_as_of(home.scores)
    if as_of is None or not DeltaTable.is_deltatable(str(home.memberships)):
        raise InputError(NOTHING_SCORED)
    columns = None if told else ["customer_id", "segment", "entered_at", "left_at"]
    mine = DeltaTable(str(home.memberships)).to_pyarrow_table(
        filters=pc.field("segment") == segment, columns=columns
    )
    if mine.num_rows == 0:
        raise InputError(
            f"segment '{segment}' has no members; `regulars segments list` shows which there are"
        )
    members = mine.filter(pc.is_null(mine["left_at"])).drop_columns(["left_at"])
    if not told:
        return members.sort_by("customer_id")
    scores = tables.read_as_of(home.scores, as_of)
    if scores is None:
        raise InputError(NOTHING_SCORED)
    # Arrow joins carry no lists, so reasons are put back by row number.
    numbered = members.drop_columns(["reasons"]).append_column(
        "row", pa.array(range(members.num_rows), pa.int64())
    )
    joined = numbered.join(scores, "customer_id", join_type="left outer").sort_by("customer_id")
    # Who never ordered has no scores on record.
    for name, value in (("as_of", as_of), ("release", pc.max(scores["release"])), ("confidence", UNSCORED)):
        place = joined.column_names.index(name)
        joined = joined.set_column(place, name, pc.fill_null(joined[name], value))
    reasons = members["reasons"].take(joined["row"])
    place = joined.column_names.index("row")
    return joined.set_column(place, "reasons", reasons)


def published(run: PublishedRun, segment: str) -> pa.Table:
    """
    Return the same of the published run, which costs what its members cost: nobody else is read.

    Parameters
    ----------
    run : PublishedRun
    segment : str

    Returns
    -------
    pa.Table
        As `newest`.
    """
    mine = run.memberships(segment)
    everybody = run.tables["scores"]
    scores = everybody.take(
        pc.index_in(mine["customer_id"], value_set=everybody["customer_id"].combine_chunks())
    )
    told = {
        **{name: mine[name] for name in mine.column_names},
        "as_of": pa.repeat(pa.scalar(run.facts.as_of, mine.schema.field("entered_at").type), mine.num_rows),
        "release": pa.repeat(run.facts.release, mine.num_rows),
        **{name: scores[name] for name in scores.column_names if name != "customer_id"},
    }
    return pa.table(told)
