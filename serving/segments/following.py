"""A scoring run's last step but publishing: what it changed is recorded, explained and weighed against the past."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from features.cutoff import Cutoff
from ledger.errors import InputError
from ledger.home import Home
from models.scores import UNSCORED
from segments.alarms import Flow, Size, flow, jump
from segments.assign import customers_sql, parse_all
from segments.causes import Described, resolvable, with_causes
from segments.definitions import Definitions
from segments.expression import Expression
from segments.vocabulary import SegmentColumn
from serving.facts import RunFacts, SegmentFacts
from serving.pointer import kept_runs
from serving.scorer import Scored, Scorer, columns_of
from serving.segments.columns import Customers
from serving.segments.records import EVERYBODY, read_trend, record
from serving.store import PublishedRun


@dataclass(frozen=True)
class Followed:
    """What a run publishes about segments beside who is in them.

    Parameters
    ----------
    facts : RunFacts
        With versions, what changed, and what is out of the ordinary.
    memberships : Table
        customer_id, segment, entered_at, reasons.
    trend : Table
        Columns of `serving.segments.records.TREND`.
    customers : Customers
    """

    facts: RunFacts
    memberships: pa.Table
    trend: pa.Table
    customers: Customers


def follow(home: Home, scorer: Scorer, scored: Scored, refills: pa.Table, facts: RunFacts) -> Followed:
    """
    Record what a run changed.

    Parameters
    ----------
    home : Home
    scorer : Scorer
    scored : Scored
        With the memberships of all segments.
    refills : Table
        A row a customer, as segments ask about refills.
    facts : RunFacts
        Of the run, with sizes and values.

    Raises
    ------
    InputError
        When a later cutoff is recorded already.
    """
    versions = Definitions(home.definitions).note(scorer.segments, facts.as_of)
    mine = {each.name: versions[each.name] for each in scorer.segments}
    customers = Customers((scored.features, scored.scores, refills), scored.assignments)
    trend = read_trend(home)
    compared = _Compared(home, scorer, facts, _last_versions(trend), mine)
    recorded = record(home, scored.assignments, facts, mine, lambda found: compared.causes(found, customers))
    # Who never ordered came in by an upgrade, which is no news of the shop: what is compared is who was counted before.
    newcomers = _prospects_of(scored) if facts.prospects and _left_out_before(home, facts.as_of) else {}
    facts = _told(facts, recorded.trend, mine, newcomers)
    # Without the number of the run: one done again that finds the same is the same.
    shown = recorded.trend.drop_columns(["sequence"])
    return Followed(facts, recorded.present.drop_columns(["left_at"]), shown, customers)


def arriving(connection: duckdb.DuckDBPyConnection, as_of: Cutoff) -> dict[str, object]:
    """Return how orders use to arrive, by the names that `RunFacts` has for it; nothing without orders.

    Parameters
    ----------
    connection : DuckDBPyConnection
        With the view `ledger_orders`.
    as_of : Cutoff
    """
    found = flow(connection, as_of.at)
    if found is None:
        return {}
    return {"orders_a_day": found.orders_a_day, "longest_silence_days": found.longest_silence_days}


def stopped_arriving(facts: RunFacts, now: datetime) -> str | None:
    """Return a sentence when no order has arrived for longer than the shop is ever without one.

    Parameters
    ----------
    facts : RunFacts
    now : datetime
        Aware.
    """
    if facts.data_through is None or facts.orders_a_day is None or facts.longest_silence_days is None:
        return None
    silent = (now - facts.data_through).total_seconds() / 86_400
    usual = Flow(facts.orders_a_day, facts.longest_silence_days)
    if not usual.stopped(silent):
        return None
    day = facts.data_through.astimezone(ZoneInfo(facts.time_zone)).date()
    longest = f"{facts.longest_silence_days} day{'' if facts.longest_silence_days == 1 else 's'}"
    return (
        f"No order has arrived since {day.isoformat()}, {silent:,.0f} days ago; in the year before, the shop was never "
        f"without one for more than {longest}. Segments and scores are of that time."
    )


@dataclass(frozen=True)
class _Compared:
    """A run beside the one before it."""

    home: Home
    scorer: Scorer
    facts: RunFacts
    before: Mapping[str, int]
    now: Mapping[str, int]

    def causes(self, changes: pa.Table, customers: Customers) -> pa.Table:
        """Say of each change what was behind it."""
        columns = columns_of(self.scorer.release.manifest)
        same = {name for name, version in self.now.items() if self.before.get(name) == version}
        parsed = {
            name: each for name, each in parse_all(self.scorer.segments, columns).items() if name in same
        }
        redefined = [name for name in self.now if name in self.before and name not in same]
        wanted = _wanted(list(parsed.values()), columns, self.facts.numbers)
        tables = customers.tables
        held = [(name, table[name]) for table in tables for name in table.column_names if name in wanted]
        frame = pa.table({"customer_id": tables[0]["customer_id"], **dict(held)})
        now = Described(frame, self.facts.numbers)
        before = self._described_before(wanted) if parsed else None
        return with_causes(changes, parsed, columns, now=now, before=before, redefined=redefined)

    def _described_before(self, wanted: set[str]) -> Described | None:
        """Return customers as the run before knew them, when that is the one that is published."""
        try:
            run = PublishedRun.open(self.home)
        except InputError:
            return None  # nothing is published, or nothing that can be read: then causes are told from today alone
        if run.facts.as_of > self.facts.as_of or not run.facts.numbers:
            return None
        mine = run.columns.read([name for name in run.columns.names if name in wanted])
        return Described(
            mine.add_column(0, "customer_id", run.tables["scores"]["customer_id"]), run.facts.numbers
        )


def _wanted(
    expressions: Sequence[Expression], columns: Mapping[str, SegmentColumn], known: Mapping[str, float]
) -> set[str]:
    """Return the columns that conditions are read from."""
    found: set[str] = set()
    for each in expressions:
        if resolvable(each, known):
            found |= set(customers_sql([each], columns, known)[1])
    return found


def _last_versions(trend: pa.Table) -> dict[str, int]:
    """Return the definitions of the last run, by segment."""
    rows = trend.to_pylist()
    last = rows[-1]["sequence"] if rows else 0
    return {row["segment"]: row["version"] for row in rows if row["sequence"] == last and row["version"]}


def _told(
    facts: RunFacts, trend: pa.Table, versions: Mapping[str, int], newcomers: Mapping[str, int]
) -> RunFacts:
    """Add to the facts what the run changed and what is out of the ordinary, of each segment but for its newcomers."""
    rows = trend.to_pylist()
    sizes: dict[str, list[Size]] = {}
    for row in rows:
        uncounted = newcomers.get(row["segment"], 0) if row["as_of"] == facts.as_of else 0
        size = Size(row["as_of"], row["version"], row["size"] - uncounted)
        sizes.setdefault(row["segment"], []).append(size)
    now = {row["segment"]: row for row in rows if row["as_of"] == facts.as_of}
    segments = [
        each.model_copy(
            update={
                "version": versions[each.name],
                "entered": now[each.name]["entered"],
                "left": now[each.name]["left"],
                "warning": _warning(each, sizes[each.name]),
            }
        )
        for each in facts.segments
    ]
    through = now[EVERYBODY]["through"]
    return facts.model_copy(update={"segments": tuple(segments), "changes_through": through})


def _left_out_before(home: Home, as_of: datetime) -> bool:
    """Return whether the run of the cutoff before is of a version that left out who never ordered, if it is kept."""
    for name in kept_runs(home):
        try:
            before = PublishedRun.open(home, name).facts
        except InputError:
            continue  # it cannot be read; the one before it may
        if before.as_of < as_of:
            return before.prospects is None
    return False


def _prospects_of(scored: Scored) -> dict[str, int]:
    """Return how many of each segment never ordered."""
    prospects = scored.scores.filter(pc.equal(scored.scores["confidence"], UNSCORED))["customer_id"]
    mine = pc.is_in(scored.assignments["customer_id"], value_set=prospects.combine_chunks())
    return dict(Counter(scored.assignments["segment"].filter(mine).to_pylist()))


def _warning(segment: SegmentFacts, sizes: Sequence[Size]) -> str | None:
    found = jump(sizes)
    if found is None:
        return None
    return (
        f"{segment.title} went from {found.before:,} to {found.size:,} customers in one run; by its own past, "
        f"{found.low:,} to {found.high:,} were to be expected. Look at what changed before acting on it."
    )
