"""The demo: packaged real purchases, imported, trained and scored like anybody's, told in plain words."""

import json
import tempfile
from datetime import datetime
from pathlib import Path

from features.catalog.shipped import CATALOG
from features.cutoff import Cutoff
from ledger.errors import InputError
from ledger.home import Home
from ledger.importers.load import import_files
from ledger.quality.report import examine
from ledger.store import Ledger
from ledger.tables.shipped import TABLES
from models.release import ReleaseError, load_deployed
from regulars import findings, scoring
from regulars.datasets import DATASETS, Dataset, write_plain
from regulars.retraining import retrain
from regulars.settings import Settings
from regulars.terminal import Progress
from serving.store import PublishedRun


def run(name: str, settings: Settings, *, now: datetime, command: str, progress: Progress) -> list[str]:
    """
    Import, train and score a packaged data set.

    What is there already is left as it is: lines are not added twice, and a release made from the same lines,
    features and settings is not made again.

    Parameters
    ----------
    name : str
        One of `regulars.datasets.DATASETS`.
    settings : Settings
    now : datetime
        Aware; the import's instant.
    command : str
        How this program is called, for the advice at the end.
    progress : callable

    Returns
    -------
    list of str
        What was learnt, in plain words, a line each.

    Raises
    ------
    InputError
        When the home holds other data, or the data set's package is not installed.
    """
    dataset = DATASETS[name]
    ledger = Ledger(Home(settings.home))
    claim(ledger.home, dataset)
    imported = fill(ledger, dataset, now, progress)
    cutoff = Cutoff.at_midnight(ledger.default_cutoff_date(), dataset.time_zone)
    trained = _train(ledger, cutoff, settings, progress)
    scoring.score(
        ledger.home,
        cutoff,
        progress,
        lead_days=settings.reminder_lead_days,
        memory_limit_mb=settings.memory_limit_mb,
    )
    published = PublishedRun.open(ledger.home)
    return [
        *imported,
        *trained,
        "",
        *findings.shop(dataset.title, examine(ledger)),
        "",
        *findings.leaving(published.facts, published.tables["scores"]),
        "",
        *findings.due(published.tables["replenishment"], published.tables["products"]),
        "",
        *findings.compared(load_deployed(ledger.home).manifest),
        "",
        *findings.where(str(settings.home), command),
    ]


def claim(home: Home, dataset: Dataset) -> None:
    """
    Mark a home as this data set's; one without the mark is somebody's own.

    Raises
    ------
    InputError
        When it holds anything else; nothing is touched then.
    """
    path = home.path
    if home.demo_marker.exists():
        found = json.loads(home.demo_marker.read_text(encoding="utf-8")).get("dataset")
        if found != dataset.name:
            raise InputError(
                f"{path} holds the demo data of '{found}', not '{dataset.name}'; choose another --home"
            )
        return
    if path.exists() and (not path.is_dir() or any(held != home.settings for held in path.iterdir())):
        raise InputError(f"{path} holds something else than the demo; choose an empty directory with --home")
    path.mkdir(parents=True, exist_ok=True)
    home.demo_marker.write_text(json.dumps({"dataset": dataset.name}) + "\n", encoding="utf-8")


def fill(ledger: Ledger, dataset: Dataset, now: datetime, progress: Progress) -> list[str]:
    """Import the data set and return what came of it, a sentence each table."""
    by_name = {table.name: table for table in TABLES}
    with tempfile.TemporaryDirectory(prefix="regulars-demo-") as scratch:
        progress(f"Reading {dataset.title}", 0.0)
        files = write_plain(dataset, Path(scratch))
        reports = [
            import_files(
                ledger,
                by_name[table],
                [file],
                imported_at=now,
                currency=dataset.currency,
                time_zone=dataset.time_zone,
                progress=progress,
            )
            for table, file in files.items()
        ]
    return [line for report in reports for line in findings.imported(report)]


def _train(ledger: Ledger, cutoff: Cutoff, settings: Settings, progress: Progress) -> list[str]:
    try:
        manifest = load_deployed(ledger.home).manifest
    except ReleaseError:
        manifest = None
    wanted = (ledger.fingerprint(), CATALOG.fingerprint, cutoff.local_date.isoformat(), settings.horizon_days)
    if manifest is not None and wanted == (
        manifest.data_fingerprint,
        manifest.feature_fingerprint,
        manifest.as_of,
        manifest.horizon_days,
    ):
        return [f"training: already done, release {manifest.release} is in force"]
    return findings.trained(retrain(ledger, cutoff, settings, progress))
