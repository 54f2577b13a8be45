"""What was tried and which release won: runs, versions and their aliases, kept by MLflow.

The only module that knows MLflow, which it imports when first needed. Runs and versions lie in an SQLite file in
the home unless a tracking server is given; they hold parameters, metrics, pictures and the release directory, never
a customer's row. What is served is decided by the release that `models.release` deploys, not here.
"""

import fcntl
import json
import logging
import math
import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, time
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, NamedTuple

from matplotlib.figure import Figure

from ledger.errors import InputError
from ledger.home import Home

REGISTERED_MODEL: Final = "regulars"
CHAMPION: Final = "champion"
CHALLENGER: Final = "challenger"
LOADER_MODULE: Final = "models.release"

# What a notebook needs to load a release through MLflow. Given, because MLflow takes nine seconds to guess it.
_REQUIRED_BY_A_RELEASE: Final = ("lightgbm", "numpy", "pandas", "pydantic", "scipy")
_ENVIRONMENT: Final = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
    "GIT_PYTHON_REFRESH": "quiet",  # a machine without git is no reason for a warning
}
_MOST_METRICS_AT_ONCE: Final = 500  # servers take a thousand in a request
_SERVERS: Final = ("http://", "https://", "databricks")
_TALKATIVE: Final = ("mlflow", "alembic")  # "creating tables", "no signature": nothing a user can act upon


class Measured(NamedTuple):
    """A metric of one day.

    Parameters
    ----------
    name : str
        What stands before its last slash is the heading that MLflow shows it under.
    value : float
        Finite.
    day : date
        Its place in the metric's series, told as 20240131.
    """

    name: str
    value: float
    day: date


class Data(NamedTuple):
    """What a run was made from: its name, its fingerprint, and what else is told of it."""

    name: str
    fingerprint: str
    told: Mapping[str, str]


def record(  # noqa: PLR0913  # one run's record, each part named where it is called
    home: Home,
    *,
    params: Mapping[str, object],
    metrics: Sequence[Measured],
    data: Data,
    description: str,
    tags: Mapping[str, str],
    figures: Mapping[str, Figure],
    tables: Mapping[str, Sequence[Mapping[str, str | float]]],
    texts: Mapping[str, str],
    release_directory: Path,
    promoted: bool,
    tracking_uri: str | None = None,
) -> str:
    """Record one training run and register its release as a new version.

    Parameters
    ----------
    home : Home
    params, tags : mapping
        Settings, and fingerprints and the like.
    metrics : sequence of Measured
        One name may come with several days: a series.
    data : Data
    description : str
        Markdown that MLflow shows above everything else.
    figures : mapping of str to Figure
        File name, such as "lift.png", to picture.
    tables : mapping of str to sequence of mapping
        File name, such as "comparison.json", to rows that share their columns.
    texts : mapping of str to str
        File name, such as "model_card.md", to text.
    release_directory : Path
        The whole release; its name becomes the version's tag `release`.
    promoted : bool
        Whether the version is the champion from now on. Each new version is the challenger.
    tracking_uri : str, optional
        An MLflow server or database; by default the SQLite file in the home.

    Returns
    -------
    str
        The run's id.
    """
    with (
        _session(home, tracking_uri) as mlflow,
        mlflow.start_run(experiment_id=_experiment(mlflow, home), run_name=release_directory.name) as run,
    ):
        mlflow.set_tags(
            dict(tags)
            | {
                "release": release_directory.name,
                "promoted": str(promoted).lower(),
                "mlflow.note.content": description,
            }
        )
        mlflow.log_params(dict(params))
        _log_metrics(mlflow, str(run.info.run_id), metrics)
        _log_data(mlflow, data)
        for name, figure in figures.items():
            mlflow.log_figure(figure, f"figures/{name}")
        for name, rows in tables.items():
            if rows:
                mlflow.log_text(_as_table(rows), name)
        # What MLflow's own log_table notes, so that its pages offer the file as a table.
        shown = [{"path": name, "type": "table"} for name, rows in tables.items() if rows]
        mlflow.set_tag("mlflow.loggedArtifacts", json.dumps(shown))
        for name, text in texts.items():
            mlflow.log_text(text, name)
        client = mlflow.MlflowClient()
        registered = _register(mlflow, client, release_directory, str(run.info.run_id))
        for alias in (CHALLENGER, CHAMPION) if promoted else (CHALLENGER,):
            client.set_registered_model_alias(REGISTERED_MODEL, alias, registered)
        return str(run.info.run_id)


