"""What was found, in words: for the command line and for pages."""

from collections.abc import Iterator, Sequence

from models.checked import Called, Checked
from serving.monitoring.drift import Drift
from serving.monitoring.replay import Replay
from serving.monitoring.report import Report

NAMED = 5
FEW = 30
"""Customers, below whom a share says little."""


def lines(report: Report) -> list[str]:
    """Return what a reader should know, the most important first."""
    return [*_happened(report), *_drifted(report), *_replayed(report.replays), *report.notes]


def honest(report: Report) -> str | None:
    """Return how far to trust the scores, in one sentence; None while no run's horizon is over."""
    return next((_called(each, each.called) for each in report.happened if each.called), None)


def _happened(report: Report) -> Iterator[str]:
    if report.happened:
        for each in report.happened:
            yield from _one(each)
    elif report.over_on is not None:
        yield f"No run can be judged by what happened yet; the first one can on {report.over_on}."


def _one(past: Checked) -> Iterator[str]:
    if past.called is not None:
        yield _called(past, past.called)
    ratios = [
        f"{past.metrics[name]:.2f} times the {what} that came"
        for name, what in (("orders_total_ratio", "orders"), ("value_total_ratio", "money"))
        if name in past.metrics
    ]
    total = f", {' and '.join(ratios)}" if ratios else ""
    outside = sum(not each.low <= each.ordered <= each.high for each in past.groups)
    yield (
        f"As of {past.as_of}: {past.expected_ordered:,.0f} of {past.customers:,} customers were expected to order "
        f"within {past.horizon_days} days, {past.ordered:,} did{total}; {outside} of {len(past.groups)} groups by "
        "probability came out where luck would take 1 of 20."
    )


def _called(past: Checked, called: Called) -> str:
    """Return the sentence that a shop remembers: of a hundred called likely to leave, how many did."""
    month = f"{past.as_of:%B %Y}"
    of_hundred = (
        f"Of 100 customers called likely to leave in {month}, {100 * called.left / called.customers:.0f} did"
    )
    expected = f"{100 * called.expected / called.customers:.0f} were expected to"
    if called.customers < FEW:
        return (
            f"{called.left} of the {called.customers} customers called likely to leave in {month} did; "
            f"{expected} of 100. So few say little."
        )
    return f"{of_hundred}; {expected} ({called.customers:,} were called so)."


def _drifted(report: Report) -> Iterator[str]:
    if report.features:
        yield _told("features", report.features, f"training as of {report.trained_as_of}")
        yield _told("scores", report.scores, f"training as of {report.trained_as_of}")
    if report.since is not None and report.since.scores:
        other = "" if report.since.release == report.release else ", which another release made"
        yield _told("scores", report.since.scores, f"the run as of {report.since.as_of}{other}")


def _told(what: str, found: Sequence[Drift], than: str) -> str:
    moved = [each for each in found if each.level != "none"]
    if not moved:
        return f"None of {len(found)} {what} drifted from {than} by more than luck explains."
    named = ", ".join(f"{each.name} ({each.psi:.2f}, {each.level})" for each in moved[:NAMED])
    more = f" and {len(moved) - NAMED} more" if len(moved) > NAMED else ""
    return f"{len(moved)} of {len(found)} {what} drifted from {than}: {named}{more}."


def _replayed(replays: Sequence[Replay]) -> Iterator[str]:
    for each in replays:
        day = each.as_of
        if each.skipped is not None:
            yield f"The run as of {day} could not be replayed: {each.skipped}."
        elif not each.differs:
            yield (
                f"Replayed {each.customers:,} customers of the run as of {day}: all {each.columns} features and scores "
                "of each came out as they were stored."
            )
        else:
            found = [
                f"{one.name} of {one.customers:,} customers ({kind})"
                for kind, some in (
                    ("feature", each.features),
                    ("score", each.scores),
                    ("not as recorded", each.recorded),
                )
                for one in some
            ]
            more = f" and {len(found) - NAMED} more" if len(found) > NAMED else ""
            yield f"REPLAY DIFFERS for the run as of {day}: {', '.join(found[:NAMED])}{more}."
