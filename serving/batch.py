"""The scoring run: everybody as of one cutoff, to the service, and whoever has ordered into the tables of record."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from features.cutoff import Cutoff
from features.history import last_order_at
from features.surroundings import read_store
from ledger.arrivals import Arrivals
from ledger.engine import bound
from ledger.errors import InputError
from ledger.home import Home
from ledger.schema import Table
from ledger.store import Ledger
from ledger.workspace import workspace
from models.gaps import Level
from models.release import Manifest, Release
from models.replenishment import due_within_a_week
from models.scores import SCORES
from segments.assign import parse_all
from segments.expression import Expression
from segments.measured import relations_of
from segments.partitions import lifecycle_cells
from segments.segment import Segment
from segments.vocabulary import REFILL_NAMES
from serving import tables
from serving.facts import Group, RunFacts, SegmentFacts, counted, ordered
from serving.lock import alone
from serving.publishing import publish
from serving.reminders import membership, suggestion
from serving.reminders.demand import expected as expected_demand
from serving.reminders.refills import stage as stage_refills
from serving.reminders.states import LEAD_DAYS
from serving.scorer import Scored, Scorer, columns_of
from serving.segments.following import Followed, arriving, follow
from serving.segments.records import view_past
from serving.store import PublishedRun
from serving.stored_features import selected

LIKELY_TO_LEAVE = 0.66  # the limit of the segment `likely_to_churn`
FINEST_FIRST: tuple[Level, ...] = ("product", "category")

Progress = Callable[[str, float], None]
Files = Mapping[Table, Sequence[Path]]
Scoring = Callable[[Scorer, duckdb.DuckDBPyConnection, Files, Cutoff], Scored]
"""Score everybody: with which scorer, on which ledger connection, over which files, as of when. The connection is left
with `history_items` and `history_store` as of the cutoff."""


@dataclass(frozen=True)
class RunSummary:
    """What one run found and where it went.

    Parameters
    ----------
    facts : RunFacts
        The figures that the pages show and the command line prints.
    published : str or None
        Name of the published run; None when a later day has been scored before and goes on being served.
    """

    facts: RunFacts
    published: str | None


def embedded(
    scorer: Scorer,
    connection: duckdb.DuckDBPyConnection,
    files: Files,  # noqa: ARG001 - for engines that read them themselves
    cutoff: Cutoff,
) -> Scored:
    """Score everybody here, in this process."""
    return scorer.score(connection, cutoff)


def run(  # noqa: PLR0913 - what is scored, with what, as of when, and how
    home: Home,
    release: Release,
    segments: Sequence[Segment],
    as_of: Cutoff,
    progress: Progress | None = None,
    *,
    scoring: Scoring = embedded,
    lead_days: int = LEAD_DAYS,
    memory_limit_mb: int | None = None,
) -> RunSummary:
    """
    Score every customer and write scores, replenishment and memberships.

    Running it again for the same `as_of` replaces what it wrote. A day before the latest one adds its scores;
    the memberships and what is served stay those of the latest.

    Parameters
    ----------
    home : Home
    release : Release
    segments : sequence of Segment
    as_of : Cutoff
    progress : callable, optional
        Called with a step's name and the share of the run done, 0 to 1.
    scoring : callable
        Where the work is done; `embedded`, or a `serving.spark.SparkScoring`.
    lead_days : int, days
        How long before it is due a refill counts as due soon.
    memory_limit_mb : int, MB, optional
        For reading the ledger; by default half of the machine's memory.

    Returns
    -------
    RunSummary

    Raises
    ------
    InputError
        When the ledger holds nobody before `as_of` or the release is of other features.
    """
    tell, scorer = progress or _silent, Scorer(release, segments)
    with alone(home):
        posted = Arrivals(home.arrivals)
        through = posted.settled_through()  # before the files are listed, which then have all of these
        newest = tables.newest_as_of(home.scores)
        found = _read(home, scorer, as_of, tell, _Read(scoring, lead_days, memory_limit_mb))
        facts = _facts(scorer, found, as_of).model_copy(update={"posted_through": through})
        tell("Writing scores", 0.7)
        _write(home, found, as_of, release.id)
        if newest is not None and newest > as_of.at:
            tell("Done", 1.0)
            return RunSummary(facts, None)
        tell("Updating memberships", 0.8)
        followed = follow(home, scorer, found.scored, found.of_customers, facts)
        tell("Publishing", 0.9)
        _let_go(home, posted)
        published = _publish(home, scorer, found, followed)
        tell("Done", 1.0)
        return RunSummary(followed.facts, published)


@dataclass(frozen=True)
class _Read:
    """How the ledger is read; as of `run`."""

    scoring: Scoring
    lead_days: int
    memory_limit_mb: int | None


@dataclass(frozen=True)
class _Found:
    """All that a run has read off the ledger; what it writes is made of nothing else."""

    scored: Scored
    refills: pa.Table
    suggestions: pa.Table
    demand: pa.Table
    of_customers: pa.Table
    products: pa.Table
    store: pa.Table
    data_through: datetime | None
    arrivals: Mapping[str, object]
    recorded_events: tuple[str, ...]


def _read(home: Home, scorer: Scorer, as_of: Cutoff, tell: Progress, how: _Read) -> _Found:
    ledger = Ledger(home)
    files = ledger.all_files()
    with workspace(home) as spill, ledger.connect(files) as connection:
        bound(connection, spill, how.memory_limit_mb)
        tell("Scoring customers", 0.0)
        scored = how.scoring(scorer, connection, files, as_of)
        if scored.scores.num_rows == 0:
            raise InputError(f"no order is known before {as_of.local_date}; choose a later --as-of")
        scored = scorer.with_prospects(connection, as_of, scored)
        tell("Planning reminders", 0.4)
        forecast = scorer.release.predictors.replenishment.forecasts(connection, as_of)
        refills = stage_refills(connection, forecast, as_of, how.lead_days, spill)
        suggestions, demand, of_customers = _remind(connection, scored, as_of)
        tell("Assigning segments", 0.65)
        view_past(connection, home)
        measured = scorer.measure(connection, as_of, scored.scores["customer_id"])
        return _Found(
            scorer.of_run(scored, of_customers, measured),
            refills=refills,
            suggestions=suggestions,
            demand=demand,
            of_customers=of_customers,
            products=connection.sql("SELECT * FROM ledger_products").to_arrow_table(),
            store=read_store(connection),
            data_through=last_order_at(connection, as_of),
            arrivals=arriving(connection, as_of),
            recorded_events=_recorded(connection, scorer),
        )


def _recorded(connection: duckdb.DuckDBPyConnection, scorer: Scorer) -> tuple[str, ...]:
    """Return the events that the shop has recorded, which `measure` has staged if a segment asks for any."""
    if "recorded_events" not in relations_of(scorer.run_assigner.measured):
        return ()
    return tuple(
        event
        for (event,) in connection.execute("SELECT event FROM recorded_events ORDER BY event").fetchall()
    )


def _write(home: Home, found: _Found, as_of: Cutoff, release_id: str) -> None:
    """Write the tables of record."""
    scores = tables.with_run(ordered(found.scored.scores), as_of.at, release_id)
    tables.replace_as_of(home.scores, scores, as_of.at)
    for path, rows in (
        (home.replenishment, found.refills),
        (home.suggestions, found.suggestions),
        (home.demand, found.demand),
    ):
        tables.replace_as_of(path, _with_as_of(rows, as_of.at), as_of.at)


def _publish(home: Home, scorer: Scorer, found: _Found, followed: Followed) -> str:
    """Hand what was found to the service, and return the run's name."""
    told_from = dict.fromkeys((*scorer.told_from, *scorer.told_to_segments))
    return publish(
        home,
        scores=found.scored.scores,
        memberships=followed.memberships,
        replenishment=found.refills,
        suggestions=found.suggestions,
        demand=found.demand,
        products=found.products,
        store=found.store,
        features=selected(found.scored.features, told_from),
        facts=followed.facts,
        trend=followed.trend,
        customers=followed.customers,
    )


