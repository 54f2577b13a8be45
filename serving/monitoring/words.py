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


def short(report: Report) -> list[str]:
    """Return the same in a few sentences, without names of columns."""
    told = [_total(report.happened[0])] if report.happened else list(_happened(report))
    for what, found in _compared(report):
        told.append(f"{_much(found)} of the things {what} drifted from training by more than luck explains.")
    if differing := _differing(report):
        told.append(f"{differing} from what was stored.")
    elif report.replays:
        told.append("Computed again, stored predictions come out as they were stored.")
    return [*told, *report.notes]


def to_do(report: Report) -> list[str]:
    """Return what is wrong and what to do about it, a sentence or more for each; nothing when all is well."""
    told = []
    drifted = [f"{_much(found)} of the things {what}" for what, found in _compared(report) if _moved(found)]
    if drifted:
        told.append(
            f"Customers changed since the training as of {report.trained_as_of}: {' and '.join(drifted)} drifted by "
            "more than luck explains. Train again with `regulars train`, then score with `regulars score`."
        )
    if differing := _differing(report):
        told.append(
            f"{differing} from what was stored: files were altered, orders of earlier days came in later, or another "
            "version of a library computes otherwise. Score again with `regulars score`; if a file was altered, "
            "restore the home from a backup."
        )
    return told


def _compared(report: Report) -> list[tuple[str, tuple[Drift, ...]]]:
    """Return what was compared with training, each in a phrase; nothing of a release that kept nothing to compare."""
    both = (("known of customers", report.features), ("predicted of them", report.scores))
    return [(what, found) for what, found in both if found]


def _moved(found: Sequence[Drift]) -> list[Drift]:
    return [each for each in found if each.level != "none"]


def _much(found: Sequence[Drift]) -> str:
    moved = len(_moved(found))
    return f"{moved} of {len(found)}" if moved else "None"


def _differing(report: Report) -> str:
    """Return how many runs come out otherwise, as the beginning of a sentence; nothing when none does."""
    differing = sum(bool(each.differences) for each in report.replays)
    return f"Computed again, {differing} of {len(report.replays)} runs DIFFER" if differing else ""


def honest(report: Report) -> str | None:
    """Return how far to trust the scores, in one sentence; None while no run's horizon is over."""
    return next((_called(each, each.called) for each in report.happened if each.called), None)


def _happened(report: Report) -> Iterator[str]:
    if report.happened:
        for each in report.happened:
            if each.called is not None:
                yield _called(each, each.called)
            yield _total(each)
    elif report.over_on is not None:
        yield f"No run can be judged by what happened yet; the first one can on {report.over_on}."


def _total(past: Checked) -> str:
    within = sum(each.low <= each.ordered <= each.high for each in past.groups)
    ratios = [
        _than(past.metrics[name], what, fewer)
        for name, what, fewer in (
            ("orders_total_ratio", "orders", "fewer"),
            ("value_total_ratio", "money", "less"),
        )
        if name in past.metrics
    ]
    totals = f" {' and '.join(ratios).capitalize()} was predicted than came." if ratios else ""
    return (
        f"As of {past.as_of}, {past.expected_ordered:,.0f} of {past.customers:,} customers were expected to order "
        f"within {past.horizon_days} days, and {past.ordered:,} did.{totals} In {within} of {len(past.groups)} groups "
        "by probability, as many ordered as predicted, give or take luck."
    )


def _than(ratio: float, what: str, fewer: str) -> str:
    """Return by how much more or less was predicted than came."""
    percent = round(100 * (ratio - 1))
    return f"{abs(percent)} % {'more' if percent >= 0 else fewer} {what}"


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
    moved = _moved(found)
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
        elif not each.differences:
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
