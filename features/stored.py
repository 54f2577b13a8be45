"""Snapshots kept as Parquet, so that the next training run reads what this one computed.

A column is kept under the ledger it was computed from, the cutoff, and the fingerprint of its one feature: a changed
feature is computed again, the others beside it are read. All is removed as soon as a snapshot of another ledger is
kept, and may be removed at any time.
"""

import hashlib
import json
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from uuid import uuid4

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from features import numbered, settled, snapshot, surroundings
from features.cutoff import Cutoff
from features.feature import Feature, FeatureSet
from ledger.schema import Table
from ledger.store import Ledger
from ledger.tables.erased import ERASED
from ledger.tables.rejected import REJECTED

MADE_OF = b"features"  # key of a file's own metadata: column name to the fingerprint of its feature
NOT_READ = (REJECTED, ERASED)


def state_of(files: Mapping[Table, Iterable[Path]]) -> str:
    """Return 16 hexadecimal digits of what a ledger's connection reads: its data files, which are never rewritten."""
    names = sorted(path.name for table, paths in files.items() if table not in NOT_READ for path in paths)
    return hashlib.sha256("\n".join(names).encode()).hexdigest()[:16]


@dataclass
class StoredSnapshots:
    """Snapshots of one connection, read where they are kept and else computed; the ledger is collapsed once.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        With views of the ledger's tables, which do not change.
    ledger : Ledger, optional
        Whose home keeps them; without one they are computed and not kept.
    state : str
        `state_of` the files that the connection was opened on.
    """

    connection: duckdb.DuckDBPyConnection
    ledger: Ledger | None = None
    state: str = ""
    computed: int = field(default=0, init=False)
    """Columns that had to be computed."""
    _staged: set[Callable[..., None]] = field(default_factory=set, init=False)
    _numbers: dict[Cutoff, NDArray[np.int32]] = field(default_factory=dict, init=False)

    def at(self, cutoff: Cutoff, feature_set: FeatureSet) -> pa.Table:
        """Return a snapshot as `features.snapshot.compute` gives it.

        Parameters
        ----------
        cutoff : Cutoff
        feature_set : FeatureSet

        Raises
        ------
        InputError
            When amounts are too large to be added up exactly.
        """
        kept = self._kept(cutoff, feature_set)
        missing = [feature for feature in feature_set if feature.name not in kept]
        if missing or "customer_id" not in kept:
            found = self._compute(cutoff, FeatureSet(missing))
            self._keep(cutoff, found, missing)
            kept |= {name: found[name] for name in found.column_names}
        return pa.table({name: kept[name] for name in ("customer_id", *feature_set.names)})

    def some(self, cutoff: Cutoff, feature_set: FeatureSet, rows: NDArray[np.intp]) -> pa.Table:
        """Return some rows of what `at` returns, without describing the other customers; they are not kept.

        Parameters
        ----------
        cutoff : Cutoff
        feature_set : FeatureSet
        rows : (n,) int
            Rising, below `customers(cutoff)`.

        Raises
        ------
        InputError
            As of `at`.
        """
        if feature_set.looks_around:
            return self.at(cutoff, feature_set).take(pa.array(rows))
        return settled.describe(self._once(settled.stage), cutoff, feature_set, self._known(cutoff)[rows])

    def customers(self, cutoff: Cutoff) -> int:
        """Return how many customers are known before a cutoff: the rows of its snapshot."""
        return len(self._known(cutoff))

    def days(self, cutoff: Cutoff) -> pa.Table:
        """Return `features.numbered.days_apart` of a cutoff, whose numbers count through `id_index` from 1."""
        return numbered.days_apart(self._once(), cutoff)

    def stage(self, cutoff: Cutoff) -> None:
        """Stage `history_orders` and `history_items` as of a cutoff, and drop what other cutoffs are cut from.

        As `features.history.stage`, from lines that are collapsed already. Asked for another cutoff, the ledger is
        collapsed again.

        Parameters
        ----------
        cutoff : Cutoff
        """
        connection = self._once()
        settled.drop(connection)
        numbered.cut(connection, cutoff)
        numbered.restore(connection)
        numbered.drop(connection)
        self._staged.clear()

    @cached_property
    def id_index(self) -> "pd.Index[str]":
        """Every id that there are orders of, or that another may be known to be; sorted."""
        found: pd.Index[str] = pd.Index(numbered.ids(self._once()).to_pandas())
        return found

    def _known(self, cutoff: Cutoff) -> NDArray[np.int32]:
        if cutoff not in self._numbers:
            self._numbers[cutoff] = settled.known(self._once(), cutoff)
        return self._numbers[cutoff]

    def _compute(self, cutoff: Cutoff, feature_set: FeatureSet) -> pa.Table:
        self.computed += len(feature_set)
        if feature_set.looks_around:
            return snapshot.describe(self._once(surroundings.collapse), cutoff, feature_set)
        return settled.describe(self._once(settled.stage), cutoff, feature_set)

    def _once(
        self, stage: Callable[[duckdb.DuckDBPyConnection], None] | None = None
    ) -> duckdb.DuckDBPyConnection:
        """Return the connection with ids numbered, lines collapsed, and what else any cutoff is cut from."""
        if not self._staged:
            snapshot.collapse(self.connection, FeatureSet(()))
            self._staged.add(snapshot.collapse)
        if stage is not None and stage not in self._staged:
            stage(self.connection)
            self._staged.add(stage)
        return self.connection

    def _directory(self, ledger: Ledger, cutoff: Cutoff) -> Path:
        at = f"{cutoff.at:%Y%m%dT%H%M%S%f}-{hashlib.sha256(cutoff.time_zone.encode()).hexdigest()[:8]}"
        return ledger.home.snapshots / self.state / at

    def _kept(self, cutoff: Cutoff, feature_set: FeatureSet) -> dict[str, pa.ChunkedArray]:
        if self.ledger is None:
            return {}
        wanted = {feature.name: _fingerprint(feature) for feature in feature_set}
        kept: dict[str, pa.ChunkedArray] = {}
        for path in sorted(self._directory(self.ledger, cutoff).glob("*.parquet")):
            try:
                made_of = json.loads(pq.read_schema(path).metadata[MADE_OF])
                mine = [
                    name for name, made in made_of.items() if wanted.get(name) == made and name not in kept
                ]
                if mine:
                    table = pq.read_table(path, columns=["customer_id", *mine])
                    kept |= {name: table[name] for name in table.column_names}
            except FileNotFoundError:  # removed meanwhile by who has a newer ledger
                return {}
        return kept

    def _keep(self, cutoff: Cutoff, found: pa.Table, features: Iterable[Feature]) -> None:
        """Write a snapshot, unless the ledger has changed meanwhile: who was erased from it must not come back."""
        if self.ledger is None:
            return
        made_of = json.dumps({feature.name: _fingerprint(feature) for feature in features})
        with self.ledger.exclusive():
            if state_of(self.ledger.all_files()) != self.state:
                return
            directory = self._directory(self.ledger, cutoff)
            directory.mkdir(parents=True, exist_ok=True)
            for other in self.ledger.home.snapshots.iterdir():
                if other.name != self.state:
                    shutil.rmtree(other)
            draft = directory / f"{uuid4().hex}.draft"
            told = {**(found.schema.metadata or {}), MADE_OF: made_of.encode()}
            pq.write_table(found.replace_schema_metadata(told), draft, compression="zstd")
            draft.replace(draft.with_suffix(".parquet"))


def _fingerprint(feature: Feature) -> str:
    return FeatureSet((feature,)).fingerprint
