"""The one path from history to scores, segments and reasons: the batch and the API both take it."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from features.catalog.shipped import CATALOG, CORE
from features.cutoff import Cutoff
from features.feature import FeatureSet
from features.snapshot import compute
from features.warm import WarmPool
from ledger.errors import InputError
from models.reasons import NEEDED, Reasons, explain
from models.release import Manifest, Release
from models.scores import scores_for
from segments.assign import Assigner, compile_segments, parse_all
from segments.segment import Segment
from segments.vocabulary import REFILL_NAMES, SegmentColumn, vocabulary

_FEATURES = frozenset(CATALOG.names)


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
        Those that ask for refills are assigned by a scoring run, which alone has the forecast.

    Raises
    ------
    InputError
        When the release was trained on other features than this version computes, or lacks a number that a
        segment needs.
    """

    release: Release
    segments: Sequence[Segment]
    assigner: Assigner = field(init=False, repr=False)
    refill_assigner: Assigner = field(init=False, repr=False)
    plans: WarmPool = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if self.release.manifest.feature_fingerprint != CATALOG.fingerprint:
            raise InputError(
                f"release {self.release.id} was trained on other features than this version computes; "
                "run `regulars train`"
            )
        manifest = self.release.manifest
        columns = columns_of(manifest)
        parsed = parse_all(self.segments, columns)
        of_refills = [each for each in self.segments if parsed[each.name].columns & REFILL_NAMES]
        of_scores = [each for each in self.segments if each not in of_refills]
        numbers = (columns, manifest.thresholds, manifest.lifecycle_limits)
        assigner = compile_segments(of_scores, *numbers)
        object.__setattr__(self, "assigner", assigner)
        object.__setattr__(self, "refill_assigner", compile_segments(of_refills, *numbers))
        # Of the features a request is answered with what is used: to leave the others out halves its time.
        named = {*CORE.names, *self.release.predictors.inputs, *assigner.needs}
        used = FeatureSet(feature for feature in CATALOG if feature.name in named)
        object.__setattr__(self, "plans", WarmPool(used))

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

    def score_posted(self, orders: pa.Table, products: pa.Table, cutoff: Cutoff, store: pa.Table) -> Scored:
        """
        Score the customers of a few orders on a plan that is kept; they get what `score` gives them.

        Parameters
        ----------
        orders, products : pa.Table
            In the ledger's stored schema.
        cutoff : Cutoff
        store : pa.Table
            The store's row of `features.surroundings.read_store`.

        Returns
        -------
        Scored
            Its features are those that scores and segments are made of.
        """
        with self.plans.one() as plan:
            features = plan.compute(orders, products, cutoff, store)
        return self.of_features(features, cutoff.day)

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
        scores = _as_arrow(self.release.score(features.to_pandas(), on_day))
        return Scored(features, scores, self.assigner.assign(_side_by_side(features, scores)))

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
        inputs = [*dict.fromkeys((*NEEDED, *self.release.predictors.inputs))]
        # Inputs that no tree and no line reads are not stored, and whatever stands for them changes nothing.
        frame = features.to_pandas().reindex(columns=[name for name in inputs if name in _FEATURES])
        return explain(self.release, frame, on_day)

    def with_refills(self, scored: Scored, refills: pa.Table) -> Scored:
        """
        Add the memberships of segments that ask for refills.

        Parameters
        ----------
        scored : Scored
        refills : pa.Table
            A row a customer, from `serving.reminders.membership.columns`, sorted by customer.

        Returns
        -------
        Scored
            A customer's memberships are again in the order of the segments.

        Raises
        ------
        InputError
            When a segment asks for a feature beside refills that was not brought back from where the work was done.
        """
        customers = _side_by_side(_side_by_side(scored.features, scored.scores), refills)
        mine = self.refill_assigner.assign(customers)
        order = pa.array([segment.name for segment in self.segments], pa.string())
        both = pa.concat_tables([scored.assignments, mine])
        both = both.append_column("place", pc.index_in(both["segment"], value_set=order))
        by_customer = both.sort_by([("customer_id", "ascending"), ("place", "ascending")])
        return replace(scored, assignments=by_customer.drop_columns(["place"]))


def columns_of(manifest: Manifest) -> dict[str, SegmentColumn]:
    """Return the vocabulary of segments: the features, and the scores of this release."""
    return vocabulary((*CATALOG, *scores_for(manifest.horizon_days)), manifest.currency)


def _as_arrow(frame: pd.DataFrame) -> pa.Table:
    """Return a frame as a table: NaN becomes null, and pandas' own large texts the plain ones used elsewhere."""
    table = pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata()
    large = pa.large_string()
    plain = [field.with_type(pa.string()) if field.type == large else field for field in table.schema]
    return table.cast(pa.schema(plain))


def _side_by_side(features: pa.Table, scores: pa.Table) -> pa.Table:
    """Return features and scores as one table."""
    if not features["customer_id"].equals(scores["customer_id"]):
        raise ValueError("a release must score the customers it is given, in their order")
    table = features
    for name in scores.column_names:
        if name != "customer_id":
            table = table.append_column(name, scores[name])
    return table
