"""`regulars monitor`: drift, a replay, and what was predicted beside what happened."""

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from regulars import terminal
from regulars.options import AsJson, HomeDirectory, ledger_of, settings_of

# What the commands need is imported when one runs: `regulars --help` answers at once.
# ruff: noqa: PLC0415
if TYPE_CHECKING:
    from collections.abc import Sequence

    from features.cutoff import Cutoff
    from ledger.home import Home
    from ledger.store import Ledger
    from models.checked import Checked
    from models.release import Release
    from serving.monitoring.replay import Replay
    from serving.monitoring.report import Report, Since
    from serving.monitoring.runs import ScoredRun
    from serving.store import PublishedRun
    from training.registry import Measured

NO_HISTOGRAMS = (
    "The release holds no histograms, so drift from training cannot be told; one trained from now on does."
)


def monitor(*, home: HomeDirectory = None, as_json: AsJson = False) -> None:
    """Say how the release does at work.

    Whether customers and scores drifted from those it was trained on, whether stored scores can be computed again, and
    what happened to those it predicted, once the horizon of a run is over. The service tells the same, and MLflow.
    """
    from serving.monitoring import words
    from training import registry

    settings = settings_of(home)
    ledger = ledger_of(settings)
    with terminal.progress() as progress:
        report = look(ledger, datetime.now(UTC), progress)
        progress("Noting it in MLflow", 0.9)
        registry.note(
            ledger.home, report.release, measured(report), tracking_uri=settings.mlflow_tracking_uri
        )
    if as_json:
        terminal.show_json(report.model_dump(mode="json"))
        return
    terminal.show_lines(words.lines(report))
    for past in report.happened:
        terminal.show(
            [each.model_dump() for each in past.groups],
            title=f"\nAs of {past.as_of}, predicted and come within {past.horizon_days} days, by probability:",
        )


def look(ledger: "Ledger", now: datetime, progress: terminal.Progress) -> "Report":
    """Look at the published run and at those before it, and keep what is found in the home.

    Parameters
    ----------
    ledger : Ledger
        With all that was posted until now.
    now : datetime
    progress : callable

    Raises
    ------
    InputError
        When nothing was scored yet, or the release that did it is gone.
    """
    from features.cutoff import Cutoff
    from models.release import load_release
    from serving.monitoring import report as reports
    from serving.monitoring import runs
    from serving.store import PublishedRun

    home = ledger.home
    run = PublishedRun.open(home)
    release = load_release(home.releases / run.facts.release)
    scored = runs.scored_runs(home)
    zone = ledger.shop.time_zone
    known_until = Cutoff.at_midnight(ledger.default_cutoff_date(), zone)
    progress("Comparing with training", 0.0)
    horizons = _horizons(home, scored)
    report = reports.Report(
        made_at=now,
        run=run.name,
        release=release.id,
        as_of=Cutoff(run.facts.as_of, zone).local_date,
        trained_as_of=date.fromisoformat(release.manifest.as_of),
        customers=run.facts.customers,
        trained_customers=release.manifest.customers,
        features=runs.input_drift(release, run),
        scores=runs.score_drift(release, run),
        since=_since(home, release, run, scored),
        replays=_replays(home, progress),
        happened=_happened(ledger, runs.over(scored, horizons, known_until), horizons, known_until, progress),
        over_on=_over_on(scored, horizons, known_until),
        notes=() if release.seen.histograms else (NO_HISTOGRAMS,),
    )
    reports.write(home, report)
    return report


def _since(
    home: "Home", release: "Release", run: "PublishedRun", scored: "Sequence[ScoredRun]"
) -> "Since | None":
    from features.cutoff import Cutoff
    from serving.monitoring.report import Since
    from serving.monitoring.runs import drift_since

    before = [each for each in scored if each.as_of < run.facts.as_of]
    if not before:
        return None
    return Since(
        as_of=Cutoff(before[-1].as_of, run.facts.time_zone).local_date,
        release=before[-1].release,
        scores=drift_since(release, home, before[-1], run),
    )


def _replays(home: "Home", progress: terminal.Progress) -> "tuple[Replay, ...]":
    from serving.monitoring.replay import replay
    from serving.pointer import kept_runs
    from serving.store import PublishedRun

    progress("Replaying", 0.3)
    return tuple(replay(PublishedRun.open(home, name)) for name in kept_runs(home))


def _horizons(home: "Home", scored: "Sequence[ScoredRun]") -> dict[str, int]:
    """Return the horizon of each release that scored, where the release is still there to say it."""
    from models.release import ReleaseError, read_manifest

    found = {}
    for name in dict.fromkeys(each.release for each in scored):
        try:
            found[name] = read_manifest(home.releases / name).horizon_days
        except ReleaseError:
            continue  # deleted by its owner: its runs cannot be judged
    return found


def _happened(
    ledger: "Ledger",
    over: "Sequence[ScoredRun]",
    horizons: dict[str, int],
    known_until: "Cutoff",
    progress: terminal.Progress,
) -> "tuple[Checked, ...]":
    if not over:
        return ()
    from features.cutoff import Cutoff
    from serving import tables
    from serving.batch import LIKELY_TO_LEAVE
    from training.dataset import Dataset
    from training.hindsight import past_run

    progress("Looking at what happened", 0.5)
    judged = []
    with ledger.connect() as connection:
        dataset = Dataset(connection, known_until, max(horizons.values()))
        for run in over:
            days = horizons[run.release]
            names = [f"{what}_{days}d" for what in ("p_order", "expected_orders", "expected_value")]
            stored = tables.read_as_of(
                ledger.home.scores, run.as_of, ["customer_id", *names, "churn_probability_90d"]
            )
            cutoff = Cutoff(run.as_of, known_until.time_zone)
            if stored is not None:
                frame = stored.to_pandas()
                judged.append(past_run(dataset, cutoff, run.release, frame, days, LIKELY_TO_LEAVE))
    return tuple(judged)


def _over_on(scored: "Sequence[ScoredRun]", horizons: dict[str, int], known_until: "Cutoff") -> date | None:
    """Return the day on which the next run can be judged."""
    from features.cutoff import Cutoff

    ends = [
        Cutoff(run.as_of, known_until.time_zone).plus_days(horizons[run.release])
        for run in scored
        if run.release in horizons
    ]
    return min((end.local_date for end in ends if end.at > known_until.at), default=None)


def measured(report: "Report") -> "list[Measured]":
    """Return what MLflow is told of a release: drift by the day of the run, and how it did by the day it predicted."""
    from training.registry import Measured

    day = report.as_of
    found = [Measured(f"drift/{each.name}", each.psi, day) for each in (*report.features, *report.scores)]
    found += [
        Measured("replay/columns_that_differ", float(len(each.differences)), day)
        for each in report.replays[:1]
    ]
    for past in report.happened:
        if past.release == report.release:
            found += [Measured(f"happened/{name}", value, past.as_of) for name, value in past.metrics.items()]
    return found
