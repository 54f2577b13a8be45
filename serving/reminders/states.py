"""Where each pair stands today: due soon, due now, late, lost or not due, since when, and why in one sentence.

A state is told from the gap as it looked when the pair was last bought (`rhythm`), with `p50`, `p75` and `p95` the days
by which half, three quarters and nineteen in twenty of those who buy again have done so:

    due_soon   p50 - lead <= today < p50
    due_now    p50 <= today < p75
    late       p75 <= today < p95
    lost       p95 <= today, and the customer has bought something else since
    not_due    everything else: before all that, or past p95 with nothing bought at all since - then it is the customer
               who stays away, which is no matter of one product
"""

from dataclasses import dataclass
from typing import Final, Literal, get_args

import duckdb

from features.cutoff import Cutoff
from serving.reminders.rhythm import PAIR_GAPS

State = Literal["not_due", "due_soon", "due_now", "late", "lost"]
STATES: Final[tuple[State, ...]] = get_args(State)
DUE: Final[tuple[State, ...]] = ("due_soon", "due_now", "late")
"""The states in which a reminder says something."""

LEAD_DAYS: Final = 5


@dataclass(frozen=True)
class StateRow:
    """One state: when it holds, from which local day number on, and the end of its sentence; SQL over `told`."""

    name: State
    when: str
    since_day: str
    ends: str


# The first that holds counts.
TABLE: Final = (
    StateRow(
        "lost",
        "elapsed >= usual_p95 and next_order_day is not null",
        "greatest(last_day + usual_p95, next_order_day)",
        "'; of those who buy it again 95 in 100 have after ' || {p95} || ', and other things were bought since'",
    ),
    StateRow(
        "not_due",
        "elapsed >= usual_p95",
        "last_day + usual_p95",
        "'; nothing at all was bought since, so it is not about this alone'",
    ),
    StateRow(
        "late",
        "elapsed >= usual_p75",
        "last_day + usual_p75",
        "', ' || {over} || ' over'",
    ),
    StateRow(
        "due_now",
        "elapsed >= usual",
        "last_day + usual",
        "case when elapsed = usual then '; due today' else '; due since ' || {due} end",
    ),
    StateRow(
        "due_soon",
        "elapsed >= usual - {lead_days}",
        "greatest(last_day, last_day + usual - {lead_days})",
        "'; due in ' || {left}",
    ),
    StateRow("not_due", "true", "last_day", "'; due in ' || {left} || ', on ' || {due}"),
)


def days_sql(number: str) -> str:
    """Return SQL of a number of days in words: `1 day`, `29 days`."""
    return f"({number} || case when {number} = 1 then ' day' else ' days' end)"


def date_sql(day: str, cutoff: Cutoff) -> str:
    """Return SQL of a local day number as a date in words, `3 May`; with the year when it is not the cutoff's."""
    date = f"(date '1970-01-01' + cast({day} as integer))"
    return (
        f"(strftime({date}, '%-d %B') || case when year({date}) = {cutoff.local_date.year} "
        f"then '' else strftime({date}, ' %Y') end)"
    )


def stage(connection: duckdb.DuckDBPyConnection, cutoff: Cutoff, lead_days: int) -> None:
    """Fill the temporary table `reminder_states`: row, state, state_since (local date) and state_reason.

    A row whose pair has no purchase in the ledger, which no forecast should hold, has no state.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        After `serving.reminders.rhythm.stage`.
    cutoff : Cutoff
    lead_days : int, days
        How long before it is due something counts as due soon.
    """
    words = {
        "lead_days": str(lead_days),
        "p95": days_sql("usual_p95"),
        "over": days_sql("(elapsed - usual)"),
        "left": days_sql("(usual - elapsed)"),
        "due": date_sql("last_day + usual", cutoff),
    }
    place = " ".join(f"when {row.when.format(**words)} then {number}" for number, row in enumerate(TABLE))
    names = " ".join(f"when {number} then '{row.name}'" for number, row in enumerate(TABLE))
    since = " ".join(
        f"when {number} then {row.since_day.format(**words)}" for number, row in enumerate(TABLE)
    )
    ends = " ".join(f"when {number} then {row.ends.format(**words)}" for number, row in enumerate(TABLE))
    own = f"'usually every ' || {days_sql('usual')} || '; last bought on '"
    others = f"'others buy it again after ' || {days_sql('usual')} || '; bought once, on '"
    mostly = (
        f"'by ' || days_bought || ' purchases and what others do, every ' || {days_sql('usual')} "
        "|| '; last bought on '"
    )
    usually = (
        f"case when days_bought > {PAIR_GAPS} then {own} when days_bought > 1 then {mostly} else {others} end"
    )
    last = f"{date_sql('last_day', cutoff)} || ', ' || {days_sql('elapsed')} || ' ago'"
    connection.execute(
        f"""
        create or replace temp table reminder_states as
        with placed as (
            select *, case {place} end as place from reminder_rows where last_day is not null
        )
        select
            row, case place {names} end as state,
            date '1970-01-01' + cast(case place {since} end as integer) as state_since,
            {usually} || {last} || case place {ends} end as state_reason
        from placed
        """
    )