def _remind(
    connection: duckdb.DuckDBPyConnection, scored: Scored, as_of: Cutoff
) -> tuple[pa.Table, pa.Table, pa.Table]:
    """Return the reminders, the demand, and what segments ask of these, once refills are staged."""
    suggestions = suggestion.stage(connection, as_of)
    demand = expected_demand(connection, "reminder_refills", as_of)
    return suggestions, demand, membership.columns(connection, scored.scores["customer_id"], suggestions)


def _let_go(home: Home, posted: Arrivals) -> None:
    """Drop what was posted before the run that is served until now, in which it is."""
    if not posted.exists:
        return
    try:
        served = PublishedRun.open(home).facts
    except InputError:
        return  # none is served, or it is damaged and this one takes its place; the rows stay until the next
    posted.drop(served.posted_through, served.as_of)


def _silent(step: str, share: float) -> None:
    """Tell nobody."""


def _with_as_of(refills: pa.Table, as_of: datetime) -> pa.Table:
    return refills.add_column(1, "as_of", pa.array([as_of] * refills.num_rows, tables.AS_OF))


def _facts(scorer: Scorer, found: _Found, as_of: Cutoff) -> RunFacts:
    release, scored = scorer.release, found.scored
    leaving = pc.fill_null(
        pc.greater(scored.scores["churn_probability_90d"], LIKELY_TO_LEAVE), fill_value=False
    )
    at_stake = pc.sum(scored.features["spend_365d"].filter(leaving)).as_py()
    due_this_week, due_level = count_due(found.refills)
    return RunFacts(
        release=release.id,
        as_of=as_of.at,
        data_through=found.data_through,
        currency=release.manifest.currency,
        time_zone=release.manifest.time_zone,
        **counted(scored.scores),
        likely_to_leave=pc.sum(leaving).as_py() or 0,
        money_at_stake=at_stake or 0.0,
        honesty=honesty(release.manifest),
        checks=release.manifest.gate.reasons,
        due_this_week=due_this_week,
        due_level=due_level,
        segments=_measured(scorer, scored),
        value=pc.sum(scored.scores["clv_365d"]).as_py() or 0.0,
        numbers={**release.manifest.thresholds, **release.manifest.lifecycle_limits},
        horizon_days=release.manifest.horizon_days,
        sensitive_attributes=release.manifest.sensitive_attributes,
        recorded_events=found.recorded_events,
    ).model_copy(update=dict(found.arrivals))


