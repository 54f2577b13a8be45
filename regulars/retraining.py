"""Training with a shop's settings, and noting who did: for the command and the demo."""

from datetime import UTC, datetime

from features.cutoff import Cutoff
from ledger.store import Ledger
from models import deployments
from models.release import deployed_release
from regulars.promoting import name_of
from regulars.settings import Settings
from regulars.terminal import Progress
from training.train import TrainSummary, train


def retrain(ledger: Ledger, cutoff: Cutoff, settings: Settings, progress: Progress) -> TrainSummary:
    """
    Train as of a cutoff, and write down by whom when the new release is served from now on.

    `training.train.train` says what is refused.

    Parameters
    ----------
    ledger : Ledger
    cutoff : Cutoff
    settings : Settings
    progress : callable

    Returns
    -------
    TrainSummary
    """
    before = deployed_release(ledger.home)
    summary = train(
        ledger.home,
        cutoff=cutoff,
        horizon_days=settings.horizon_days,
        seed=settings.seed,
        memory_limit_mb=settings.memory_limit_mb,
        owner_limits=settings.lifecycle_limits,
        sensitive_attributes=settings.sensitive_attributes,
        mlflow_tracking_uri=settings.mlflow_tracking_uri,
        progress=progress,
    )
    if summary.promoted:
        deployments.note_trained(ledger.home, summary.release, before, by=name_of(None), at=datetime.now(UTC))
    return summary
