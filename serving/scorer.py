"""The one path from history to scores, segments and reasons: the batch and the API both take it."""

import os
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import duckdb
import numpy as np
import pyarrow as pa

from features import prospects
from features.catalog.shipped import CATALOG, CORE
from features.cutoff import Cutoff
from features.feature import FeatureSet
from features.snapshot import compute
from features.warm import WarmPool
from ledger.engine import open_engine
from ledger.errors import InputError
from ledger.plans import KeptPlans
from models.reasons import NEEDED, Reasons, explain
from models.release import Manifest, Release
from models.rows import Rows
from models.scores import UNSCORED, scores_for
from segments import known
from segments.assign import Assigner, compile_segments, parse_all
from segments.expression import Expression
from segments.measured import measure, relations_of
from segments.segment import Segment
from segments.vocabulary import REFILL_NAMES, SegmentColumn, vocabulary
from segments.warm import measures, told_of
from serving.merging import interleaved, merged, side_by_side

_FEATURES = frozenset(CATALOG.names)
CUSTOMERS_A_BLOCK = 16_384
"""Scored at once: their columns stay close to the processor, and what is reckoned in between is small."""


@dataclass(frozen=True)
class Scored:
    """Customers as of one cutoff, each table sorted by customer_id.

    Parameters
    ----------
    features : pa.Table
        customer_id and features.
    scores : pa.Table
        customer_id, confidence and scores; unknown is null.
    assignments : pa.Table
        customer_id, segment, reasons; a customer's in the order of the segments.
    """

    features: pa.Table
    scores: pa.Table
    assignments: pa.Table


