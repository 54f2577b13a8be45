"""Scoring on Spark: where one machine's memory ends, the same features, release and segments on many.

Spark's workers load the release from its directory and take `serving.scorer`, the one path, over a few thousand
customers at a time. What is one for the whole store stays where the run is: the refills' forecast, over the purchases
that Spark staged, and the tables and the copy for the service that are written from what comes back.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.catalog.shipped import CATALOG
from features.cutoff import Cutoff
from features.engines.spark import SparkHistory, collected, exact_sums
from ledger.home import Home
from ledger.schema import Table
from models.release import load_release
from models.scores import scores_for
from segments.assign import MEMBERSHIPS
from segments.segment import Segment
from serving.scorer import Scored, Scorer

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

# Planning the segments takes as long as assigning them to ten thousand customers.
CUSTOMERS_AT_ONCE = 50_000
_MEMBER_OF = pa.list_(pa.struct([MEMBERSHIPS.field("segment"), MEMBERSHIPS.field("reasons")]))
_MEMBER_OF_SQL = "ARRAY<STRUCT<segment: STRING, reasons: ARRAY<STRING>>>"


@dataclass(frozen=True)
class SparkScoring:
    """The way of scoring that `serving.batch.run` takes on Spark.

    Parameters
    ----------
    session : SparkSession
    home : Home
        Where Spark's workers can read it, under the same path.
    """

    session: "SparkSession"
    home: Home

    def __call__(
        self,
        scorer: Scorer,
        connection: duckdb.DuckDBPyConnection,
        files: Mapping[Table, Sequence[Path]],
        cutoff: Cutoff,
    ) -> Scored:
        """
        Score every customer with a row known before the cutoff.

        Parameters
        ----------
        scorer : Scorer
        connection : duckdb.DuckDBPyConnection
            A ledger connection over the same files. It is left with the purchases and the store's row as of the cutoff.
        files : mapping of Table to sequence of Path
        cutoff : Cutoff

        Returns
        -------
        Scored
            Of the features those that the run's figures are made of.

        Raises
        ------
        InputError
            When amounts are too large to be added up exactly.
        """
        directory = str((self.home.releases / scorer.release.id).absolute())
        segments, on_day, kept = tuple(scorer.segments), cutoff.day, _kept(scorer)
        schema = _returned(scorer)
        history = SparkHistory(self.session, files, arrow_rows=CUSTOMERS_AT_ONCE)
        with exact_sums():
            history.stage(cutoff)
            rows = collected(
                history.select().mapInArrow(
                    lambda batches: _score_batches(batches, directory, segments, on_day, schema),
                    _sql_of(schema),
                )
            )
            self._stage(connection, history)
        scores = rows.select([name for name in rows.column_names if name not in ("member_of", *kept[1:])])
        return Scored(rows.select(kept), scores, _memberships(rows))

    def _stage(self, connection: duckdb.DuckDBPyConnection, history: SparkHistory) -> None:
        """Hand over what the rest of the run reads of the history: by way of files, for it may be large."""
        self.home.work.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=self.home.work) as folder:
            for name in ("history_items", "history_orders", "history_store"):
                place = Path(folder).absolute() / name
                history.relation(name).write.parquet(f"file://{place}")
                files = ", ".join(f"'{file}'" for file in sorted(place.glob("*.parquet")))
                connection.execute(f"create or replace temp table {name} as from read_parquet([{files}])")


def _score_batches(
    batches: Iterator[pa.RecordBatch],
    directory: str,
    segments: Sequence[Segment],
    on_day: int,
    schema: pa.Schema,
) -> Iterator[pa.RecordBatch]:
    """Score what one of Spark's workers is given."""
    scorer: Scorer | None = None
    for batch in batches:
        if batch.num_rows:
            scorer = scorer or Scorer(load_release(Path(directory)), segments)
            features = pa.Table.from_batches([batch]).sort_by("customer_id")
            scored = scorer.of_features(features, on_day)
            member_of = _by_customer(scored.assignments, scored.scores["customer_id"])
            columns = {
                **_columns(scored.scores),
                **_columns(features.select(_kept(scorer)[1:])),
                "member_of": member_of,
            }
            yield from pa.table({name: columns[name] for name in schema.names}).cast(schema).to_batches()


def _columns(table: pa.Table) -> dict[str, pa.ChunkedArray]:
    return dict(zip(table.column_names, table.columns, strict=True))


def _by_customer(assignments: pa.Table, customers: pa.ChunkedArray) -> pa.Array:
    """Return the memberships of each customer as one cell; both are sorted by customer."""
    rows = assignments.combine_chunks()
    place = pc.index_in(rows["customer_id"], value_set=customers.combine_chunks()).to_numpy()
    offsets = np.concatenate([[0], np.bincount(place, minlength=len(customers)).cumsum()])
    fields = [rows[name].combine_chunks() for name in ("segment", "reasons")]
    values = pa.StructArray.from_arrays(fields, fields=list(_MEMBER_OF.value_type))
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), values)


def _memberships(rows: pa.Table) -> pa.Table:
    """Return the cells made by `_by_customer` as the rows they were made of."""
    cells = rows["member_of"].combine_chunks()
    if isinstance(cells, pa.ChunkedArray):
        cells = pa.concat_arrays(cells.chunks) if cells.num_chunks else pa.array([], _MEMBER_OF)
    values = cells.flatten()
    whose = rows["customer_id"].take(pc.list_parent_indices(cells))
    columns = [whose, values.field("segment"), values.field("reasons")]
    return pa.table(columns, names=MEMBERSHIPS.names).cast(MEMBERSHIPS)


def _kept(scorer: Scorer) -> list[str]:
    """Return the features that come back, after customer_id: those of the run's figures, of reasons and of segments."""
    of_segments = [name for name in scorer.told_to_segments if name in CATALOG.names]
    return ["customer_id", *dict.fromkeys(("spend_365d", *scorer.told_from, *of_segments))]


def _returned(scorer: Scorer) -> pa.Schema:
    """Return what a worker hands back of each customer."""
    scores = scores_for(scorer.release.manifest.horizon_days)
    texts = [pa.field(name, pa.string()) for name in ("customer_id", "confidence")]
    numbers = [
        pa.field(name, pa.float64()) for name in (*(score.name for score in scores), *_kept(scorer)[1:])
    ]
    return pa.schema([*texts, *numbers, pa.field("member_of", _MEMBER_OF)])


def _sql_of(schema: pa.Schema) -> str:
    types = {pa.string(): "STRING", pa.float64(): "DOUBLE", _MEMBER_OF: _MEMBER_OF_SQL}
    return ", ".join(f"{field.name} {types[field.type]}" for field in schema)