def champion(home: Home, *, tracking_uri: str | None = None) -> dict[str, Any] | None:
    """Return the version that won last.

    Returns
    -------
    dict or None
        version (str), release, run_id and metrics; None before the first promotion.
    """
    if tracking_uri is None and not home.mlflow_database.exists():
        return None
    with _session(home, tracking_uri) as mlflow:
        client = mlflow.MlflowClient()
        models = _known(client)
        if not models or CHAMPION not in models[0].aliases:
            return None
        found = client.get_model_version_by_alias(REGISTERED_MODEL, CHAMPION)
        return {
            "version": str(found.version),
            "release": found.tags["release"],
            "run_id": found.run_id,
            "metrics": client.get_run(found.run_id).data.metrics,
        }


def promote(home: Home, release: str, *, tracking_uri: str | None = None) -> str:
    """Make a recorded release the champion; the one before stays as a version.

    Parameters
    ----------
    home : Home
    release : str
        Name of the release.
    tracking_uri : str, optional
        As for `record`.

    Returns
    -------
    str
        The version.

    Raises
    ------
    InputError
        When no version holds that release.
    """
    with _session(home, tracking_uri) as mlflow:
        client = mlflow.MlflowClient()
        versions = client.search_model_versions(f"name = '{REGISTERED_MODEL}'")
        matching = [int(found.version) for found in versions if found.tags.get("release") == release]
        if not matching:
            raise InputError(
                f"release {release} was never recorded; {len(versions)} versions are. "
                "Train it with `regulars train`, or give the name of a directory under releases/"
            )
        newest = str(max(matching))
        client.set_registered_model_alias(REGISTERED_MODEL, CHAMPION, newest)
        return newest


def note(home: Home, release: str, metrics: Sequence[Measured], *, tracking_uri: str | None = None) -> bool:
    """Add metrics to the training run of a release: how it does at work.

    Parameters
    ----------
    home : Home
    release : str
        Name of the release.
    metrics : sequence of Measured
        Noted before, of the same day and value, they are noted once.
    tracking_uri : str, optional
        As for `record`.

    Returns
    -------
    bool
        False when no run made that release, which then was brought from elsewhere.
    """
    if tracking_uri is None and not home.mlflow_database.exists():
        return False
    with _session(home, tracking_uri) as mlflow:
        versions = mlflow.MlflowClient().search_model_versions(f"name = '{REGISTERED_MODEL}'")
        matching = [found for found in versions if found.tags.get("release") == release]
        if not matching:
            return False
        newest = max(matching, key=lambda found: int(found.version))
        _log_metrics(mlflow, str(newest.run_id), metrics)
        return True


def _log_metrics(mlflow: Any, run_id: str, metrics: Sequence[Measured]) -> None:  # noqa: ANN401  # MLflow is imported late
    """Log series in the order of their days, so that the last one is what a table of runs shows."""
    midnights = {day: datetime.combine(day, time(), UTC) for day in {each.day for each in metrics}}
    told = [
        mlflow.entities.Metric(
            each.name, each.value, int(midnights[each.day].timestamp() * 1000), int(f"{each.day:%Y%m%d}")
        )
        for each in sorted(metrics, key=lambda each: each.day)
    ]
    client = mlflow.MlflowClient()
    for first in range(0, len(told), _MOST_METRICS_AT_ONCE):
        client.log_batch(run_id, metrics=told[first : first + _MOST_METRICS_AT_ONCE])


def _log_data(mlflow: Any, data: Data) -> None:  # noqa: ANN401  # MLflow is imported late
    """Name the data in the run by fingerprint; no row and no path of it."""
    source = mlflow.data.code_dataset_source.CodeDatasetSource(tags=dict(data.told))
    named = mlflow.data.meta_dataset.MetaDataset(source, name=data.name, digest=data.fingerprint)
    mlflow.log_input(named, context="training")