@dataclass(frozen=True)
class Scorer:
    """Scores any history with one release.

    Parameters
    ----------
    release : Release
    segments : sequence of Segment
        Those that ask for refills, or for what a history function measures, are assigned by a scoring run, which has
        the forecast and the ledger. Of the latter a posted history is told those that orders alone decide.

    Raises
    ------
    InputError
        When the release was trained on other features than this version computes, or lacks a number that a
        segment needs.
    """

    release: Release
    segments: Sequence[Segment]
    assigner: Assigner = field(init=False, repr=False)
    posted_assigner: Assigner = field(init=False, repr=False)
    run_assigner: Assigner = field(init=False, repr=False)
    own_assigner: Assigner = field(init=False, repr=False)
    plans: WarmPool = field(init=False, repr=False)
    checks: KeptPlans = field(init=False, repr=False)
    decided: frozenset[str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if self.release.manifest.feature_fingerprint != CATALOG.fingerprint:
            raise InputError(
                f"release {self.release.id} was trained on other features than this version computes; "
                "run `regulars train`"
            )
        manifest = self.release.manifest
        columns = columns_of(manifest)
        parsed = parse_all(self.segments, columns)
        of_run = [each for each in self.segments if _of_run(parsed[each.name])]
        of_posted = [each for each in self.segments if _of_posted(parsed[each.name])]
        of_own = [each for each in of_run if _of_own_rows(parsed[each.name])]
        of_scores = [each for each in self.segments if each not in of_run]
        numbers = (columns, manifest.thresholds, manifest.lifecycle_limits)
        assigner, posted, late, own = (
            compile_segments(some, *numbers, among=self.segments)
            for some in (of_scores, of_posted, of_run, of_own)
        )
        object.__setattr__(self, "assigner", assigner)
        object.__setattr__(self, "posted_assigner", posted)
        object.__setattr__(self, "run_assigner", late)
        object.__setattr__(self, "own_assigner", own)
        # Of the features a request is answered with what is used: to leave the others out halves its time.
        named = {*CORE.names, *self.release.predictors.inputs, *posted.needs}
        used = FeatureSet(feature for feature in CATALOG if feature.name in named)
        object.__setattr__(self, "plans", WarmPool(used, measures(posted.measured)))
        object.__setattr__(self, "checks", KeptPlans(open_engine()))
        # Names of the segments that `score_own` tells of; the others are told by a scoring run.
        object.__setattr__(self, "decided", frozenset(each.name for each in (*of_scores, *of_own)))

    def score(
        self, connection: duckdb.DuckDBPyConnection, cutoff: Cutoff, store: pa.Table | None = None
    ) -> Scored:
        """
        Score every customer with a row known before the cutoff.

        Parameters
        ----------
        connection : duckdb.DuckDBPyConnection
            A ledger connection: anything with views of the ledger's tables.
        cutoff : Cutoff
        store : pa.Table, optional
            The store's row of `features.surroundings.read_store`, when the connection does not hold all of its
            customers.

        Returns
        -------
        Scored
            The connection is left staged as of the cutoff.
        """
        return self.of_features(compute(connection, cutoff, store=store), cutoff.day)

    def with_prospects(self, connection: duckdb.DuckDBPyConnection, cutoff: Cutoff, scored: Scored) -> Scored:
        """
        Add whoever is known by name and has never ordered: in segments as others are, and without scores.

        Parameters
        ----------
        connection : duckdb.DuckDBPyConnection
            Left staged by `score` as of the same cutoff; its views are those of its cursors too.
        cutoff : Cutoff
        scored : Scored
            All who have ordered, among the customers whose rows the connection holds.

        Returns
        -------
        Scored
            Of those, row by row, what `scored` says.
        """
        features = prospects.describe(connection, cutoff, scored.scores["customer_id"])
        if not features.num_rows:
            return scored
        features = features.select(scored.features.column_names).cast(scored.features.schema)
        unscored = _unscored(features["customer_id"], scored.scores.schema)
        assignments = self.assigner.assign(side_by_side(features, unscored))
        everybody = interleaved(scored.features, features)
        return Scored(
            everybody,
            interleaved(scored.scores, unscored),
            merged(scored.assignments, assignments, everybody["customer_id"], self._order),
        )

    def score_own(
        self,
        connection: duckdb.DuckDBPyConnection,
        cutoff: Cutoff,
        store: pa.Table,
        recorded: Collection[str],
    ) -> Scored:
        """
        Score a few customers of whom all rows are at hand, with the segments that history functions decide by them.

        Parameters
        ----------
        connection : duckdb.DuckDBPyConnection
            Anything with views of the ledger's tables.
        cutoff : Cutoff
        store : pa.Table
            The store's row of `features.surroundings.read_store`.
        recorded : collection of str
            Events that the store has recorded, of whomever.
        """
        scored = self.with_prospects(connection, cutoff, self.score(connection, cutoff, store))
        columns = self.own_assigner.measured
        known.stage(connection, cutoff, scored.scores["customer_id"], relations_of(columns), recorded)
        return self._with(scored, self.own_assigner, measure(connection, columns))

    def score_posted(
        self, orders: pa.Table, products: pa.Table, cutoff: Cutoff, store: pa.Table
    ) -> tuple[Scored, list[dict[str, Reasons]]]:
        """
        Score the customers of a few orders on a plan that is kept; they get what `score` and `reasons` give them.

        Parameters
        ----------
        orders, products : pa.Table
            In the ledger's stored schema.
        cutoff : Cutoff
        store : pa.Table
            The store's row of `features.surroundings.read_store`.

        Returns
        -------
        scored : Scored
            Its features are those that scores and segments are made of.
        reasons : list of dict
            Of each customer's scores, by the score's name.
        """
        with self.plans.one() as plan:
            features = plan.compute(orders, products, cutoff, store)
        rows = stored_rows(self.release, features)
        scores = _told_scores(self.release, features["customer_id"], rows, cutoff.day)
        assignments = self.posted_assigner.assign(side_by_side(features, scores))
        return Scored(features, scores, assignments), explain(self.release, rows, cutoff.day)

    def of_features(self, features: pa.Table, on_day: int) -> Scored:
        """
        Score customers who are described already.

        Parameters
        ----------
        features : pa.Table
            customer_id and at least the features that scores and segments are made of, sorted by customer.
        on_day : int
            Local day number of their cutoff.
        """
        scores = _scores(self.release, features, on_day)
        return Scored(features, scores, self.assigner.assign(side_by_side(features, scores)))

    @property
    def told_from(self) -> tuple[str, ...]:
        """Names of the features that the reasons of scores are told from, in the catalogue's order."""
        read = {*NEEDED, *self.release.predictors.used}
        return tuple(name for name in CATALOG.names if name in read)

    def reasons(self, features: pa.Table, on_day: int) -> list[dict[str, Reasons]]:
        """
        Return the reasons of each customer's scores, by the score's name.

        Parameters
        ----------
        features : pa.Table
            customer_id and at least `told_from`.
        on_day : int
            Local day number of their cutoff.
        """
        return told_reasons(self.release, features, on_day)

    def measure(
        self, connection: duckdb.DuckDBPyConnection, cutoff: Cutoff, customers: pa.ChunkedArray
    ) -> pa.Table:
        """
        Measure what history functions ask for, of what was known before the cutoff.

        Parameters
        ----------
        connection : duckdb.DuckDBPyConnection
            The ledger connection, left staged by `score` as of the same cutoff.
        cutoff : Cutoff
        customers : (n,) str
            Sorted.

        Returns
        -------
        pa.Table
            customer_id and a column for each, in the order of the customers.
        """
        columns = self.run_assigner.measured
        if not columns:
            return pa.table({"customer_id": customers})
        known.stage(connection, cutoff, customers, relations_of(columns))
        return measure(connection, columns)

    def of_run(self, scored: Scored, refills: pa.Table, measured: pa.Table) -> Scored:
        """
        Add the memberships of segments that ask for refills or for what is measured.

        Parameters
        ----------
        scored : Scored
        refills : pa.Table
            A row a customer, from `serving.reminders.membership.columns`, sorted by customer.
        measured : pa.Table
            From `measure`.

        Returns
        -------
        Scored
            A customer's memberships are again in the order of the segments, and what they hang on is among the
            features.

        Raises
        ------
        InputError
            When a segment asks for a feature that was not brought back from where the work was done.
        """
        return self._with(scored, self.run_assigner, side_by_side(refills, measured))

    def _with(self, scored: Scored, assigner: Assigner, more: pa.Table) -> Scored:
        features = side_by_side(scored.features, more)
        mine = assigner.assign(side_by_side(features, scored.scores))
        return Scored(
            features, scored.scores, merged(scored.assignments, mine, features["customer_id"], self._order)
        )

    @property
    def _order(self) -> pa.Array:
        return pa.array([segment.name for segment in self.segments], pa.string())

    @property
    def of_posted(self) -> frozenset[str]:
        """Names of the segments that a posted history can be in: those that orders, and scores of them, decide."""
        columns = columns_of(self.release.manifest)
        parsed = parse_all(self.segments, columns)
        return frozenset(name for name, each in parsed.items() if _of_posted(each))

    @property
    def told_to_segments(self) -> tuple[str, ...]:
        """Names of the columns, scores aside, that segments are decided by: what explanations are told from."""
        scores = {score.name for score in scores_for(self.release.manifest.horizon_days)}
        needs = {*self.assigner.needs, *self.run_assigner.needs} - scores
        return tuple(sorted(needs))


def told_reasons(release: Release, features: pa.Table, on_day: int) -> list[dict[str, Reasons]]:
    """Return the reasons of each customer's scores; as `Scorer.reasons`, for a release that need not be in force."""
    return explain(release, stored_rows(release, features), on_day)


def stored_rows(release: Release, features: pa.Table) -> Rows:
    """Return the features that a run stored as a release takes them.

    Inputs that no tree and no line reads are not stored, and whatever stands for them changes nothing.
    """
    rows = Rows.of_table(features)
    absent = [name for name in release.predictors.inputs if name in _FEATURES and name not in rows]
    return rows.plus(**dict.fromkeys(absent, np.full(len(rows), np.nan)))


def _of_run(parsed: Expression) -> bool:
    return bool(parsed.columns & REFILL_NAMES or parsed.measured)


def _of_posted(parsed: Expression) -> bool:
    return not parsed.columns & REFILL_NAMES and told_of(tuple(parsed.measured))


def _of_own_rows(parsed: Expression) -> bool:
    rows = (column.relations <= known.OF_HIS_ROWS for column in parsed.measured)
    return not parsed.columns & REFILL_NAMES and all(rows)


def columns_of(manifest: Manifest) -> dict[str, SegmentColumn]:
    """Return the vocabulary of segments: the features, and the scores of this release."""
    rows = (*CATALOG, *scores_for(manifest.horizon_days))
    return vocabulary(rows, manifest.currency, manifest.sensitive_attributes)


def _scores(release: Release, features: pa.Table, on_day: int) -> pa.Table:
    """Return customer_id, confidence and scores as a table; what is not known is null.

    Nobody's scores hang on who else is asked about, so customers are scored a block after the other, in as many threads
    as there are processors: numpy and LightGBM leave Python alone while they reckon.
    """
    if len(features) <= CUSTOMERS_A_BLOCK:
        return _block_scores(release, features, on_day)
    blocks = [features.slice(at, CUSTOMERS_A_BLOCK) for at in range(0, len(features), CUSTOMERS_A_BLOCK)]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return pa.concat_tables(pool.map(lambda block: _block_scores(release, block, on_day), blocks))


def _block_scores(release: Release, features: pa.Table, on_day: int) -> pa.Table:
    return _told_scores(release, features["customer_id"], Rows.of_table(features), on_day)


def _told_scores(release: Release, customers: pa.ChunkedArray, rows: Rows, on_day: int) -> pa.Table:
    found = release.columns(rows, on_day)
    return pa.table(
        {
            "customer_id": customers,
            "confidence": pa.array(release.predictors.confidence(rows), pa.string()),
            **{name: pa.array(values, pa.float64(), from_pandas=True) for name, values in found.items()},
        }
    )


def _unscored(customers: pa.ChunkedArray, schema: pa.Schema) -> pa.Table:
    """Return rows of scores for who has none."""
    known = {"customer_id": customers, "confidence": pa.repeat(pa.scalar(UNSCORED), len(customers))}
    columns = [known.get(field.name, pa.nulls(len(customers), field.type)) for field in schema]
    return pa.table(columns, schema=schema)
