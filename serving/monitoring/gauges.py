"""What the service tells Prometheus of how the release does at work, as `regulars monitor` found it last."""

from collections.abc import Iterator

from prometheus_client.metrics_core import GaugeMetricFamily, Metric

from ledger.errors import InputError
from serving.errors import ProblemError
from serving.live import Live
from serving.monitoring.report import Report, read

JUDGED = ("auc", "brier", "calibration_error", "orders_total_ratio", "value_total_ratio")
"""Metrics of the newest run that could be judged."""


def of_release_at_work(live: Live) -> Iterator[Metric]:
    """Yield gauges of drift, of the replay and of the newest run whose horizon is over; none before the first look."""
    try:
        report = read(live.home())
    except (InputError, ProblemError):
        return  # damaged, or nothing is opened yet: /v1/monitoring and /readyz say so
    if report is not None:
        yield from _gauges(report)


def _gauges(report: Report) -> Iterator[Metric]:
    drift = GaugeMetricFamily(
        "regulars_drift", "Population stability index against training.", labels=["kind", "name"]
    )
    drifted = GaugeMetricFamily(
        "regulars_drifted", "Features and scores that drifted by more than luck explains.", labels=["kind"]
    )
    for kind, found in (("feature", report.features), ("score", report.scores)):
        for each in found:
            drift.add_metric([kind, each.name], each.psi)
        drifted.add_metric([kind], sum(each.level != "none" for each in found))
    yield drift
    yield drifted
    yield GaugeMetricFamily(
        "regulars_replay_differences",
        "Columns of the kept runs that did not come out as they were stored.",
        value=sum(len(each.differences) for each in report.replays),
    )
    yield GaugeMetricFamily(
        "regulars_monitored_timestamp_seconds", "When was looked last.", value=report.made_at.timestamp()
    )
    if report.happened:
        newest = report.happened[0]
        judged = GaugeMetricFamily(
            "regulars_happened", "The newest run that can be judged by what happened.", labels=["metric"]
        )
        for name in JUDGED:
            if name in newest.metrics:
                judged.add_metric([name], newest.metrics[name])
        yield judged