def _as_table(rows: Sequence[Mapping[str, str | float]]) -> str:
    """Return rows as the JSON that MLflow reads tables from; what is not finite is null."""

    def cell(value: str | float) -> str | float | None:
        return None if isinstance(value, float) and not math.isfinite(value) else value

    columns = list(rows[0])
    data = [[cell(row[column]) for column in columns] for row in rows]
    return json.dumps({"columns": columns, "data": data}, allow_nan=False)


def _register(mlflow: Any, client: Any, release_directory: Path, run_id: str) -> str:  # noqa: ANN401  # MLflow is imported late
    """Store the release with the active run and return the number of its version."""
    stored = mlflow.pyfunc.log_model(
        name="release",
        loader_module=LOADER_MODULE,
        data_path=str(release_directory),
        pip_requirements=[f"{name}=={version(name)}" for name in _REQUIRED_BY_A_RELEASE],
    )
    if not _known(client):
        client.create_registered_model(REGISTERED_MODEL)
    made = client.create_model_version(
        REGISTERED_MODEL,
        source=stored.model_uri,
        run_id=run_id,
        model_id=stored.model_id,
        tags={"release": release_directory.name},
    )
    return str(made.version)


def _known(client: Any) -> list[Any]:  # noqa: ANN401  # MLflow is imported late
    """Return the registered model, or nothing before the first version."""
    return list(client.search_registered_models(f"name = '{REGISTERED_MODEL}'"))


def _experiment(mlflow: Any, home: Home) -> str:  # noqa: ANN401  # MLflow is imported late
    """Return the id of the experiment that all runs of a shop belong to."""
    known = mlflow.get_experiment_by_name(REGISTERED_MODEL)
    if known is not None:
        return str(known.experiment_id)
    # A server keeps artifacts where it likes; a database would fall back to ./mlruns of the working directory.
    served = mlflow.get_tracking_uri().startswith(_SERVERS)
    location = None if served else home.mlflow_artifacts.resolve().as_uri()
    return str(mlflow.create_experiment(REGISTERED_MODEL, artifact_location=location))


def _home_uri(home: Home) -> str:
    return f"sqlite:///{home.mlflow_database.resolve()}"


def _mlflow() -> Any:  # noqa: ANN401  # MLflow is imported late
    """Import MLflow, which takes two seconds and reads the environment as it does."""
    os.environ.update(_ENVIRONMENT)
    with warnings.catch_warnings():
        # 2026-11-22: MLflow 3.17 warns of its own type hints, and SQLAlchemy of MLflow's mappings, while they
        # are imported. Goes when MLflow follows its libraries.
        warnings.simplefilter("ignore")
        import mlflow  # noqa: PLC0415
        import mlflow.data.code_dataset_source  # noqa: PLC0415
        import mlflow.data.meta_dataset  # noqa: PLC0415
        import mlflow.entities  # noqa: PLC0415
        import mlflow.pyfunc  # noqa: PLC0415
        import mlflow.store.model_registry.sqlalchemy_store  # noqa: PLC0415
        import mlflow.store.tracking.sqlalchemy_store  # noqa: PLC0415
    return mlflow


@contextmanager
def _session(home: Home, tracking_uri: str | None) -> Iterator[Any]:
    """Give MLflow, quiet and on the right store, to one process at a time.

    The lock is held throughout: of several processes that open a fresh SQLite store at once, all but one fail
    while the tables are made.
    """
    mlflow = _mlflow()
    # Setting an address also exports it, and settings read what is exported: both are put back.
    exported = {name: os.environ.get(name) for name in ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI")}
    with _locked(home), _quiet():
        mlflow.set_tracking_uri(tracking_uri or _home_uri(home))
        mlflow.set_registry_uri(tracking_uri or _home_uri(home))
        try:
            yield mlflow
        finally:
            mlflow.set_tracking_uri(None)
            mlflow.set_registry_uri(None)
            for name, value in exported.items():
                os.environ.pop(name, None)
                os.environ.update({} if value is None else {name: value})


@contextmanager
def _locked(home: Home) -> Iterator[None]:
    """Hold the store's lock, a kernel lock that goes with the process."""
    home.path.mkdir(parents=True, exist_ok=True)
    with home.mlflow_database.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def _quiet() -> Iterator[None]:
    """Let MLflow report errors only."""
    loggers = [logging.getLogger(name) for name in _TALKATIVE]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
