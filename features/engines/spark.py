"""The features on Spark: the steps and the SELECT that DuckDB runs, verbatim, over the ledger's Parquet files.

Nothing is translated and nothing is defined twice. What the text may say so that both engines mean the same by it is
held by `tests/conformance/test_engines.py`.
"""

import logging
import os
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from features import history
from features.catalog.shipped import CATALOG
from features.cutoff import Cutoff
from features.feature import FeatureSet
from ledger.errors import InputError
from ledger.schema import Table

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

# What the text means hangs on these; they hold for the engine's own session and leave its caller's alone.
SETTINGS = {
    "spark.sql.ansi.enabled": "true",  # a sum that overflows is an error, as on DuckDB, and not another number
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.timestampType": "TIMESTAMP_LTZ",  # an instant, never a wall clock's reading
    "spark.sql.parquet.datetimeRebaseModeInRead": "CORRECTED",  # the ledger's files know one calendar
}
SPARK_TYPES = {
    "string": "STRING",
    "int32": "INT",
    "int64": "BIGINT",
    "bool": "BOOLEAN",
    "date32[day]": "DATE",
    "timestamp[us, tz=UTC]": "TIMESTAMP",
}
# What Spark calls a number that does not fit.
_TOO_LARGE = ("ARITHMETIC_OVERFLOW", "CAST_OVERFLOW", "NUMERIC_VALUE_OUT_OF_RANGE")
_PARQUET_GLOB = str.maketrans({sign: f"\\{sign}" for sign in "\\*?[]{}"})


def require_spark() -> None:
    """Refuse when Spark cannot run here.

    Raises
    ------
    InputError
        When pyspark or Java is missing; says what to install.
    """
    if find_spec("pyspark") is None:
        raise InputError("Spark needs pyspark, which is not installed; run `pip install 'regulars[spark]'`")
    home = os.environ.get("JAVA_HOME")
    if shutil.which(f"{home}/bin/java" if home else "java") is None:
        where = f"in JAVA_HOME ({home})" if home else "on the PATH"
        raise InputError(
            f"Spark needs Java 17 or later, and there is none {where}; "
            "on Debian and Ubuntu: apt install openjdk-17-jre-headless"
        )


def open_session(settings: Mapping[str, str] | None = None) -> "SparkSession":
    """Return the Spark session of this process, started when there is none.

    Where it runs and with how much memory is said to Spark as everywhere: SPARK_CONF_DIR, PYSPARK_SUBMIT_ARGS. Without
    either it runs inside this process, on all cores.

    Parameters
    ----------
    settings : mapping of str to str, optional
        Spark's own settings, for a session that is started.

    Raises
    ------
    InputError
        When pyspark or Java is missing, or Spark does not start.
    """
    require_spark()
    from pyspark.errors import PySparkRuntimeError  # noqa: PLC0415 - an extra, and slow to import
    from pyspark.sql import SparkSession  # noqa: PLC0415 - likewise

    # Spark would take the first python3 of the PATH for its workers, which need not have Regulars installed.
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    # A refused number is told in one line here; pyspark would log Java's whole stack of calls beside it.
    logging.getLogger("SQLQueryContextLogger").setLevel(logging.CRITICAL)
    quiet = {
        "spark.ui.showConsoleProgress": "false",
        "spark.log.level": "ERROR",
        # As many tasks as the data asks for: by default there are as many as cores, or two hundred, however little.
        "spark.sql.adaptive.coalescePartitions.parallelismFirst": "false",
    }
    builder = SparkSession.builder.appName("regulars")
    for name, value in (quiet | dict(settings or {})).items():
        builder = builder.config(name, value)
    try:
        return builder.getOrCreate()
    except PySparkRuntimeError as error:
        raise InputError(
            "Spark did not start; what it said stands above. It needs Java 17 or later"
        ) from error


class SparkHistory:
    """A ledger on Spark, staged as of one cutoff after another.

    Parameters
    ----------
    session : SparkSession
        Its views and settings stay as they are: the history has a session of its own beside it.
    files : mapping of Table to sequence of Path
        Parquet files of each table, as `Ledger.all_files` names them; where Spark's workers can read them.
    arrow_rows : int, rows
        How many rows at most a function of `mapInArrow` is given at once.
    """

    def __init__(
        self, session: "SparkSession", files: Mapping[Table, Sequence[Path]], arrow_rows: int = 10_000
    ) -> None:
        self._session = session.newSession()
        for name, value in SETTINGS.items():
            self._session.conf.set(name, value)
        self._session.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", str(arrow_rows))
        for table, listed in files.items():
            self._read(table, listed).createOrReplaceTempView(f"ledger_{table.name}")

    def stage(self, cutoff: Cutoff) -> None:
        """Stage the relations of `features.history` as of a cutoff, replacing those of the cutoff before."""
        for step in history.STEPS:
            relation = self._session.sql(step.sql, args=history.values(cutoff))
            # Computed here and cut off from where it came from: the links between ids are followed by doubling, and a
            # plan that is doubled as often takes longer to read than to run. What does not fit into memory is on disk.
            relation.localCheckpoint().createOrReplaceTempView(step.table)

    def select(self, feature_set: FeatureSet = CATALOG) -> "DataFrame":
        """Return `customer_id` and the features as of the cutoff last staged; a row a customer, in no order."""
        return self._session.sql(feature_set.sql())

    def relation(self, name: str) -> "DataFrame":
        """Return a staged relation, such as `history_items`."""
        return self._session.table(name)

    def _read(self, table: Table, files: Sequence[Path]) -> "DataFrame":
        # Given the columns, Spark fills those that an older file was written without: tables grow columns.
        columns = ", ".join(f"{column.name} {SPARK_TYPES[str(column.type)]}" for column in table.columns)
        if not files:
            return self._session.createDataFrame([], columns)
        paths = [f"file://{str(path).translate(_PARQUET_GLOB)}" for path in files]
        return self._session.read.schema(columns).parquet(*paths)


def compute(history_on_spark: SparkHistory, cutoff: Cutoff, feature_set: FeatureSet = CATALOG) -> pa.Table:
    """Describe every customer known before a cutoff, as `features.snapshot.compute` does, to the last bit.

    Parameters
    ----------
    history_on_spark : SparkHistory
        It is left staged as of the cutoff.
    cutoff : Cutoff
    feature_set : FeatureSet

    Returns
    -------
    pyarrow.Table
        `customer_id` and the features, sorted by customer.

    Raises
    ------
    InputError
        When amounts are too large to be added up exactly.
    """
    with exact_sums():
        history_on_spark.stage(cutoff)
        return collected(history_on_spark.select(feature_set))


def collected(frame: "DataFrame") -> pa.Table:
    """Return a Spark table's rows here, sorted by customer."""
    table = frame.toArrow()
    # Rebuilt by name: Spark says of a column that it is never empty, which is no part of a table's type here.
    return pa.Table.from_arrays(table.columns, names=table.column_names).sort_by("customer_id")


@contextmanager
def exact_sums() -> Iterator[None]:
    """Turn Spark's refusal of a sum that does not fit into the one line that DuckDB's becomes.

    Raises
    ------
    InputError
        When amounts are too large to be added up exactly.
    """
    from pyspark.errors import PySparkException  # noqa: PLC0415 - an extra, and slow to import

    try:
        yield
    except PySparkException as error:
        if any(name in str(error) for name in _TOO_LARGE):
            raise InputError(
                "the amounts or quantities of one customer are too large to be added up"
            ) from error
        raise