def count_due(refills: pa.Table) -> tuple[int, Level | None]:
    """Count the refills due within the week, at the finest level that there is, and return that level."""
    known = set(pc.unique(refills["level"]).to_pylist())
    level: Level | None = next((each for each in FINEST_FIRST if each in known), None)
    if level is None:
        return 0, None
    return pc.sum(pc.equal(due_within_a_week(refills)["level"], level)).as_py() or 0, level


def _measured(scorer: Scorer, scored: Scored) -> tuple[SegmentFacts, ...]:
    """Return every segment's text, size and value."""
    members, scores = scored.assignments, scored.scores
    place = pc.index_in(members["customer_id"], value_set=scores["customer_id"])
    worth = pa.table({"segment": members["segment"], "value": scores["clv_365d"].take(place)})
    # One thread: a sum of floats hangs on its order, and a run done again must give the same run to the last bit.
    grouped = worth.group_by("segment", use_threads=False).aggregate([([], "count_all"), ("value", "sum")])
    found = {row["segment"]: (row["count_all"], row["value_sum"] or 0.0) for row in grouped.to_pylist()}
    manifest = scorer.release.manifest
    parsed = parse_all(scorer.segments, columns_of(manifest))
    return tuple(
        _describe(each, parsed[each.name], manifest, *found.get(each.name, (0, 0.0)))
        for each in scorer.segments
    )


def _describe(
    segment: Segment, parsed: Expression, manifest: Manifest, size: int, value: float
) -> SegmentFacts:
    """Return a segment with its condition in words and the release's numbers in it."""
    return SegmentFacts(
        name=segment.name,
        title=segment.title,
        group=_group(segment, parsed),
        description=segment.description,
        expression=segment.expression,
        sentence=parsed.describe({**manifest.thresholds, **manifest.lifecycle_limits}),
        advice=segment.advice,
        size=size,
        value=value,
    )


def _group(segment: Segment, parsed: Expression) -> Group:
    if segment in lifecycle_cells():
        return "lifecycle"
    scores = {score.name for score in SCORES}
    return "predicted" if parsed.columns & (scores | REFILL_NAMES) else "history"


def honesty(manifest: Manifest) -> str:
    """Return how far the release may be trusted, in one sentence."""
    if manifest.gate.verdict == "model":
        return "Checked on this shop's own past, the model beat the simple rules."
    return (
        "The model was not shown to beat the simple rules on this shop's own past; take the numbers as rough."
    )
